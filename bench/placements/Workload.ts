import type { AllocatorAgent } from "../../core/allocation/Allocator.ts"
import type { PlacementGroup, PlacementRule } from "../../core/allocation/Placement.ts"
import { nextBelow, type Prng, seedPrng } from "../../core/Prng.ts"
import type { Quantities } from "../../core/resources/Quantities.ts"
import { frameworkIdOf, toAgent, type Variant } from "../allocation/Workload.ts"
import type { PlacementJob } from "./Job.ts"
import type { WorkloadName } from "./Recorded.ts"

/** Milli-cpus, and memory in thousandths of MiB. */
export interface Amounts {
  readonly cpus: number
  readonly mem: number
}

/** One request; what no host can have is asked for to be refused. */
export interface Request {
  readonly amounts: Amounts
  readonly isImpossible: boolean
}

/** What is there, and what is asked for; the groups are `before` and `measured`. */
export interface PlacementWorkload {
  readonly name: WorkloadName
  readonly hosts: ReadonlyArray<Amounts>
  readonly zoneOf: (host: number) => string | null
  readonly before: ReadonlyArray<Request>
  readonly measured: ReadonlyArray<Request>
  readonly groups: readonly [before: PlacementGroup, measured: PlacementGroup]
}

export const toWorkload = ({ workload: name, variant, size }: PlacementJob): PlacementWorkload => ({
  name,
  hosts: Array.from({ length: size.hosts }, (_, host) => hostOf(variant, host)),
  zoneOf: zonesOf(name),
  before: requestsOf(variant, "before", size.before),
  measured:
    name === "unschedulable"
      ? withImpossible(requestsOf(variant, "measured", size.measured))
      : requestsOf(variant, "measured", size.measured),
  groups: [groupOf("before", name), groupOf("measured", name)],
})

// --- hosts ---

const gib = 1_024_000

/** Alike 4 cpus and 32 GiB; mixed 2 to 8 cpus and 8 to 64 GiB, no two the same. */
const hostOf = (variant: Variant, host: number): Amounts => {
  if (variant === "alike") return { cpus: 4_000, mem: 32 * gib }
  const prng = seedPrng(`placement host ${host}`)
  return { cpus: 2_000 + nextBelow(prng, 6_001), mem: 8 * gib + nextBelow(prng, 56 * gib + 1) }
}

const zonesOf = (name: WorkloadName): ((host: number) => string | null) => {
  if (name === "topology-spreading") return (host) => `zone${(host % 3) + 1}`
  return name === "node-affinity" || name === "pod-affinity" ? () => "zone1" : () => null
}

export const toPlacementAgent = ({ hosts, zoneOf }: PlacementWorkload, host: number): AllocatorAgent => ({
  ...toAgent(host, { ...hosts[host]!, disk: 0, ports: [] }),
  zone: zoneOf(host),
})

// --- requests ---

const requestsOf = (variant: Variant, group: string, count: number): ReadonlyArray<Request> => {
  const prng = seedPrng(`placement requests ${group}`)
  // Each one an object of its own, as if it had just been read from a socket.
  return Array.from({ length: count }, () => ({
    amounts: variant === "alike" ? { cpus: 100, mem: 500_000 } : mixedAmounts(prng),
    isImpossible: false,
  }))
}

/** 0.02 to 0.4 cpus, 50 to 1500 MiB. */
const mixedAmounts = (prng: Prng): Amounts => ({
  cpus: 20 + nextBelow(prng, 381),
  mem: 50_000 + nextBelow(prng, 1_450_001),
})

/** After every ten, one for 9 cpus. */
const withImpossible = (requests: ReadonlyArray<Request>): ReadonlyArray<Request> =>
  requests.flatMap((request, index) =>
    index % 10 === 9 ? [request, { amounts: { cpus: 9_000, mem: 500_000 }, isImpossible: true }] : [request],
  )

export const toQuantities = ({ cpus, mem }: Amounts): Quantities => ({ cpus, mem })

// --- groups ---

const both = ["before", "measured"]

const rulesOf = (group: string, name: WorkloadName): ReadonlyArray<PlacementRule> => {
  switch (name) {
    case "pod-anti-affinity":
      return [{ type: "apart", topology: { type: "hostname" }, of: both }]
    case "pod-matching-anti-affinity":
      return group === "before" ? [{ type: "apart", topology: { type: "hostname" }, of: both }] : []
    case "pod-affinity":
      return [{ type: "near", topology: { type: "zone" }, of: both }]
    case "topology-spreading":
      return group === "measured" ? [{ type: "spread", topology: { type: "zone" }, maxSkew: 5 }] : []
    default:
      return []
  }
}

const groupOf = (groupId: string, name: WorkloadName): PlacementGroup => ({
  groupId,
  frameworkId: frameworkIdOf(0),
  role: "*",
  constraints: name === "node-affinity" && groupId === "measured" ? [isIn("zone1"), isIn("zone2")] : null,
  rules: rulesOf(groupId, name),
  prefer: "idle",
})

const isIn = (zone: string) => [
  { selector: { type: "zone" as const }, predicate: { type: "textEquals" as const, value: zone } },
]
