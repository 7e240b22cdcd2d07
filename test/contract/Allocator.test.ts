import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { seedPrng } from "../../core/Prng.ts"
import { quantitiesToResources } from "../../core/resources/Resources.ts"
import { agentOf, exampleSettings, frameworkOf, listOf, scopeOf } from "../support/allocation/Fixtures.ts"
import { implementations, naive } from "../support/allocation/Implementations.ts"
import { properties } from "../support/allocation/Properties.ts"
import { shareOfRuns } from "../support/RunShare.ts"

// What every allocator must do. The number of runs is small here; `npm run sweep` does as many as one likes.

const runsOf: Record<string, number> = {
  laws: 120,
  fair: 100,
  restart: 60,
  twin: 300,
  crowd: 5,
  placements: 150,
}

describe.each(implementations)("$name", ({ name, make }) => {
  // The twin is slow, and nobody ships it.
  const runs = (count: number) => ({ numRuns: shareOfRuns(name === naive.name ? count / 10 : count) })

  for (const property of properties) {
    // A twin of itself it is anyway, if it says the same twice.
    it(property.title, () => {
      fc.assert(property.holdsFor({ name, make }, 40), runs(runsOf[property.name]!))
    }, 120_000)
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
