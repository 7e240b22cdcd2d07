import { describe, expect, it } from "vitest"
import type { AllocatorAgent, Refusal } from "../../../core/allocation/Allocator.ts"
import type { AllocatorSettings } from "../../../core/allocation/Settings.ts"
import { seedPrng } from "../../../core/Prng.ts"
import type { Quantities } from "../../../core/resources/Quantities.ts"
import {
  addResources,
  quantitiesToResources,
  resourcesToText,
  subtractResources,
} from "../../../core/resources/Resources.ts"
import {
  agentOf,
  exampleSettings,
  frameworkOf,
  listOf,
  revocable,
  scopeOf,
} from "../../support/allocation/Fixtures.ts"
import { implementations } from "../../support/allocation/Implementations.ts"

// What spec/mesos.md §1.5 says of filters, and the back-off that gleaner adds (core/allocation/Settings.ts).

describe.each(implementations)("$name, examples of filters", ({ make }) => {
  const total = quantitiesToResources({ cpus: 4_000, mem: 8_000 })
  const scope = scopeOf("f", "a", "h")

  /** One host of 4 CPUs and 8 GB, and the framework f, which has refused all of it for 10 s at time 0. */
  const refusing = (
    settings: Partial<AllocatorSettings> = {},
    more: Partial<Refusal> = {},
    amounts: Quantities = { cpus: 4_000, mem: 8_000 },
  ) => {
    const allocator = make({ ...exampleSettings, ...settings }, seedPrng(1))
    allocator.putAgent(agentOf("h", total))
    allocator.putFramework(frameworkOf("f", ["a", "b"], { suppressedRoles: ["b"] }))
    const refuse = (refusal: Partial<Refusal>, refused: Quantities = amounts) =>
      allocator.refuse(scope, quantitiesToResources(refused), {
        refuseMs: 10_000,
        offeredAtMs: 0,
        nowMs: 0,
        isDecline: true,
        ...refusal,
      })
    refuse(more)
    /** What f is offered at a time; it gives everything back at once. */
    const offerAt = (nowMs: number) => {
      const offers = listOf(allocator.allocate(nowMs, "changed"))
      for (const { role, agentId, resources } of offers) {
        allocator.release(scopeOf("f", role, agentId), resources)
      }
      return offers.map(({ resources }) => resourcesToText(resources)).join()
    }
    return { allocator, refuse, offerAt }
  }

  it("keep what was refused away until their time is up, and not a millisecond longer", () => {
    const { allocator, offerAt } = refusing()
    expect([offerAt(0), offerAt(9_999), allocator.nextExpiryMs()]).toEqual(["", "", 10_000])
    expect([offerAt(10_000), allocator.nextExpiryMs()]).toEqual(["cpus:4; mem:8", null])
  })

  it.each([
    ["nothing said", null, 5_000],
    ["a negative time", -3, 5_000],
    ["no number", Number.NaN, 5_000],
    ["less than the minimum", 1, 1_000],
    ["more than a year", 1e15, 365 * 24 * 3_600_000],
  ])("last as long as Mesos's for %s", (_, refuseMs, expectedMs) => {
    expect(refusing({}, { refuseMs }).allocator.nextExpiryMs()).toBe(expectedMs)
  })

  it("are none for 0 s in Mesos's way, and the shortest in gleaner's", () => {
    expect(refusing({}, { refuseMs: 0 }).offerAt(0)).toBe("cpus:4; mem:8")
    const { offerAt } = refusing({ canRefuseForZero: false }, { refuseMs: 0 })
    expect([offerAt(999), offerAt(1_000)]).toEqual(["", "cpus:4; mem:8"])
  })

  it("let pass what is a bit more than was refused, or of another kind", () => {
    expect(refusing({}, {}, { cpus: 4_000, mem: 7_999 }).offerAt(1)).toBe("cpus:4; mem:8")
    const { allocator, offerAt } = refusing()
    const more = addResources(total, revocable({ cpus: 1 }))
    allocator.putAgent(agentOf("h", more))
    expect(offerAt(1)).toBe("cpus:4; cpus(revocable):0.001; mem:8")
  })

  it("stop less than was refused", () => {
    const { allocator, offerAt } = refusing()
    const part = quantitiesToResources({ cpus: 1_000 })
    allocator.charge(scopeOf("g", "x", "h"), part)
    expect(offerAt(1)).toBe("")
    allocator.release(scopeOf("g", "x", "h"), part)
    expect(subtractResources(allocator.availableOn("h"), total)).toEqual([])
  })

  it("are of one framework, in one role, on one host", () => {
    const { allocator, offerAt } = refusing()
    allocator.putFramework(frameworkOf("f", ["a", "b"]))
    expect(listOf(allocator.allocate(1, "changed")).map(({ role }) => role)).toEqual(["b"])
    allocator.release(scopeOf("f", "b", "h"), total)
    allocator.putFramework(frameworkOf("f", ["a", "b"], { suppressedRoles: ["b"] }))
    allocator.putAgent(agentOf("h2", total))
    expect(offerAt(2)).toBe("cpus:4; mem:8")
    allocator.putFramework(frameworkOf("g", ["a"]))
    expect(
      listOf(allocator.allocate(3, "all")).map(({ frameworkId, agentId }) => frameworkId + agentId),
    ).toContain("gh")
  })

  const changes: ReadonlyArray<readonly [string, Partial<AllocatorAgent>, boolean]> = [
    ["attributes", { attributes: [{ name: "rack", type: "text", value: "r" }] }, true],
    ["capabilities", { capabilities: ["MULTI_ROLE"] }, true],
    ["region", { region: "east" }, true],
    ["zone", { zone: "z" }, true],
    ["reserve alone", { reserve: { mem: 1_000 } }, false],
  ]
  it.each(changes)("go when the host changes its %s: %o", (_, change, isGone) => {
    const { allocator } = refusing()
    allocator.putAgent(agentOf("h", total, change))
    expect(allocator.nextExpiryMs()).toBe(isGone ? null : 10_000)
  })

  it("go with the host, with a revival of the role, with the connection, with the role", () => {
    const expiryAfter = (change: (allocator: ReturnType<typeof refusing>["allocator"]) => void) => {
      const { allocator } = refusing()
      change(allocator)
      return allocator.nextExpiryMs()
    }
    expect(expiryAfter((allocator) => allocator.removeAgent("h"))).toBe(null)
    expect(expiryAfter((allocator) => allocator.dropFilters("f", null))).toBe(null)
    expect(expiryAfter((allocator) => allocator.dropFilters("f", ["a"]))).toBe(null)
    expect(expiryAfter((allocator) => allocator.dropFilters("f", ["b"]))).toBe(10_000)
    expect(
      expiryAfter((allocator) => allocator.putFramework(frameworkOf("f", ["a"], { isActive: false }))),
    ).toBe(null)
    expect(expiryAfter((allocator) => allocator.putFramework(frameworkOf("f", ["b"])))).toBe(null)
    expect(expiryAfter((allocator) => allocator.putFramework(frameworkOf("f", ["a"])))).toBe(10_000)
    expect(expiryAfter((allocator) => allocator.removeFramework("f"))).toBe(null)
  })

  it("double with each round that is declined, up to the most, and begin anew once an offer is used", () => {
    const { allocator, refuse } = refusing({ backoffMsMax: 30_000 }, { refuseMs: 4_000 })
    const lastsMs = (nowMs: number, more: Partial<Refusal> = {}) => {
      allocator.dropFilters("nobody", null)
      const before = allocator.nextExpiryMs()!
      allocator.allocate(before, "changed")
      allocator.release(scope, allocator.allocatedOn("h"))
      refuse({ refuseMs: 4_000, offeredAtMs: nowMs - 1, nowMs, ...more })
      return allocator.nextExpiryMs()! - nowMs
    }
    expect(allocator.nextExpiryMs()).toBe(4_000)
    expect([lastsMs(10_000), lastsMs(30_000), lastsMs(60_000), lastsMs(100_000)]).toEqual([
      8_000, 16_000, 30_000, 30_000,
    ])
    // What the framework asks for itself is never cut; what it leaves of an offer that it uses is refused for just that time.
    expect(lastsMs(150_000, { refuseMs: 90_000 })).toBe(90_000)
    expect(lastsMs(300_000, { isDecline: false })).toBe(4_000)
    allocator.noteAccepted("f", "a")
    expect([lastsMs(400_000), lastsMs(500_000)]).toEqual([4_000, 8_000])
  })

  it("count all declines of one round of offers once", () => {
    const { allocator, refuse } = refusing({ backoffMsMax: 30_000 }, { refuseMs: 4_000, nowMs: 5 })
    refuse({ refuseMs: 4_000, offeredAtMs: 5, nowMs: 6 }, { cpus: 9_000 })
    allocator.dropFilters("f", ["b"])
    expect(allocator.snapshot().filter(({ kind }) => kind === "client")).toMatchObject([
      { value: { declinedRounds: 1, roundAtMs: 5 } },
    ])
    refuse({ refuseMs: 4_000, offeredAtMs: 6, nowMs: 10 }, { cpus: 10_000 })
    expect(allocator.snapshot().filter(({ kind }) => kind === "client")).toMatchObject([
      { value: { declinedRounds: 2, roundAtMs: 10 } },
    ])
  })

  it("lose what back-off added when the framework is woken, and those that another one then covers go", () => {
    const { allocator, refuse, offerAt } = refusing(
      { backoffMsMax: 60_000 },
      { refuseMs: 4_000, nowMs: 5 },
      { cpus: 2_000 },
    )
    refuse({ refuseMs: 3_000, offeredAtMs: 6, nowMs: 10 }, { cpus: 1_000 })
    const filters = () => allocator.snapshot().filter(({ kind }) => kind === "filter")
    expect(filters()).toMatchObject([
      { value: [{ expiresAtMs: 4_005 }, { expiresAtMs: 6_010, backoffMs: 3_000 }] },
    ])
    allocator.wake("f", 30)
    // The second would now end at 3010, before the first, which refuses more.
    expect(filters()).toMatchObject([
      { value: [{ resources: { cpus: 2_000 }, expiresAtMs: 4_005, backoffMs: 0 }] },
    ])
    expect(filters()[0]!.value).toHaveLength(1)
    expect(allocator.nextExpiryMs()).toBe(4_005)
    expect(offerAt(40)).toBe("cpus:4; mem:8")
  })
})
