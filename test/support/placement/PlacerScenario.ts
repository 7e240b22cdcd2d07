import fc from "fast-check"
import type { OfferConstraints } from "../../../core/allocation/Constraints.ts"
import type { PlacementGroup, PlacementRule, Topology } from "../../../core/allocation/Placement.ts"
import {
  type AllocatorSettings,
  mesosAllocatorSettings,
  type Quota,
} from "../../../core/allocation/Settings.ts"
import { type Quantities, toQuantities } from "../../../core/resources/Quantities.ts"
import type { AgentForm, FrameworkForm } from "../allocation/Command.ts"
import { everyFrameworkCapability } from "../allocation/Fixtures.ts"
import { agentForms } from "../allocation/Hosts.ts"
import { everything } from "../allocation/Scenario.ts"
import type { PlacerCommand, PlacerScenario } from "./PlacerCommand.ts"

// Random lives of small clusters in which tasks are placed: few hosts, few zones, few amounts, so that rules bind and ties are many.

const agentIds = ["h1", "h2", "h3", "h4", "h5", "h6"]
/** Each group's framework and role; two groups share them. */
const owners: Readonly<Record<string, { readonly frameworkId: string; readonly role: string }>> = {
  g1: { frameworkId: "f1", role: "a" },
  g2: { frameworkId: "f1", role: "a" },
  g3: { frameworkId: "f2", role: "a/b" },
  g4: { frameworkId: "f3", role: "*" },
}
const groupIds = Object.keys(owners)
const frameworkIds = ["f1", "f2", "f3"]

const of = <A>(...values: ReadonlyArray<A>) => fc.constantFrom(...values)
const type = <A extends string>(name: A) => fc.constant(name)

// --- hosts ---

/** Plain ones more often than not; the same host may come back as quite another. */
const forms: fc.Arbitrary<AgentForm> = fc
  .tuple(
    fc.oneof(
      { weight: 2, arbitrary: agentForms({ ...everything, hasOddResources: false, hasGates: false }) },
      { weight: 1, arbitrary: agentForms(everything) },
    ),
    of(null, "z1", "z1", "z2", "z3"),
    of({}, {}, {}, { cpus: 1_000 }, { mem: 9_000 }),
    // Several agents of one machine.
    of({}, {}, { hostname: "h1.shared" }),
  )
  .map(([form, zone, reserve, name]) => ({
    ...form,
    ...name,
    zone,
    reserve: { ...form.reserve, ...reserve },
  }))

// --- groups ---

const topologies = of<Topology>(
  { type: "hostname" },
  { type: "zone" },
  { type: "zone" },
  { type: "region" },
  { type: "attribute", name: "rack" },
)
const someGroups = fc.subarray([...groupIds], { minLength: 1 })

const rules = fc.oneof<Array<fc.Arbitrary<PlacementRule>>>(
  fc.record({ type: type("near"), topology: topologies, of: someGroups }),
  fc.record({ type: type("apart"), topology: topologies, of: someGroups }),
  fc.record({ type: type("atMost"), topology: topologies, count: of(1, 2, 3) }),
  fc.record({ type: type("spread"), topology: topologies, maxSkew: of(1, 1, 2) }),
)

const constraints = of<OfferConstraints | null>(
  null,
  null,
  null,
  [[{ selector: { type: "attribute", name: "rack" }, predicate: { type: "exists" } }]],
  [
    [{ selector: { type: "zone" }, predicate: { type: "textEquals", value: "z1" } }],
    [{ selector: { type: "zone" }, predicate: { type: "textEquals", value: "z2" } }],
  ],
  [[{ selector: { type: "hostname" }, predicate: { type: "textMatches", regex: "h[1-4]\\..*" } }]],
)

const groupsNamed = (groupId: string): fc.Arbitrary<PlacementGroup> =>
  fc.record({
    groupId: fc.constant(groupId),
    frameworkId: fc.constant(owners[groupId]!.frameworkId),
    role: fc.constant(owners[groupId]!.role),
    constraints,
    rules: fc.oneof(
      { weight: 1, arbitrary: fc.constant([]) },
      { weight: 4, arbitrary: fc.array(rules, { minLength: 1, maxLength: 2 }) },
    ),
    prefer: of("idle", "idle", "busy"),
  })

/** Sizes of which several fit on a host, some that fit on none, and names that hosts seldom or never have. */
const requests: fc.Arbitrary<Quantities> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .tuple(of(0, 250, 500, 500, 1_000), of(0, 500, 500, 1_000))
      .map(([cpus, mem]) => toQuantities(Object.entries({ cpus, mem }))),
  },
  { weight: 2, arbitrary: of<Quantities>({ disk: 500 }, { cpus: 500, disk: 1_000 }, { gpus: 500 }) },
  { weight: 1, arbitrary: of<Quantities>({ cpus: 9_000 }, { unheard: 1 }) },
  // They hold nothing, and count.
  { weight: 3, arbitrary: fc.constant({}) },
)

// --- frameworks and settings ---

/** Its role is among its roles, unless it left it. */
const frameworkForms = (frameworkId: string): fc.Arbitrary<FrameworkForm> => {
  const own = Object.values(owners).find((owner) => owner.frameworkId === frameworkId)!.role
  return fc.record<FrameworkForm>({
    roles: fc.oneof({ weight: 12, arbitrary: of([own], [own, "d"]) }, fc.constant(["d"])),
    suppressedRoles: of<ReadonlyArray<string>>([own], []),
    isActive: fc.oneof({ weight: 12, arbitrary: fc.constant(true) }, fc.constant(false)),
    capabilities: fc.oneof(
      { weight: 4, arbitrary: fc.constant(everyFrameworkCapability) },
      { weight: 1, arbitrary: fc.subarray(everyFrameworkCapability) },
    ),
    minAllocatable: fc.constant({}),
    constraints: of<FrameworkForm["constraints"]>(
      {},
      {},
      {},
      {
        [own]: [
          [
            {
              selector: { type: "attribute", name: "rack" },
              predicate: { type: "textNotEquals", value: "r2" },
            },
          ],
        ],
      },
    ),
  })
}

const quotas = of<Quota>(
  { guarantees: { cpus: 2_000 }, limits: {} },
  { guarantees: { cpus: 6_000, mem: 3_000 }, limits: { cpus: 8_000 } },
  { guarantees: { cpus: 60_000 }, limits: {} },
  { guarantees: {}, limits: { cpus: 1_500 } },
  { guarantees: {}, limits: { mem: 0 } },
  { guarantees: { mem: 4_000 }, limits: { mem: 4_000, unheard: 500 } },
)

const settings: fc.Arbitrary<AllocatorSettings> = fc
  .tuple(
    fc.dictionary(of("*", "a", "d"), quotas, { maxKeys: 2, noNullPrototype: true }),
    of({}, null),
    fc.boolean(),
    of(null, "east"),
  )
  .map(([own, none, filterGpuResources, region]) => ({
    ...mesosAllocatorSettings,
    minAllocatable: [],
    quotas: none === null ? own : {},
    filterGpuResources,
    region,
  }))

// --- commands ---

const putAgents = (agent: fc.Arbitrary<string>): fc.Arbitrary<PlacerCommand> =>
  fc.record({ type: type("putAgent"), agent, form: forms, keepsTasks: fc.boolean() })

const putFrameworks = (frameworkId: string): fc.Arbitrary<PlacerCommand> =>
  fc.record({
    type: type("putFramework"),
    framework: fc.constant(frameworkId),
    form: frameworkForms(frameworkId),
    rescindsFirst: fc.boolean(),
  })

const commands = (): fc.Arbitrary<PlacerCommand> => {
  const agent = of(...agentIds)
  const framework = of(...frameworkIds)
  const groupId = of(...groupIds)
  const pick = fc.nat({ max: 20 })
  const often: ReadonlyArray<readonly [number, fc.Arbitrary<PlacerCommand>]> = [
    [40, fc.record({ type: type("place"), groupId, resources: requests })],
    [12, fc.record({ type: type("endTask"), task: pick })],
    [5, fc.record({ type: type("adoptTask"), groupId, agentId: agent, resources: requests })],
    [6, fc.record({ type: type("putGroup"), group: of(...groupIds).chain(groupsNamed) })],
    [3, putAgents(agent)],
    // Whoever left comes back.
    [5, of(...frameworkIds).chain(putFrameworks)],
    [2, fc.record({ type: type("activateAgent"), agent, isActive: fc.boolean() })],
    // Whole hosts are given away, and come back.
    [4, fc.record({ type: type("cycle"), scope: of("changed" as const, "all" as const) })],
    [6, fc.record({ type: type("declineAll"), framework, refuseMs: of(0, 5_000) })],
    [2, fc.record({ type: type("rescind"), offer: pick })],
    [1, fc.record({ type: type("decline"), offer: pick, refuseMs: of(0, 60_000) })],
    [
      2,
      fc.record({
        type: type("accept"),
        offer: pick,
        quarters: of(1, 2, 4),
        isBookedAnew: fc.boolean(),
        refuseMs: of(0),
      }),
    ],
    [2, fc.record({ type: type("end"), task: pick, wakes: fc.constant(false) })],
  ]
  const seldom: ReadonlyArray<fc.Arbitrary<PlacerCommand>> = [
    fc.record({ type: type("removeGroup"), groupId }),
    fc.record({ type: type("loseAgent"), agent }),
    fc.record({ type: type("loseAgentFirst"), agentId: agent }),
    fc.record({
      type: type("setReserve"),
      agent,
      reserve: of<Quantities>({}, { cpus: 500 }, { mem: 9_000 }),
    }),
    fc.record({ type: type("setQuota"), role: of("*", "a", "d"), quota: fc.option(quotas, { nil: null }) }),
    fc.record({ type: type("connect"), framework, isActive: of(true, true, false) }),
    fc.record({ type: type("removeFramework"), framework, leavesTasks: fc.boolean() }),
    fc.record({ type: type("reserve"), agent, stack: of(["a"], ["d"]), amounts: of({ cpus: 500 }) }),
    fc.record({ type: type("unreserve"), agent }),
    fc.record({ type: type("pass"), ms: of(1_000, 30_000) }),
    fc.constant({ type: "restart" }),
  ]
  const seldomWeighted = seldom.map((arbitrary) => ({ weight: 1, arbitrary }))
  return fc.oneof(...often.map(([weight, arbitrary]) => ({ weight, arbitrary })), ...seldomWeighted)
}

const setUps: fc.Arbitrary<ReadonlyArray<PlacerCommand>> = fc
  .tuple(
    fc.tuple(...agentIds.map((agentId) => putAgents(fc.constant(agentId)))),
    fc.tuple(...frameworkIds.map(putFrameworks)),
    fc.tuple(...groupIds.map(groupsNamed)),
  )
  .map(([agents, frameworks, list]) => [
    ...agents,
    ...frameworks,
    ...list.map((group) => ({ type: "putGroup" as const, group })),
  ])

export const placerScenarios = (maxLength: number): fc.Arbitrary<PlacerScenario> =>
  fc
    .record({
      settings,
      seed: fc.nat(),
      setUp: setUps,
      steps: fc.array(commands(), { maxLength: 2 * maxLength, size: "max" }),
    })
    .map(({ settings: own, seed, setUp, steps }) => ({ settings: own, seed, commands: [...setUp, ...steps] }))
