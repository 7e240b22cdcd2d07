import type { Quantities } from "../../../core/resources/Quantities.ts"
import { isFreeScalar, isPlain, type Resource } from "../../../core/resources/Resource.ts"
import { type Resources, toResources } from "../../../core/resources/Resources.ts"
import { atomsOf, atomsToList, withoutAtoms } from "../ResourceAtoms.ts"

export interface NaiveHost {
  readonly agentId: string
  readonly slot: number
  total: Resources
  reserve: Quantities
  isActive: boolean
  /** What is held of it, one entry for each time that something was taken. */
  holdings: ReadonlyArray<Resources>
}

type AtomList = ReadonlyArray<readonly [string, number]>

const isPlainScalar = ({ kind }: Resource): boolean => kind.type === "scalar" && isPlain(kind)

export const plainOf = (list: Iterable<Resource>, name: string): number =>
  [...list]
    .filter((resource) => isPlainScalar(resource) && resource.kind.name === name)
    .reduce((sum, { value }) => sum + (value as number), 0)

/** Hosts the obvious way: who holds what is a list, and every figure is summed up from it. */
export class NaiveHosts {
  readonly hosts = new Map<string, NaiveHost>()

  private heldOn({ holdings }: NaiveHost): ReadonlyArray<Resource> {
    return holdings.flat()
  }

  allocated(host: NaiveHost, name: string): number {
    return plainOf(this.heldOn(host), name)
  }

  available(host: NaiveHost, name: string): number {
    const { total, reserve } = host
    return Math.max(0, plainOf(total, name) - this.allocated(host, name) - (reserve[name] ?? 0))
  }

  /** What the rest of the total has beyond what is held; shared resources stay, whoever holds them. */
  availableRest({ total, holdings }: NaiveHost): AtomList {
    const held = holdings.flat().filter(({ kind }) => !kind.shared)
    const rest = total.filter((resource) => !isPlainScalar(resource))
    return atomsToList(withoutAtoms(atomsOf(rest), atomsOf(held)))
  }

  heldRest(host: NaiveHost): AtomList {
    const held = this.heldOn(host).filter((resource) => !isPlainScalar(resource) && !resource.kind.shared)
    return atomsToList(atomsOf(toResources(held)))
  }

  /** All that is available, in normal form; of the rest only whole resources, as the random lives take them. */
  availableOn(host: NaiveHost, names: ReadonlyArray<string>): AtomList {
    const plain = names.map((name) => [JSON.stringify([name, "milli"]), this.available(host, name)] as const)
    return atomsToList(new Map([...plain.filter(([, milli]) => milli > 0), ...this.availableRest(host)]))
  }

  heldReserve(host: NaiveHost, name: string): number {
    return Math.min(host.reserve[name] ?? 0, this.unallocated(host, name))
  }

  missingReserve(host: NaiveHost, name: string): number {
    const attainable = Math.min(host.reserve[name] ?? 0, plainOf(host.total, name))
    return Math.max(0, attainable - this.unallocated(host, name))
  }

  private unallocated(host: NaiveHost, name: string): number {
    return Math.max(0, plainOf(host.total, name) - this.allocated(host, name))
  }

  /** Available and unreserved, not revocable scalars of all active hosts. */
  activeAvailable(name: string): number {
    const active = [...this.hosts.values()].filter(({ isActive }) => isActive)
    return active.reduce((sum, host) => sum + this.available(host, name) + this.freeInRest(host, name), 0)
  }

  private freeInRest(host: NaiveHost, name: string): number {
    const isFree = ({ kind }: Resource) => kind.name === name && isFreeScalar(kind) && !isPlain(kind)
    const keys = host.total.filter(isFree).map(({ kind }) => kind.key)
    if (keys.length === 0) return 0
    let sum = 0
    for (const [atom, count] of this.availableRest(host)) {
      const [key, what] = JSON.parse(atom) as [string, string | number]
      if (keys.includes(key)) sum += typeof what === "number" ? what * count : count
    }
    return sum
  }
}
