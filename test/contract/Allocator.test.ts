import { describe, expect, it } from "vitest"
import { seedPrng } from "../../core/Prng.ts"
import { quantitiesToResources, resourcesToText } from "../../core/resources/Resources.ts"
import {
  agentOf,
  exampleSettings,
  frameworkOf,
  listOf,
  ports,
  scopeOf,
} from "../support/allocation/Fixtures.ts"
import { implementations } from "../support/allocation/Implementations.ts"

describe.each(implementations)("$name", ({ make }) => {
  const offersOf = (allocator: ReturnType<typeof make>, nowMs: number) =>
    listOf(allocator.allocate(nowMs, "changed")).map(
      ({ frameworkId, role, agentId, resources }) =>
        `${frameworkId} as ${role}: ${resourcesToText(resources)} of ${agentId}`,
    )

  it("offers a host to the one with the lower share, keeps what was refused away, and offers it when time is up", () => {
    const allocator = make(exampleSettings, seedPrng(1))
    allocator.putAgent(
      agentOf("h1", [...quantitiesToResources({ cpus: 4_000, mem: 8_000 }), ...ports(31000, 31009)]),
    )
    allocator.putFramework(frameworkOf("f1", ["web"]))
    allocator.putFramework(frameworkOf("f2", ["batch"]))
    expect(offersOf(allocator, 0)).toEqual(["f2 as batch: cpus:4; mem:8; ports:[31000-31009] of h1"])
    const scope = scopeOf("f2", "batch", "h1")
    const whole = allocator.allocatedOn("h1")
    allocator.release(scope, whole)
    allocator.charge(scope, quantitiesToResources({ cpus: 1_000 }))
    const rest = allocator.availableOn("h1")
    allocator.refuse(scope, rest, { refuseMs: 5_000, offeredAtMs: 0, nowMs: 10, isDecline: false })
    expect(allocator.nextExpiryMs()).toBe(5_010)
    expect(offersOf(allocator, 20)).toEqual(["f1 as web: cpus:3; mem:8; ports:[31000-31009] of h1"])
    allocator.release(scopeOf("f1", "web", "h1"), rest)
    allocator.putFramework(frameworkOf("f1", ["web"], { isActive: false }))
    expect(offersOf(allocator, 5_009)).toEqual([])
    expect(offersOf(allocator, 5_010)).toEqual(["f2 as batch: cpus:3; mem:8; ports:[31000-31009] of h1"])
  })
})
