import { describe, expect, it } from "vitest"
import type { AllocatorFramework } from "../../../core/allocation/Allocator.ts"
import { seedPrng } from "../../../core/Prng.ts"
import type { Quantities } from "../../../core/resources/Quantities.ts"
import { toKind } from "../../../core/resources/Resource.ts"
import {
  quantitiesToResources,
  type Resources,
  resourcesToText,
  toResources,
} from "../../../core/resources/Resources.ts"
import {
  agentOf,
  everyFrameworkCapability,
  exampleSettings,
  frameworkOf,
  listOf,
  mountDisk,
  ports,
  reservationFor,
  reserved,
  revocable,
  scopeOf,
  volume,
} from "../../support/allocation/Fixtures.ts"
import { implementations } from "../../support/allocation/Implementations.ts"

// In the spirit of Mesos's documents on reservations, volumes and oversubscription (spec/mesos.md §1.7–1.9, §1.12).

const plain = (amounts: Quantities) => quantitiesToResources(amounts)
const all = (...parts: ReadonlyArray<Resources>) => toResources(parts.flat())

describe.each(implementations)("$name, examples of reservations", ({ make }) => {
  /** A host of these resources, and frameworks `f-ROLE`. */
  const hostOf = (total: Resources, roles: ReadonlyArray<string>, more: Partial<AllocatorFramework> = {}) => {
    const allocator = make(exampleSettings, seedPrng(1))
    allocator.putAgent(agentOf("h", total))
    for (const role of roles) allocator.putFramework(frameworkOf(`f-${role}`, [role], more))
    let nowMs = 0
    const offers = () =>
      listOf(allocator.allocate(nowMs++, "changed")).map(
        ({ frameworkId, resources }) => `${frameworkId}: ${resourcesToText(resources)}`,
      )
    return { allocator, offers }
  }
  const without = (capability: string) => ({
    capabilities: everyFrameworkCapability.filter((name) => name !== capability),
  })

  it("offers what is reserved to its role and to the sub-roles of that, to nobody else", () => {
    const total = all(reserved({ cpus: 8_000 }, "eng"), plain({ cpus: 1_000 }))
    expect(hostOf(total, ["ops"]).offers()).toEqual(["f-ops: cpus:1"])
    expect(hostOf(total, ["eng"]).offers()).toEqual(["f-eng: cpus:1; cpus(reserved for eng):8"])
    expect(hostOf(total, ["eng/backend"]).offers()).toEqual([
      "f-eng/backend: cpus:1; cpus(reserved for eng):8",
    ])
    expect(hostOf(total, ["engine"]).offers()).toEqual(["f-engine: cpus:1"])
  })

  it("offers what is reserved even where nothing else is left", () => {
    const { allocator, offers } = hostOf(all(reserved({ mem: 500 }, "ads"), plain({ cpus: 1_000 })), [
      "ads",
      "x",
    ])
    allocator.charge(scopeOf("f-x", "x", "h"), plain({ cpus: 1_000 }))
    expect(offers()).toEqual(["f-ads: mem(reserved for ads):0.5"])
  })

  it("offers a refined reservation below its last role only, and only to those who can read it", () => {
    const total = all(reserved({ cpus: 2_000 }, "eng", "eng/backend"), plain({ cpus: 1_000 }))
    const refined = "cpus(reserved for eng, reserved for eng/backend):2"
    expect(hostOf(total, ["eng"]).offers()).toEqual(["f-eng: cpus:1"])
    expect(hostOf(total, ["eng/backend"]).offers()).toEqual([`f-eng/backend: cpus:1; ${refined}`])
    const old = without("RESERVATION_REFINEMENT")
    expect(hostOf(total, ["eng/backend"], old).offers()).toEqual(["f-eng/backend: cpus:1"])
  })

  it("treats reservations with different labels as different things: refusing one refuses not the other", () => {
    const marked = (value: string, milli: number) =>
      toResources([
        {
          kind: toKind({
            name: "cpus",
            type: "scalar",
            reservations: [reservationFor("ads", { labels: [{ key: "owner", value }] })],
          }),
          value: milli,
        },
      ])
    const { allocator, offers } = hostOf(all(marked("x", 1_000), marked("y", 1_000)), ["ads"])
    allocator.charge(scopeOf("f-ads", "ads", "h"), marked("y", 1_000))
    expect(offers()).toEqual(["f-ads: cpus(reserved for ads owner=x):1"])
    allocator.release(scopeOf("f-ads", "ads", "h"), all(marked("x", 1_000), marked("y", 1_000)))
    allocator.refuse(scopeOf("f-ads", "ads", "h"), marked("x", 1_000), {
      refuseMs: 60_000,
      offeredAtMs: 0,
      nowMs: 1,
      isDecline: true,
    })
    allocator.charge(scopeOf("f-ads", "ads", "h"), marked("x", 1_000))
    expect(offers()).toEqual(["f-ads: cpus(reserved for ads owner=y):1"])
  })

  it("hides what is reserved for a role without frameworks, and counts it all the same", () => {
    const { allocator, offers } = hostOf(all(reserved({ cpus: 3_000 }, "held"), plain({ cpus: 1_000 })), [
      "a",
    ])
    expect(offers()).toEqual(["f-a: cpus:1"])
    expect([allocator.clusterTotal(), allocator.shareOf("a")]).toEqual([{ cpus: 4_000 }, 0.25])
  })

  it("offers a suppressed role nothing, reserved or not", () => {
    const total = all(reserved({ cpus: 3_000 }, "a"), plain({ cpus: 1_000 }))
    expect(hostOf(total, ["a"], { suppressedRoles: ["a"] }).offers()).toEqual([])
  })

  it("offers what is unreserved again to everybody at once", () => {
    const { allocator, offers } = hostOf(reserved({ cpus: 3_000 }, "held"), ["a"])
    expect(offers()).toEqual([])
    allocator.putAgent(agentOf("h", { cpus: 3_000 }))
    expect(offers()).toEqual(["f-a: cpus:3"])
  })

  it("in stage 1 gives a role its own reservations, and those of its ancestors in stage 2, in one offer", () => {
    const { allocator, offers } = hostOf(
      all(reserved({ mem: 1_000 }, "q"), reserved({ mem: 2_000 }, "q/x"), plain({ cpus: 4_000 })),
      ["q/x"],
    )
    allocator.setQuota("q", { guarantees: { cpus: 1_000 }, limits: {} })
    expect(offers()).toEqual(["f-q/x: cpus:4; mem(reserved for q):1; mem(reserved for q/x):2"])
  })

  it("keeps the reserve from everybody, what is taken of it and what is still missing", () => {
    const { allocator, offers } = hostOf(plain({ cpus: 4_000, mem: 1_000 }), ["a"])
    allocator.setReserve("h", { cpus: 1_000, gpus: 1_000 })
    expect(offers()).toEqual(["f-a: cpus:3; mem:1"])
    allocator.setReserve("h", { cpus: 3_000 })
    expect([allocator.heldOn("h"), allocator.missingFromReserveOf("h")]).toEqual([
      { cpus: 1_000 },
      { cpus: 2_000 },
    ])
    allocator.release(scopeOf("f-a", "a", "h"), plain({ cpus: 3_000 }))
    expect(offers()).toEqual(["f-a: cpus:1"])
  })

  it("shows revocable resources, shared volumes and hosts with gpus to those who can handle them", () => {
    const total = all(plain({ cpus: 1_000 }), revocable({ cpus: 2_000 }), volume("v", 500, "a", true))
    const shared = "disk(reserved for a, volume v, shared):0.5"
    expect(hostOf(total, ["a"]).offers()).toEqual([`f-a: cpus:1; cpus(revocable):2; ${shared}`])
    expect(hostOf(total, ["a"], without("REVOCABLE_RESOURCES")).offers()).toEqual([`f-a: cpus:1; ${shared}`])
    expect(hostOf(total, ["a"], without("SHARED_RESOURCES")).offers()).toEqual([
      "f-a: cpus:1; cpus(revocable):2",
    ])
    const gpus = plain({ cpus: 1_000, gpus: 1_000 })
    expect(hostOf(gpus, ["a"]).offers()).toEqual(["f-a: cpus:1; gpus:1"])
    expect(hostOf(gpus, ["a"], without("GPU_RESOURCES")).offers()).toEqual([])
  })

  it("offers a shared volume once a cycle, again in the next, never alone, and counts it once", () => {
    const total = all(
      reserved({ cpus: 1_000 }, "a"),
      reserved({ cpus: 1_000 }, "a/b"),
      volume("v", 500, "a", true),
    )
    const { allocator, offers } = hostOf(total, ["a", "a/b"])
    const shared = "disk(reserved for a, volume v, shared):0.5"
    expect(offers()).toEqual([`f-a: cpus(reserved for a):1; ${shared}`, "f-a/b: cpus(reserved for a/b):1"])
    expect(offers()).toEqual([])
    allocator.release(scopeOf("f-a/b", "a/b", "h"), reserved({ cpus: 1_000 }, "a/b"))
    expect(offers()).toEqual([`f-a/b: cpus(reserved for a/b):1; ${shared}`])
    expect(allocator.allocatedToRole("a")).toEqual({ cpus: 2_000, disk: 500 })
    expect(allocator.allocatedToRole("a/b")).toEqual({ cpus: 1_000, disk: 500 })
    expect(resourcesToText(allocator.allocatedOn("h"))).toContain(`${shared}; ${shared}`)
  })

  it("offers a shared volume in the next cycle to whom it was not offered in the last, though nothing else changed", () => {
    const own = reserved({ mem: 1_000 }, "a/y")
    const { allocator, offers } = hostOf(all(plain({ cpus: 1_000 }), own, volume("v", 500, "a", true)), [
      "a/x",
      "a/y",
    ])
    const refusal = { refuseMs: 60_000, offeredAtMs: 0, nowMs: 0, isDecline: true }
    allocator.refuse(scopeOf("f-a/y", "a/y", "h"), own, refusal)
    const shared = "disk(reserved for a, volume v, shared):0.5"
    expect(offers()).toEqual([`f-a/x: cpus:1; ${shared}`])
    expect(offers()).toEqual([`f-a/y: ${shared}; mem(reserved for a/y):1`])
    expect(offers()).toEqual([])
  })

  it("gives disks that cannot be divided as a whole, or not at all where a limit leaves too little", () => {
    const { allocator, offers } = hostOf(all(plain({ cpus: 1_000 }), mountDisk("/data", 4_000)), ["a"])
    allocator.setQuota("a", { guarantees: {}, limits: { disk: 3_000 } })
    expect(offers()).toEqual(["f-a: cpus:1"])
    allocator.setQuota("a", { guarantees: {}, limits: { disk: 4_000 } })
    expect(offers()).toEqual(["f-a: disk(MOUNT /data):4"])
  })

  it("cuts a host into parts while more want offers than there are hosts", () => {
    const allocator = make({ ...exampleSettings, partMin: { cpus: 2_000 } }, seedPrng(1))
    allocator.putAgent(agentOf("h", all(plain({ cpus: 8_000, mem: 4_000 }), ports(1, 5))))
    for (const id of ["f1", "f2", "f3"]) allocator.putFramework(frameworkOf(id, ["a"]))
    const made = listOf(allocator.allocate(0, "changed"))
    expect(made.map(({ frameworkId, resources }) => `${frameworkId}: ${resourcesToText(resources)}`)).toEqual(
      [
        "f1: cpus:2.667; mem:1.334; ports:[1-2]",
        "f2: cpus:2.667; mem:1.334; ports:[3-4]",
        "f3: cpus:2.666; mem:1.332; ports:[5-5]",
      ],
    )
  })

  it("cuts hosts into as many parts as there are frameworks for each of them, and into none while those are fewer than two", () => {
    const cpusOffered = (frameworks: number) => {
      const allocator = make({ ...exampleSettings, partMin: { cpus: 1_000 } }, seedPrng(1))
      for (const host of ["h1", "h2"]) allocator.putAgent(agentOf(host, { cpus: 6_000 }))
      for (let id = 0; id < frameworks; id++) allocator.putFramework(frameworkOf(`f${id}`, ["a"]))
      return listOf(allocator.allocate(0, "changed")).map(({ resources }) => resourcesToText(resources))
    }
    expect(cpusOffered(3)).toEqual(["cpus:6", "cpus:6"])
    expect(cpusOffered(5)).toEqual(["cpus:3", "cpus:3", "cpus:3", "cpus:3"])
    expect(cpusOffered(6)).toEqual(Array(6).fill("cpus:2"))
  })
})
