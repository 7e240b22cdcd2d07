import { describe, expect, it } from "vitest"
import { seedPrng } from "../../../core/Prng.ts"
import { quantitiesToResources } from "../../../core/resources/Resources.ts"
import { agentOf, exampleSettings, frameworkOf, listOf, scopeOf } from "../../support/allocation/Fixtures.ts"
import { implementations } from "../../support/allocation/Implementations.ts"

// A framework may hold something in a role before it is in it, or after it left it.
describe.each(implementations)("a client of $name that was there before its role was joined", ({ make }) => {
  const allocatorWithGpus = () => {
    const allocator = make(exampleSettings, seedPrng(1))
    allocator.putAgent(agentOf("plain", { cpus: 4_000 }))
    allocator.putAgent(agentOf("gpus", { cpus: 4_000, gpus: 1_000 }))
    return allocator
  }
  const held = quantitiesToResources({ cpus: 1_000 })
  const without = { capabilities: ["MULTI_ROLE"] }

  it("has the capabilities of its framework from the first offer on", () => {
    const allocator = allocatorWithGpus()
    allocator.putFramework(frameworkOf("f", [], without))
    allocator.adopt(scopeOf("f", "a", "plain"), held)
    allocator.putFramework(frameworkOf("f", ["a"], without))
    expect(listOf(allocator.allocate(0, "all")).map(({ agentId }) => agentId)).toEqual(["plain"])
  })

  it("has those that its framework has now, not those of when it was in the role last", () => {
    const allocator = allocatorWithGpus()
    allocator.putFramework(frameworkOf("f", ["a"]))
    allocator.adopt(scopeOf("f", "a", "plain"), held)
    allocator.putFramework(frameworkOf("f", [], without))
    allocator.putFramework(frameworkOf("f", ["a"], without))
    expect(listOf(allocator.allocate(0, "all")).map(({ agentId }) => agentId)).toEqual(["plain"])
  })
})
