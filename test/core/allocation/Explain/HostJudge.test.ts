import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Allocation } from "../../../../core/allocation/Allocator.ts"
import type { AttributeConstraint } from "../../../../core/allocation/Constraints.ts"
import type {
  AllocationClient,
  AllocationView,
  Holding,
} from "../../../../core/allocation/Explain/AllocationView.ts"
import { explain } from "../../../../core/allocation/Explain.ts"
import { type HostVerdict, stages } from "../../../../core/allocation/HostVerdict.ts"
import type { IndexedAllocator } from "../../../../core/allocation/IndexedAllocator.ts"
import { containsQuantities, type Quantities } from "../../../../core/resources/Quantities.ts"
import { isIndivisible } from "../../../../core/resources/Resource.ts"
import { pickResources, quantitiesWithCounts } from "../../../../core/resources/Resources.ts"
import type { Scenario } from "../../../support/allocation/Command.ts"
import { listOf } from "../../../support/allocation/Fixtures.ts"
import { indexed, naive } from "../../../support/allocation/Implementations.ts"
import { everything, type Ingredients, scenarios } from "../../../support/allocation/Scenario.ts"
import { replay } from "../../../support/allocation/Story.ts"
import { viewOf } from "../../../support/allocation/ViewOf.ts"
import type { Held, World } from "../../../support/allocation/World.ts"
import { shareOfRuns } from "../../../support/RunShare.ts"

/** What a cycle makes of one host in which nobody else wants anything. */
const offerOf = (world: World, client: AllocationClient, agentId: string): Allocation | undefined => {
  const { frameworkId, role } = client
  const { hostname } = world.agents.get(agentId)!
  const onlyThere: AttributeConstraint = {
    selector: { type: "hostname" },
    predicate: { type: "textEquals", value: hostname },
  }
  const allocator = world.copy()
  for (const framework of world.frameworks.values()) {
    const isIts = framework.frameworkId === frameworkId
    const groups = Object.entries(framework.constraints).find(([name]) => name === role)?.[1] ?? [[]]
    allocator.putFramework({
      ...framework,
      suppressedRoles: framework.roles.filter(
        (other) => !isIts || other !== role || framework.suppressedRoles.includes(other),
      ),
      constraints: isIts ? { [role]: groups.map((group) => group.concat([onlyThere])) } : {},
    })
  }
  return listOf(allocator.allocate(world.nowMs, "all")).find((made) => made.agentId === agentId)
}

/** Lives that end with something to offer: nothing is given away in the last quarter of them. */
const unfinishedLives = (ingredients: Ingredients, maxLength: number): fc.Arbitrary<Scenario> =>
  scenarios(ingredients, maxLength).map((scenario) => ({
    ...scenario,
    commands: scenario.commands.filter(
      ({ type }, index, { length }) => type !== "cycle" || index < 0.75 * length,
    ),
  }))

const clientsOf = (world: World): ReadonlyArray<AllocationClient> =>
  Array.from(world.frameworks.values()).flatMap(({ frameworkId, roles }) =>
    roles.map((role) => ({ frameworkId, role })),
  )

/** By agent; undefined where the question was answered for all at once. */
const verdictsFor = (world: World, client: AllocationClient, wanted: Quantities) => {
  const toHolding =
    (by: Holding["by"]) =>
    ({ scope, resources }: Held): Holding => ({ ...scope, by, resources })
  const holdingsOn = (agentId: string) => {
    const isThere = ({ scope }: Held) => scope.agentId === agentId
    return world.offers
      .filter(isThere)
      .map(toHolding("offer"))
      .concat(world.tasks.filter(isThere).map(toHolding("task")))
  }
  const background = { holdingsOn, nameOf: (frameworkId: string) => frameworkId }
  const [answer] = explain(viewOf(world), { ...client, wanted, nowMs: world.nowMs }, background)
  const verdicts = new Map<string, HostVerdict>()
  for (const { hosts } of answer!.groups) {
    for (const { agentId, verdict } of hosts) verdicts.set(agentId, verdict)
  }
  return { refusal: answer!.refusal, verdicts }
}

const isGiven = ({ stage }: HostVerdict): boolean => stage === "offered" || stage === "behind"

const anyWanted = fc.constantFrom<Quantities>(
  {},
  {},
  { cpus: 1_000 },
  { cpus: 2_000, mem: 1_000 },
  { mem: 4_000 },
  { ports: 2_000 },
  { cpus: 500, gpus: 1_000 },
)

describe.each([naive, indexed])("what is said of a host, with $name", ({ make }) => {
  it("is what a cycle does when nobody else wants offers", () => {
    fc.assert(
      fc.property(unfinishedLives(everything, 25), anyWanted, (scenario, wanted) => {
        const { world } = replay(make, scenario, () => () => {})
        for (const client of clientsOf(world)) {
          const { refusal, verdicts } = verdictsFor(world, client, wanted)
          for (const agentId of world.agents.keys()) {
            const offer = offerOf(world, client, agentId)
            const verdict = verdicts.get(agentId)
            expect(verdict === undefined).toBe(refusal !== null)
            if (verdict?.stage === "offered") {
              expect(offer?.resources, `${client.frameworkId} ${client.role} ${agentId}`).toEqual(
                verdict.resources,
              )
            }
            const usable = quantitiesWithCounts(
              pickResources(offer?.resources ?? [], ({ kind }) => !kind.revocable && !isIndivisible(kind)),
            )
            expect({
              ...client,
              agentId,
              verdict,
              isGiven: verdict !== undefined && isGiven(verdict),
            }).toEqual({
              ...client,
              agentId,
              verdict,
              isGiven: offer !== undefined && containsQuantities(usable, wanted),
            })
          }
        }
      }),
      { numRuns: shareOfRuns(80) },
    )
  })

  it("changes nothing", () => {
    fc.assert(
      fc.property(unfinishedLives(everything, 15), (scenario) => {
        const { world } = replay(make, scenario, () => () => {})
        const before = JSON.stringify(world.allocator.snapshot())
        for (const client of clientsOf(world)) verdictsFor(world, client, {})
        expect(JSON.stringify(world.allocator.snapshot())).toBe(before)
        const twin = world.copy()
        expect(listOf(world.allocator.allocate(world.nowMs, "all"))).toEqual(
          listOf(twin.allocate(world.nowMs, "all")),
        )
      }),
      { numRuns: shareOfRuns(60) },
    )
  })
})

it("comes to every stage in lives like these", () => {
  // Hosts of which only a revocable or refined part is left are rare; Explain.test.ts has one.
  const missing = new Set<string>(stages.filter((stage) => stage !== "stripped"))
  // Always the same lives, and no more of them than it takes.
  for (let seed = 0; seed < 100 && missing.size > 0; seed++) {
    for (const scenario of fc.sample(unfinishedLives(everything, 25), { numRuns: 20, seed })) {
      const { world } = replay(indexed.make, scenario, () => () => {})
      for (const client of clientsOf(world)) {
        for (const wanted of [{}, { cpus: 2_000, mem: 1_000 }]) {
          for (const { stage } of verdictsFor(world, client, wanted).verdicts.values()) missing.delete(stage)
        }
      }
    }
  }
  expect(Array.from(missing)).toEqual([])
})

const answersOf = (view: AllocationView) => ({
  agents: view.agentIds().map((id) => view.agent(id)),
  frameworks: view.frameworkIds().map((id) => view.framework(id)),
  quotas: view.quotaRoles().map((role) => [role, view.quotaOf(role)]),
  headroom: view.headroom(),
  fairOrder: view.fairOrder(),
})

describe("the view of the indexed allocator", () => {
  it("is what the contract and the master's records say", () => {
    fc.assert(
      fc.property(unfinishedLives(everything, 30), (scenario) => {
        // The contract does not tell what frameworks hold that nobody knows any more, and the fair order counts it.
        const commands = scenario.commands.filter(({ type }) => !["claim", "removeFramework"].includes(type))
        const { world } = replay(indexed.make, { ...scenario, commands }, () => () => {})
        const told = viewOf(world)
        const view = (world.allocator as IndexedAllocator).view()
        expect(answersOf(view)).toEqual(answersOf(told))
      }),
      { numRuns: shareOfRuns(200) },
    )
  })
})
