import { describe, expect, it } from "vitest"
import { seedPrng } from "../../../core/Prng.ts"
import { addResources, quantitiesToResources } from "../../../core/resources/Resources.ts"
import {
  agentOf,
  exampleSettings,
  frameworkOf,
  listOf,
  ports,
  scopeOf,
  volume,
} from "../../support/allocation/Fixtures.ts"
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

  it("asks a framework's own minimum of each host's own ports", () => {
    const allocator = make(exampleSettings, seedPrng(1))
    const portsOf = [0, 1, 2, 3, 0, 1, 2, 3]
    for (const [index, count] of portsOf.entries()) {
      const cpus = quantitiesToResources({ cpus: 4_000 })
      const total = count === 0 ? cpus : addResources(cpus, ports(1, count))
      allocator.putAgent(agentOf(`h${index}`, total))
    }
    allocator.putFramework(frameworkOf("f", ["a"], { minAllocatable: { a: [{ ports: 2_000 }] } }))
    const offered = listOf(allocator.allocate(0, "all")).map(({ agentId }) => agentId)
    expect(offered.slice().sort()).toEqual(["h2", "h3", "h6", "h7"])
  })
})

describe.each(implementations)("an agent of $name", ({ make }) => {
  it("is not removed while somebody holds a copy of a shared volume of it", () => {
    const allocator = make(exampleSettings, seedPrng(1))
    const shared = volume("s", 500, "a", true)
    allocator.putAgent(agentOf("h", shared))
    allocator.putFramework(frameworkOf("f", ["a"]))
    allocator.adopt(scopeOf("f", "a", "h"), shared)
    expect(() => allocator.removeAgent("h")).toThrow("agent h is removed while something of it is held")
    allocator.release(scopeOf("f", "a", "h"), shared)
    allocator.removeAgent("h")
    expect(allocator.clusterTotal()).toEqual({})
  })
})
