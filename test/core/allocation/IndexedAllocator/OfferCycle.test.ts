import { describe, expect, it } from "vitest"
import type { AllocatorFramework } from "../../../../core/allocation/Allocator.ts"
import type { AllocatorSettings } from "../../../../core/allocation/Settings.ts"
import { seedPrng } from "../../../../core/Prng.ts"
import { toKind } from "../../../../core/resources/Resource.ts"
import {
  addResources,
  quantitiesToResources,
  type Resources,
  toResources,
} from "../../../../core/resources/Resources.ts"
import {
  agentOf,
  exampleSettings,
  frameworkOf,
  listOf,
  mountDisk,
  ports,
  reserved,
  scopeOf,
} from "../../../support/allocation/Fixtures.ts"
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

  it("does not take a limit on scalars for one on ranges of the same name either where a host has other ranges too", () => {
    const settings = {
      ...exampleSettings,
      minAllocatable: [{ ports: 1_000 }],
      quotas: { a: { guarantees: {}, limits: { ports: 0 } } },
    }
    const allocator = make(settings, seedPrng(1))
    const numbers = toResources([{ kind: toKind({ name: "numbers", type: "ranges" }), value: [1, 9] }])
    const total = addResources(numbers, ports(1, 9))
    allocator.putAgent(agentOf("h", total))
    allocator.putFramework(frameworkOf("f", ["a"]))
    expect(listOf(allocator.allocate(0, "all")).map(({ resources }) => resources)).toEqual([total])
  })

  describe("with a minimum of one cpu and a role that may hold half a cpu more", () => {
    const halfLeft = { ...exampleSettings, minAllocatable: [{ cpus: 1_000 }] }
    const quota = { guarantees: {}, limits: { cpus: 500 } }
    const offersOf = (settings: AllocatorSettings, total: Resources, more: Partial<AllocatorFramework>) => {
      const allocator = make(settings, seedPrng(1))
      allocator.putAgent(agentOf("h", total))
      allocator.putFramework(frameworkOf("f", ["a"], more))
      return listOf(allocator.allocate(0, "all")).map(({ resources }) => resources)
    }
    const isContent = { minAllocatable: { a: [{ cpus: 100 }] } }

    it("offers that half to a framework whose own minimum is less, and to no other", () => {
      const limited = { ...halfLeft, quotas: { a: quota } }
      const cpus = quantitiesToResources({ cpus: 4_000 })
      expect(offersOf(limited, cpus, {})).toEqual([])
      expect(offersOf(limited, cpus, isContent)).toEqual([quantitiesToResources({ cpus: 500 })])
    })

    it("offers a host below the minimum to a framework whose own is less, and to no other", () => {
      const cpus = quantitiesToResources({ cpus: 300 })
      expect(offersOf(halfLeft, cpus, {})).toEqual([])
      expect(offersOf(halfLeft, cpus, isContent)).toEqual([cpus])
    })

    it("offers the role what is reserved for it, which counts as consumed whether held or not", () => {
      const own = reserved({ cpus: 2_000 }, "a")
      const total = addResources(quantitiesToResources({ cpus: 4_000 }), own)
      expect(offersOf({ ...halfLeft, quotas: { a: quota } }, total, {})).toEqual([own])
    })
  })

  it("looks again at hosts that a limit kept from a role when the role gives something back", () => {
    const limits = { cpus: 1_000 }
    const settings = {
      ...exampleSettings,
      minAllocatable: [{ cpus: 1_000 }],
      quotas: { a: { guarantees: {}, limits } },
    }
    const allocator = make(settings, seedPrng(1))
    for (const host of ["h1", "h2"]) allocator.putAgent(agentOf(host, { cpus: 1_000 }))
    allocator.putFramework(frameworkOf("f", ["a"]))
    const offered = () => listOf(allocator.allocate(0, "changed")).map(({ agentId }) => agentId)
    const [first, ...more] = offered()
    expect(more).toEqual([])
    const all = quantitiesToResources({ cpus: 1_000 })
    allocator.release(scopeOf("f", "a", first!), all)
    const refusal = { refuseMs: 60_000, offeredAtMs: 0, nowMs: 0, isDecline: true }
    allocator.refuse(scopeOf("f", "a", first!), all, refusal)
    expect(offered()).toEqual([first === "h1" ? "h2" : "h1"])
  })

  it("looks again at a host of which only a part was taken: a disk may fit now for who was asked before", () => {
    const limit = (disk: number) => ({ guarantees: {}, limits: { disk } })
    const settings = { ...exampleSettings, quotas: { a: limit(700), b: limit(100) } }
    const allocator = make(settings, seedPrng(1))
    const loose = quantitiesToResources({ disk: 100 })
    const disk = mountDisk("/data", 700)
    allocator.putAgent(agentOf("h", addResources(loose, disk)))
    for (const role of ["a", "b"]) allocator.putFramework(frameworkOf(`f-${role}`, [role]))
    // For a, the loose part leaves no room below the limit for the whole disk; and it does not want that part.
    const refusal = { refuseMs: 60_000, offeredAtMs: 0, nowMs: 0, isDecline: true }
    allocator.refuse(scopeOf("f-a", "a", "h"), loose, refusal)
    const offered = () =>
      listOf(allocator.allocate(0, "changed")).map(({ frameworkId, resources }) => [frameworkId, resources])
    expect(offered()).toEqual([["f-b", loose]])
    expect(offered()).toEqual([["f-a", disk]])
    expect(offered()).toEqual([])
  })

  it("makes as many offers as there are new hosts, each of its own host", () => {
    const allocator = make(exampleSettings, seedPrng(1))
    allocator.putFramework(frameworkOf("f", ["a"]))
    expect(allocator.allocate(0, "changed").count).toBe(0)
    const cpusOf = new Map(Array.from({ length: 140 }, (_, index) => [`h${index}`, 1_000 + index]))
    for (const [host, cpus] of cpusOf) allocator.putAgent(agentOf(host, { cpus }))
    const offers = listOf(allocator.allocate(0, "changed"))
    expect(offers.length).toBe(140)
    expect(new Map(offers.map(({ agentId, resources }) => [agentId, resources]))).toEqual(
      new Map(Array.from(cpusOf, ([host, cpus]) => [host, quantitiesToResources({ cpus })])),
    )
    expect(new Set(offers.map(({ frameworkId, role }) => `${frameworkId} ${role}`))).toEqual(new Set(["f a"]))
  })
})
