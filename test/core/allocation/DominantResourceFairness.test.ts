import { describe, expect, it } from "vitest"
import type { NumberByName } from "../../../core/NumberByName.ts"
import { seedPrng } from "../../../core/Prng.ts"
import { agentOf, exampleSettings, frameworkOf } from "../../support/allocation/Fixtures.ts"
import { implementations } from "../../support/allocation/Implementations.ts"
import { launchInTurns } from "../../support/allocation/TaskTakers.ts"

// Ghodsi et al., "Dominant Resource Fairness: Fair Allocation of Multiple Resource Types", NSDI 2011.

describe.each(implementations)("$name, examples of the DRF paper", ({ make }) => {
  // §4.1: nine CPUs and 18 GB; tasks of A want <1 CPU, 4 GB>, tasks of B <3 CPUs, 1 GB>.
  const takers = [
    { frameworkId: "A", task: { cpus: 1_000, mem: 4_000 } },
    { frameworkId: "B", task: { cpus: 3_000, mem: 1_000 } },
  ]
  const run = (rolesById: Record<string, string>, weights: NumberByName) => {
    const allocator = make({ ...exampleSettings, weights }, seedPrng(1))
    allocator.putAgent(agentOf("host", { cpus: 9_000, mem: 18_000 }))
    for (const { frameworkId } of takers) {
      allocator.putFramework(frameworkOf(frameworkId, [rolesById[frameworkId]!]))
    }
    const launches = launchInTurns(allocator, takers)
    return { allocator, launches: launches.join(" ") }
  }

  it("gives A three tasks and B two, so that both have two thirds of what they need most (§4.1, users as roles)", () => {
    const { allocator, launches } = run({ A: "a", B: "b" }, {})
    expect(launches).toBe("A B A B A")
    expect([allocator.allocatedToRole("a"), allocator.allocatedToRole("b")]).toEqual([
      { cpus: 3_000, mem: 12_000 },
      { cpus: 6_000, mem: 2_000 },
    ])
    expect([allocator.shareOf("a"), allocator.shareOf("b")]).toEqual([2 / 3, 2 / 3])
  })

  it("does the same among the frameworks of one role (§4.1, users as frameworks)", () => {
    expect(run({ A: "*", B: "*" }, {}).launches).toBe("A B A B A")
  })

  it("gives A four tasks and B one when A weighs three times as much (§4.3)", () => {
    // 16/18/3 = 0.30 against 3/9 = 0.33; then 2 CPUs and 1 GB are left, too little for either.
    const { allocator, launches } = run({ A: "a", B: "b" }, { a: 3 })
    expect(launches).toBe("A B A A A")
    expect(allocator.shareOf("a")).toBe(16 / 18 / 3)
    expect(allocator.shareOf("b")).toBe(1 / 3)
  })

  it("weighs at every level of the tree: sub-roles divide what their parents are owed", () => {
    // a : b = 2 : 1; within a, x : y = 3 : 1. Of twelve hosts b gets 4, x 6 and y 2.
    const allocator = make({ ...exampleSettings, weights: { a: 2, "a/x": 3 } }, seedPrng(3))
    for (let host = 10; host < 22; host++) allocator.putAgent(agentOf(`h${host}`, { cpus: 1_000 }))
    for (const role of ["a/x", "a/y", "b"]) allocator.putFramework(frameworkOf(`f-${role}`, [role]))
    allocator.allocate(0, "changed")
    const held = (role: string) => allocator.allocatedToRole(role)
    expect([held("a/x"), held("a/y"), held("b"), held("a")]).toEqual([
      { cpus: 6_000 },
      { cpus: 2_000 },
      { cpus: 4_000 },
      { cpus: 8_000 },
    ])
  })

  it("leaves out of shares what the settings exclude", () => {
    const allocator = make({ ...exampleSettings, excludedNames: ["gpus"] }, seedPrng(1))
    allocator.putAgent(agentOf("big", { cpus: 1_000, gpus: 4_000 }))
    allocator.putAgent(agentOf("rest", { cpus: 9_000 }))
    allocator.putFramework(frameworkOf("f", ["a"]))
    allocator.charge(
      { frameworkId: "f", role: "a", agentId: "big" },
      agentOf("", { cpus: 1_000, gpus: 4_000 }).total,
    )
    expect(allocator.shareOf("a")).toBe(0.1)
  })
})
