import fc from "fast-check"
import {
  type AllocatorSettings,
  mesosAllocatorSettings,
  type Quota,
} from "../../../core/allocation/Settings.ts"
import { type Quantities, toQuantities } from "../../../core/resources/Quantities.ts"
import type { Command, FrameworkForm, Scenario } from "./Command.ts"
import { everyFrameworkCapability } from "./Fixtures.ts"
import { agentForms } from "./Hosts.ts"

// Random lives of small clusters. Few names and few amounts, so that everything collides with everything.

export const agentIds = ["h1", "h2", "h3", "h4"]
export const frameworkIds = ["f1", "f2", "f3", "f4"]
export const roles = ["*", "a", "a/b", "a/b/c", "d", "d/e"]

/** What a scenario may contain. Laws that hold only for plain clusters ask for less. */
export interface Ingredients {
  readonly hasQuotas: boolean
  readonly hasParts: boolean
  /** Reservations, revocable and shared resources, volumes, ports, reserves. */
  readonly hasOddResources: boolean
  /** Unreserved disks that are more than an amount: mount points, disks of a provider. */
  readonly hasDisks: boolean
  /** Hosts that some frameworks do not see, and minima. */
  readonly hasGates: boolean
  readonly hasRestarts: boolean
}

export const everything: Ingredients = {
  hasQuotas: true,
  hasParts: true,
  hasOddResources: true,
  hasDisks: true,
  hasGates: true,
  hasRestarts: true,
}

export const plainClusters: Ingredients = {
  hasQuotas: false,
  hasParts: false,
  hasOddResources: false,
  hasDisks: false,
  hasGates: false,
  hasRestarts: true,
}

const amountsOf = (names: ReadonlyArray<string>, milli: ReadonlyArray<number>): fc.Arbitrary<Quantities> =>
  fc
    .array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...milli)), { maxLength: 2 })
    .map((pairs) => toQuantities(new Map(pairs)))

const refuseTimes = fc.constantFrom(null, 0, 0, -1, Number.NaN, 1, 500, 1_000, 5_000, 7_000, 60_000, 1e15)

// --- settings ---

const quotas: fc.Arbitrary<Quota> = fc
  .tuple(
    amountsOf(["cpus", "mem", "disk"], [500, 1_000, 2_000, 5_000]),
    amountsOf(["cpus", "mem", "gpus"], [0, 1_000, 3_000, 6_000]),
  )
  .map(([guarantees, above]) => {
    const limits: { [name: string]: number } = {}
    for (const name of Object.keys(above)) limits[name] = above[name]! + (guarantees[name] ?? 0)
    return { guarantees, limits }
  })

const byRole = <A>(names: ReadonlyArray<string>, values: fc.Arbitrary<A>) =>
  fc.dictionary(fc.constantFrom(...names), values, { maxKeys: 3, noNullPrototype: true })

const minima = fc.constantFrom<AllocatorSettings["minAllocatable"]>(
  [],
  mesosAllocatorSettings.minAllocatable,
  [{ cpus: 1_000, mem: 1_000 }, { ports: 2_000 }],
)

const settingsWithin = (ingredients: Ingredients): fc.Arbitrary<AllocatorSettings> =>
  fc.record<AllocatorSettings>({
    minAllocatable: ingredients.hasGates ? minima : fc.constant([]),
    weights: byRole(roles, fc.constantFrom(0.5, 1, 2, 3)),
    priorities: byRole(roles, fc.constantFrom(-1, 1, 5)),
    quotas: ingredients.hasQuotas
      ? fc.oneof(fc.constant({}), byRole(["*", "a", "d"], quotas))
      : fc.constant({}),
    excludedNames: fc.constantFrom<ReadonlyArray<string>>([], ["mem"], ["disk", "gpus"]),
    filterGpuResources: fc.boolean(),
    region: fc.constantFrom(null, "east"),
    refuseMsDefault: fc.constant(5_000),
    refuseMsMin: fc.constantFrom(0, 1_000),
    canRefuseForZero: fc.boolean(),
    refuseMsMax: fc.constantFrom(365 * 24 * 3_600_000, 20_000),
    backoffMsMax: fc.constantFrom(null, 30_000, 8_000),
    partMin: ingredients.hasParts
      ? fc.constantFrom<Quantities | null>(null, { cpus: 1_000, mem: 1_000 }, { cpus: 2_000 })
      : fc.constant(null),
  })

// --- frameworks ---

const someRoles = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...roles).map((role) => [role]) },
  { weight: 2, arbitrary: fc.subarray(roles, { maxLength: 3 }) },
)

const constraints = fc.constantFrom<FrameworkForm["constraints"][string]>(
  [[{ selector: { type: "attribute", name: "rack" }, predicate: { type: "textEquals", value: "r1" } }]],
  [
    [{ selector: { type: "attribute", name: "rack" }, predicate: { type: "notExists" } }],
    [{ selector: { type: "hostname" }, predicate: { type: "textMatches", regex: "h[12]\\..*" } }],
  ],
)

const capabilitySets = fc.oneof(
  { weight: 3, arbitrary: fc.constant(everyFrameworkCapability) },
  { weight: 1, arbitrary: fc.subarray(everyFrameworkCapability) },
)

const frameworkForms = (ingredients: Ingredients): fc.Arbitrary<FrameworkForm> =>
  fc.record<FrameworkForm>({
    roles: someRoles,
    suppressedRoles: fc.oneof(
      { weight: 8, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.subarray(roles) },
    ),
    isActive: fc.oneof({ weight: 12, arbitrary: fc.constant(true) }, fc.constant(false)),
    capabilities: ingredients.hasGates ? capabilitySets : fc.constant(everyFrameworkCapability),
    minAllocatable: ingredients.hasGates
      ? fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, byRole(roles, minima))
      : fc.constant({}),
    constraints: ingredients.hasGates
      ? fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, byRole(roles, constraints))
      : fc.constant({}),
  })

// --- commands ---

const reservationStacks = fc.constantFrom<ReadonlyArray<string>>(["a"], ["d"], ["a/b"], ["d", "d/e"])

const commandsWithin = (ingredients: Ingredients): fc.Arbitrary<Command> => {
  const agent = fc.constantFrom(...agentIds)
  const framework = fc.constantFrom(...frameworkIds)
  const pick = fc.nat({ max: 20 })
  const flag = fc.boolean()
  const often: Array<fc.WeightedArbitrary<Command>> = [
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constant("cycle"), scope: fc.constantFrom("changed", "all") }),
    },
    {
      weight: 10,
      arbitrary: fc.record({
        type: fc.constant("accept"),
        offer: pick,
        quarters: fc.integer({ min: 1, max: 4 }),
        isBookedAnew: flag,
        refuseMs: refuseTimes,
      }),
    },
    { weight: 8, arbitrary: fc.record({ type: fc.constant("decline"), offer: pick, refuseMs: refuseTimes }) },
    {
      weight: 4,
      arbitrary: fc.record({ type: fc.constant("declineAll"), framework, refuseMs: refuseTimes }),
    },
    { weight: 9, arbitrary: fc.record({ type: fc.constant("end"), task: pick, wakes: flag }) },
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constant("pass"),
        ms: fc.constantFrom(1, 500, 1_000, 4_999, 30_000, 400_000),
      }),
    },
  ]
  const seldom: Array<fc.Arbitrary<Command>> = [
    fc.record({ type: fc.constant("rescind"), offer: pick }),
    fc.record({ type: fc.constant("putAgent"), agent, form: agentForms(ingredients), keepsTasks: flag }),
    fc.record({ type: fc.constant("claim"), task: pick, framework }),
    fc.record({ type: fc.constant("loseAgent"), agent }),
    fc.record({ type: fc.constant("activateAgent"), agent, isActive: flag }),
    fc.record({ type: fc.constant("connect"), framework, isActive: flag }),
    fc.record({ type: fc.constant("suppress"), framework, roles: fc.subarray(roles) }),
    fc.record({
      type: fc.constant("revive"),
      framework,
      roles: fc.option<ReadonlyArray<string>, null>(fc.subarray(roles), { nil: null }),
    }),
    fc.record({ type: fc.constant("wake"), framework }),
    fc.record({
      type: fc.constant("setWeight"),
      role: fc.constantFrom(...roles),
      weight: fc.constantFrom(0.5, 1, 4),
    }),
    fc.record({
      type: fc.constant("putFramework"),
      framework,
      form: frameworkForms(ingredients),
      rescindsFirst: flag,
    }),
    fc.record({ type: fc.constant("removeFramework"), framework, leavesTasks: flag }),
  ]
  if (ingredients.hasRestarts) seldom.push(fc.constant({ type: "restart" }))
  if (ingredients.hasQuotas) {
    const role = fc.constantFrom("*", "a", "d")
    seldom.push(
      fc.record({
        type: fc.constant("setQuota"),
        role,
        quota: fc.option<Quota, null>(quotas, { nil: null }),
      }),
    )
  }
  if (ingredients.hasOddResources) {
    const amounts = amountsOf(["cpus", "mem"], [500, 1_000, 2_000])
    seldom.push(
      fc.record({ type: fc.constant("setReserve"), agent, reserve: amounts }),
      fc.record({ type: fc.constant("reserve"), agent, stack: reservationStacks, amounts }),
      fc.record({ type: fc.constant("unreserve"), agent }),
    )
  }
  return fc.oneof(...often, ...seldom.map((arbitrary) => ({ weight: 1, arbitrary })))
}

/** Some hosts and some frameworks, all of them different. */
const setUps = (ingredients: Ingredients): fc.Arbitrary<ReadonlyArray<Command>> =>
  fc
    .tuple(
      fc.subarray(agentIds, { minLength: 1 }),
      fc.array(agentForms(ingredients), { minLength: 4, maxLength: 4 }),
      fc.subarray(frameworkIds, { minLength: 1 }),
      fc.array(frameworkForms(ingredients), { minLength: 4, maxLength: 4 }),
    )
    .map(([agents, agentList, frameworks, frameworkList]) => [
      ...agents.map((agent, index) => ({
        type: "putAgent" as const,
        agent,
        form: agentList[index]!,
        keepsTasks: true,
      })),
      ...frameworks.map((framework, index) => ({
        type: "putFramework" as const,
        framework,
        form: frameworkList[index]!,
        rescindsFirst: false,
      })),
      { type: "cycle" as const, scope: "changed" as const },
    ])

/** Half of what happens is followed by a cycle at once, as in the default profile. */
const stepsWithin = (ingredients: Ingredients, maxLength: number): fc.Arbitrary<ReadonlyArray<Command>> =>
  fc
    .array(fc.tuple(commandsWithin(ingredients), fc.constantFrom(null, "changed" as const)), {
      maxLength,
      size: "max",
    })
    .map((steps) =>
      steps.flatMap(
        ([command, scope]): ReadonlyArray<Command> =>
          scope === null ? [command] : [command, { type: "cycle", scope }],
      ),
    )

const last: Command = { type: "cycle", scope: "all" }

export const scenarios = (ingredients: Ingredients = everything, maxLength = 40): fc.Arbitrary<Scenario> =>
  fc
    .record({
      settings: settingsWithin(ingredients),
      seed: fc.nat(),
      setUp: setUps(ingredients),
      steps: stepsWithin(ingredients, maxLength),
    })
    .map(({ settings, seed, setUp, steps }) => ({ settings, seed, commands: [...setUp, ...steps, last] }))
