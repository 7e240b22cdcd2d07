import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { seedPrng } from "../../core/Prng.ts"
import { quantitiesToResources } from "../../core/resources/Resources.ts"
import { nobodyJumpsTheQueue } from "../support/allocation/FairnessLaw.ts"
import { filtersHold } from "../support/allocation/FilterLaw.ts"
import { agentOf, exampleSettings, frameworkOf, listOf, scopeOf } from "../support/allocation/Fixtures.ts"
import { implementations, naive } from "../support/allocation/Implementations.ts"
import {
  booksAgree,
  expectNothingHeld,
  neverLentTwice,
  nothingIsLeftOver,
  rowsFollow,
} from "../support/allocation/Laws.ts"
import { quotasHold } from "../support/allocation/QuotaLaw.ts"
import { plainClusters, scenarios } from "../support/allocation/Scenario.ts"
import { expectSameStory, replay, storyOf, watchAll } from "../support/allocation/Story.ts"

// What every allocator must do. The number of runs is small here; `npm run sweep` does as many as one likes.

describe.each(implementations)("$name", ({ name, make }) => {
  // The twin is slow, and nobody ships it.
  const runs = (count: number) => ({ numRuns: name === naive.name ? Math.ceil(count / 5) : count })

  it("keeps books, limits, guarantees, filters and rows through whatever happens, and leaves nothing over", () => {
    const laws = watchAll(booksAgree, neverLentTwice, quotasHold, filtersHold, rowsFollow, nothingIsLeftOver)
    fc.assert(
      fc.property(scenarios(), (scenario) => expectNothingHeld(replay(make, scenario, laws).world)),
      runs(300),
    )
  })

  it("is fair within one host (L8)", () => {
    fc.assert(
      fc.property(scenarios(plainClusters), (scenario) => {
        replay(make, scenario, nobodyJumpsTheQueue)
      }),
      runs(300),
    )
  })

  it("goes on as before after a restart", () => {
    fc.assert(
      fc.property(scenarios(), (scenario) => {
        const commands = scenario.commands.filter(({ type }) => type !== "restart")
        const straight = storyOf(make, { ...scenario, commands })
        const restarted = storyOf(make, scenario).filter((line) => !line.endsWith('{"type":"restart"}'))
        expectSameStory(straight, restarted, ["never restarted", "restarted"])
      }),
      runs(150),
    )
  })

  it("says the same twice", () => {
    fc.assert(
      fc.property(scenarios(), (scenario) =>
        expectSameStory(storyOf(make, scenario), storyOf(make, scenario), ["first", "second"]),
      ),
      runs(30),
    )
  })

  if (name !== naive.name) {
    it("is the naive twin, but for the time it takes", () => {
      fc.assert(
        fc.property(scenarios(), (scenario) =>
          expectSameStory(storyOf(naive.make, scenario), storyOf(make, scenario), [naive.name, name]),
        ),
        { numRuns: 300 },
      )
    })
  }

  it("visits hosts in every order equally often", () => {
    // One client, to which the four hosts are offered in the order of the visit, again and again.
    const hosts = ["h1", "h2", "h3", "h4"]
    const allocator = make(exampleSettings, seedPrng("orders"))
    for (const host of hosts) allocator.putAgent(agentOf(host, { cpus: 1_000 }))
    allocator.putFramework(frameworkOf("f", ["*"]))
    const counts = new Map<string, number>()
    const rounds = 1_500
    for (let round = 0; round < rounds; round++) {
      const order = listOf(allocator.allocate(round, "all")).map(({ agentId }) => agentId)
      expect(order.length).toBe(hosts.length)
      counts.set(order.join(), (counts.get(order.join()) ?? 0) + 1)
      for (const host of order) {
        allocator.release(scopeOf("f", "*", host), quantitiesToResources({ cpus: 1_000 }))
      }
    }
    const expected = rounds / 24
    const missing = (24 - counts.size) * expected
    const chiSquare = Array.from(
      counts.values(),
      (count) => ((count - expected) * (count - expected)) / expected,
    )
    // 23 degrees of freedom: 99.9 % of uniform draws stay below 49.7.
    expect(chiSquare.reduce((sum, term) => sum + term, missing)).toBeLessThan(49.7)
  })
})
