import { IndexedAllocator } from "../../core/allocation/IndexedAllocator.ts"
import type { PlacementRule, Topology } from "../../core/allocation/Placement.ts"
import { defaultAllocatorSettings } from "../../core/allocation/Settings.ts"
import { nextBelow, type Prng, seedPrng } from "../../core/Prng.ts"
import type { Quantities } from "../../core/resources/Quantities.ts"
import { quantitiesToResources } from "../../core/resources/Resources.ts"
import type { Transcript } from "./Transcript.ts"

const hosts = 60
const steps = 1_500
const groups = 6
const hostname: Topology = { type: "hostname" }
const zone: Topology = { type: "zone" }

const rulesOf = (group: number): ReadonlyArray<PlacementRule> => {
  const own = `g${group}`
  const choices: ReadonlyArray<ReadonlyArray<PlacementRule>> = [
    [],
    [{ type: "apart", topology: hostname, of: [own, "g0"] }],
    [{ type: "spread", topology: zone, maxSkew: 2 }],
    [{ type: "near", topology: zone, of: [own] }],
    [{ type: "atMost", topology: hostname, count: 3 }],
    [
      { type: "atMost", topology: { type: "attribute", name: "rack" }, count: 9 },
      { type: "spread", topology: zone, maxSkew: 9 },
    ],
  ]
  return choices[group]!
}

const putHost = (allocator: IndexedAllocator, prng: Prng, host: number): void =>
  allocator.putAgent({
    agentId: `agent-${host}`,
    hostname: `host-${host}`,
    total: quantitiesToResources({
      cpus: 1_000 + nextBelow(prng, 7_000),
      mem: 1 + nextBelow(prng, 60_000_000),
    }),
    reserve: { cpus: nextBelow(prng, 900) },
    attributes: [{ name: "rack", type: "text", value: `r${nextBelow(prng, 7)}` }],
    capabilities: ["MULTI_ROLE", "HIERARCHICAL_ROLE"],
    region: null,
    zone: `z${host % 3}`,
    isActive: nextBelow(prng, 20) > 0,
  })

/** Tasks that are placed and end, on hosts that change, beside cycles on the same books. */
export const tellPlacementStory = (seed: string, transcript: Transcript): void => {
  const prng = seedPrng(`${seed} placements`)
  const allocator = new IndexedAllocator(defaultAllocatorSettings, seedPrng(seed))
  for (let host = 0; host < hosts; host++) putHost(allocator, prng, host)
  allocator.putFramework({
    frameworkId: "f",
    roles: ["batch"],
    suppressedRoles: [],
    isActive: true,
    capabilities: ["MULTI_ROLE"],
    minAllocatable: {},
    constraints: {},
  })
  const placer = allocator.placer()
  for (let group = 0; group < groups; group++) {
    const prefer = group % 2 === 0 ? "idle" : "busy"
    placer.putGroup({
      groupId: `g${group}`,
      frameworkId: "f",
      role: "batch",
      constraints: null,
      rules: rulesOf(group),
      prefer,
    })
  }
  const running: Array<{ groupId: string; agentId: string; resources: Quantities }> = []
  for (let step = 0; step < steps; step++) {
    const groupId = `g${nextBelow(prng, groups)}`
    const resources = { cpus: 1 + nextBelow(prng, 700), mem: 1 + nextBelow(prng, 3_000_000) }
    const placement = placer.place(groupId, resources)
    transcript.note(groupId, placement)
    if (placement.type === "placed") running.push({ groupId, agentId: placement.agentId, resources })
    if (nextBelow(prng, 3) === 0 && running.length > 0) {
      const [ended] = running.splice(nextBelow(prng, running.length), 1)
      placer.end(ended!.groupId, ended!.agentId, ended!.resources)
    }
    if (step % 100 === 99) putHost(allocator, prng, nextBelow(prng, hosts))
  }
  const offers = allocator.allocate(steps, "all")
  for (let index = 0; index < offers.count; index++) transcript.note("offer", offers.at(index))
}
