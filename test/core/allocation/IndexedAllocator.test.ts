import { describe, expect, it } from "vitest"
import { seedPrng } from "../../../core/Prng.ts"
import { quantitiesToResources } from "../../../core/resources/Resources.ts"
import { agentOf, exampleSettings, frameworkOf, listOf, scopeOf } from "../../support/allocation/Fixtures.ts"
import { implementations } from "../../support/allocation/Implementations.ts"

describe.each(implementations)("$name", ({ make }) => {
  it("knows of a framework that returns to a role what it has become meanwhile", () => {
    const allocator = make(exampleSettings, seedPrng(1))
    allocator.putAgent(agentOf("h", { cpus: 4_000, gpus: 1_000 }))
    allocator.putFramework(frameworkOf("f", ["a", "b"]))
    // What it holds keeps the client of the role that it leaves.
    allocator.charge(scopeOf("f", "a", "h"), quantitiesToResources({ cpus: 1_000 }))
    allocator.putFramework(frameworkOf("f", ["b"], { capabilities: ["MULTI_ROLE"] }))
    allocator.putFramework(frameworkOf("f", ["a", "b"], { capabilities: ["MULTI_ROLE"] }))
    expect(listOf(allocator.allocate(0, "all"))).toEqual([])
  })

  it("asks a framework's own minimum for a name that no host had before", () => {
    const allocator = make(exampleSettings, seedPrng(1))
    allocator.putAgent(agentOf("h1", { cpus: 4_000 }))
    allocator.putFramework(frameworkOf("f", ["a"], { minAllocatable: { a: [{ tokens: 5_000 }] } }))
    expect(listOf(allocator.allocate(0, "all"))).toEqual([])
    allocator.putAgent(agentOf("h2", { cpus: 4_000, tokens: 4_000 }))
    allocator.putAgent(agentOf("h3", { cpus: 4_000, tokens: 5_000 }))
    expect(listOf(allocator.allocate(1, "all")).map(({ agentId }) => agentId)).toEqual(["h3"])
  })
})
