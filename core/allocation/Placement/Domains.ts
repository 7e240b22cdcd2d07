import type { ConstrainedHost } from "../Constraints.ts"
import type { HostTable } from "../IndexedAllocator/HostTable.ts"
import type { Topology } from "../Placement.ts"

/** Domain of a host without a value. */
export const NOWHERE = -1

/** The domains of one topology, numbered; of the hosts as they are now. */
export class Domains {
  /** By slot. */
  readonly numbers: Int32Array
  /** How many domains there are. */
  readonly count: number
  /** Whether each domain has one host at most. */
  readonly isOneHostEach: boolean

  constructor(hosts: HostTable, topology: Topology) {
    const known = new Map<string, number>()
    const numbers = new Int32Array(hosts.bound).fill(NOWHERE)
    let members = 0
    for (let slot = 0; slot < hosts.bound; slot++) {
      const agent = hosts.agents[slot]
      const value = agent === undefined ? null : domainValue(agent, topology)
      if (value === null) continue
      members++
      const number = known.get(value)
      numbers[slot] = number === undefined ? known.size : number
      if (number === undefined) known.set(value, known.size)
    }
    this.numbers = numbers
    this.count = known.size
    this.isOneHostEach = members === known.size
  }

  /** Calls back for each host of a domain. */
  forEachHost(domain: number, visit: (slot: number) => void): void {
    for (let slot = 0; slot < this.numbers.length; slot++) if (this.numbers[slot] === domain) visit(slot)
  }
}

/** Of several attributes of one name the first counts, as for offer constraints; one that is no text is no value. */
const domainValue = (host: ConstrainedHost, topology: Topology): string | null => {
  switch (topology.type) {
    case "hostname":
      return host.hostname
    case "region":
      return host.region
    case "zone":
      return host.zone
    case "attribute": {
      const attribute = host.attributes.find(({ name }) => name === topology.name)
      return attribute === undefined || attribute.type !== "text" ? null : attribute.value
    }
  }
}

const topologyKey = (topology: Topology): string =>
  topology.type === "attribute" ? `attribute ${topology.name}` : topology.type

/** The domains of all topologies that somebody asks for, of the hosts as they are. */
export class DomainBook {
  private readonly byTopology = new Map<string, Domains>()
  private shape = -1

  constructor(private readonly hosts: HostTable) {}

  domainsOf(topology: Topology): Domains {
    const known = this.knownDomainsOf(topology)
    if (known !== undefined) return known
    const domains = new Domains(this.hosts, topology)
    this.byTopology.set(topologyKey(topology), domains)
    return domains
  }

  /** Undefined = nobody asked for them since the hosts' shape changed. */
  knownDomainsOf(topology: Topology): Domains | undefined {
    if (this.shape !== this.hosts.shape) {
      this.byTopology.clear()
      this.shape = this.hosts.shape
    }
    return this.byTopology.get(topologyKey(topology))
  }
}
