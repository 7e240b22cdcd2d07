import { describe, expect, it } from "vitest"
import { seedPrng } from "../../../../core/Prng.ts"
import { addResources, quantitiesToResources } from "../../../../core/resources/Resources.ts"
import { agentOf, exampleSettings, frameworkOf, listOf, ports } from "../../../support/allocation/Fixtures.ts"
import { implementations } from "../../../support/allocation/Implementations.ts"

describe.each(implementations)("a cycle of $name", ({ make }) => {
  it("offers ports alone to a role that has reached its limits, where no minimum forbids it", () => {
    const limits = { cpus: 0, mem: 0, disk: 0 }
    const settings = { ...exampleSettings, minAllocatable: [], quotas: { a: { guarantees: {}, limits } } }
    const allocator = make(settings, seedPrng(1))
    allocator.putAgent(agentOf("h", addResources(quantitiesToResources({ cpus: 4_000 }), ports(1, 9))))
    allocator.putFramework(frameworkOf("f", ["a"]))
    expect(listOf(allocator.allocate(0, "all")).map(({ resources }) => resources)).toEqual([ports(1, 9)])
  })

  it("does not take a limit on scalars for one on ranges of the same name", () => {
    const minAllocatable = [{ ports: 1_000 }]
    const settings = {
      ...exampleSettings,
      minAllocatable,
      quotas: { a: { guarantees: {}, limits: { ports: 0 } } },
    }
    const allocator = make(settings, seedPrng(1))
    allocator.putAgent(agentOf("h", ports(1, 9)))
    allocator.putFramework(frameworkOf("f", ["a"]))
    expect(listOf(allocator.allocate(0, "all")).map(({ resources }) => resources)).toEqual([ports(1, 9)])
  })

  it("makes as many offers as there are hosts, each of its own host", () => {
    const allocator = make(exampleSettings, seedPrng(1))
    const cpusOf = new Map(Array.from({ length: 140 }, (_, index) => [`h${index}`, 1_000 + index]))
    for (const [host, cpus] of cpusOf) allocator.putAgent(agentOf(host, { cpus }))
    allocator.putFramework(frameworkOf("f", ["a"]))
    const offers = listOf(allocator.allocate(0, "all"))
    expect(offers.length).toBe(140)
    expect(new Map(offers.map(({ agentId, resources }) => [agentId, resources]))).toEqual(
      new Map(Array.from(cpusOf, ([host, cpus]) => [host, quantitiesToResources({ cpus })])),
    )
    expect(new Set(offers.map(({ frameworkId, role }) => `${frameworkId} ${role}`))).toEqual(new Set(["f a"]))
  })
})
