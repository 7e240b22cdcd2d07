import { describe, expect, it } from "vitest"
import type { AllocatorSettings, Quota } from "../../../core/allocation/Settings.ts"
import { seedPrng } from "../../../core/Prng.ts"
import { addQuantities, noQuantities, type Quantities } from "../../../core/resources/Quantities.ts"
import { addResources, quantitiesToResources, scalarQuantities } from "../../../core/resources/Resources.ts"
import {
  agentOf,
  exampleSettings,
  frameworkOf,
  listOf,
  mountDisk,
  reserved,
  scopeOf,
} from "../../support/allocation/Fixtures.ts"
import { implementations, type MakeAllocator } from "../../support/allocation/Implementations.ts"

// In the spirit of Mesos's quota document: what guarantees and limits are for, on small clusters (spec/mesos.md §1.3, §1.10).

const quota = (guarantees: Quantities, limits: Quantities = {}): Quota => ({ guarantees, limits })

/** So many hosts of 4 CPUs and 8 GB, and hungry frameworks: `f-ROLE` in each role. */
const clusterOf = (
  make: MakeAllocator,
  hosts: number,
  roles: ReadonlyArray<string>,
  quotas: AllocatorSettings["quotas"],
) => {
  const allocator = make({ ...exampleSettings, quotas }, seedPrng(7))
  for (let host = 0; host < hosts; host++) {
    allocator.putAgent(agentOf(`h${host}`, { cpus: 4_000, mem: 8_000 }))
  }
  for (const role of roles) allocator.putFramework(frameworkOf(`f-${role}`, [role]))
  let nowMs = 0
  /** What each framework is offered in a cycle, all hosts together. */
  const offers = () => {
    const sums: { [frameworkId: string]: Quantities } = {}
    for (const { frameworkId, resources } of listOf(allocator.allocate(nowMs++, "changed"))) {
      sums[frameworkId] = addQuantities(sums[frameworkId] ?? noQuantities, scalarQuantities(resources))
    }
    return sums
  }
  return { allocator, offers }
}

describe.each(implementations)("$name, examples of quota", ({ make }) => {
  it("keeps a guarantee free while others are hungry, and has it ready when somebody comes for it", () => {
    const { allocator, offers } = clusterOf(make, 3, ["other"], { q: quota({ cpus: 4_000, mem: 8_000 }) })
    expect(offers()).toEqual({ "f-other": { cpus: 8_000, mem: 16_000 } })
    allocator.putFramework(frameworkOf("f-q", ["q"]))
    expect(offers()).toEqual({ "f-q": { cpus: 4_000, mem: 8_000 } })
  })

  it("keeps nothing free any more for a guarantee that is gone", () => {
    const { allocator, offers } = clusterOf(make, 0, ["other"], { q: quota({ cpus: 3_000 }) })
    allocator.putAgent(
      agentOf("h", addResources(quantitiesToResources({ cpus: 4_000 }), reserved({ mem: 1_000 }, "x"))),
    )
    expect(offers()).toEqual({ "f-other": { cpus: 1_000 } })
    allocator.setQuota("q", null)
    expect(offers()).toEqual({ "f-other": { cpus: 3_000 } })
  })

  it("keeps free only what is guaranteed: other names go to whoever asks", () => {
    const { offers } = clusterOf(make, 1, ["other"], { q: quota({ cpus: 3_000 }) })
    expect(offers()).toEqual({ "f-other": { cpus: 1_000, mem: 8_000 } })
  })

  it("stops a role at its limit, across hosts, and name by name", () => {
    const { allocator, offers } = clusterOf(make, 3, ["a", "b"], { a: quota({}, { cpus: 3_000 }) })
    offers()
    expect(allocator.allocatedToRole("a").cpus).toBe(3_000)
    expect(allocator.allocatedToRole("b").cpus).toBe(9_000)
    const { cpus, mem } = allocator.clusterTotal()
    expect([cpus, mem]).toEqual([12_000, 24_000])
  })

  it("gives nothing of a name whose limit is 0", () => {
    const { offers } = clusterOf(make, 1, ["a"], { a: quota({}, { cpus: 0 }) })
    expect(offers()).toEqual({ "f-a": { mem: 8_000 } })
  })

  it("serves a guarantee first, whatever the shares say", () => {
    const { allocator, offers } = clusterOf(make, 2, ["a", "b"], { a: quota({ cpus: 6_000 }) })
    const held = quantitiesToResources({ cpus: 4_000, mem: 8_000 })
    allocator.charge(scopeOf("f-a", "a", "h0"), held)
    // a has half of the cluster, b nothing. Of the other host a still gets what its guarantee lacks, with what else is on the host.
    expect(allocator.shareOf("b")).toBe(0)
    expect(offers()["f-a"]!.cpus).toBeGreaterThanOrEqual(2_000)
  })

  it("lets a role burst over its guarantee up to its limit, but not into what others are guaranteed", () => {
    const { allocator, offers } = clusterOf(make, 4, ["a"], {
      a: quota({ cpus: 2_000 }, { cpus: 13_000 }),
      b: quota({ cpus: 5_000 }),
    })
    expect(offers()["f-a"]!.cpus).toBe(11_000)
    allocator.setQuota("b", null)
    expect(offers()["f-a"]!.cpus).toBe(2_000)
  })

  it("counts reservations as consumed: what is reserved for a role need not be kept free for it", () => {
    const { allocator, offers } = clusterOf(make, 1, ["other"], { q: quota({ cpus: 4_000 }) })
    expect(offers()).toEqual({ "f-other": { mem: 8_000 } })
    allocator.putAgent(
      agentOf("h1", [...reserved({ cpus: 4_000 }, "q"), ...quantitiesToResources({ mem: 1_000 })]),
    )
    expect(allocator.consumedQuotaOf("q")).toEqual({ cpus: 4_000 })
    expect(offers()).toEqual({ "f-other": { cpus: 4_000, mem: 1_000 } })
  })

  it("counts what sub-roles hold, and serves them, as parts of the role that has the quota", () => {
    const { allocator, offers } = clusterOf(make, 2, ["q/x", "other"], {
      q: quota({ cpus: 4_000 }, { cpus: 4_000 }),
    })
    expect(offers()).toEqual({
      "f-other": { cpus: 4_000, mem: 8_000 },
      "f-q/x": { cpus: 4_000, mem: 8_000 },
    })
    expect(allocator.consumedQuotaOf("q")).toEqual({ cpus: 4_000, mem: 8_000 })
  })

  it("divides a guarantee between the frameworks of the role", () => {
    const { allocator, offers } = clusterOf(make, 4, ["q"], { q: quota({ cpus: 16_000 }) })
    allocator.putFramework(frameworkOf("f-q2", ["q"]))
    const { cpus } = offers()["f-q"]!
    expect([cpus, allocator.allocatedToFramework("q", "f-q2").cpus]).toEqual([8_000, 8_000])
  })

  it("offers what a role has left over to others, once its guarantee is served", () => {
    const { offers } = clusterOf(make, 3, ["q", "other"], { q: quota({ cpus: 2_000 }, { cpus: 2_000 }) })
    expect(offers()).toMatchObject({ "f-q": { cpus: 2_000 }, "f-other": { cpus: 10_000 } })
  })

  it("rescues nothing that is held: a guarantee set late waits for what is given back", () => {
    const { allocator, offers } = clusterOf(make, 1, ["other"], {})
    offers()
    allocator.setQuota("q", quota({ cpus: 4_000 }))
    allocator.putFramework(frameworkOf("f-q", ["q"]))
    expect(offers()).toEqual({})
    allocator.release(scopeOf("f-other", "other", "h0"), quantitiesToResources({ cpus: 3_000 }))
    expect(offers()).toEqual({ "f-q": { cpus: 3_000 } })
  })

  it("goes on in the next cycle where a disk has served more of a guarantee than was open", () => {
    // Of 6 GB of disks 0.5 are kept free for q, so q can have the first disk, but not both. With it nothing is to be kept any more.
    const { allocator, offers } = clusterOf(make, 0, ["q"], { q: quota({ disk: 500 }) })
    allocator.putAgent(agentOf("h", [...mountDisk("/1", 2_000), ...mountDisk("/2", 4_000)]))
    offers()
    offers()
    expect(scalarQuantities(allocator.availableOn("h"))).toEqual({})
  })
})
