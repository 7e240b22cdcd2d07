import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type AllocationRole, allocate } from "../../../core/allocation/Allocate.ts"
import { dominantShare, Ledger } from "../../../core/allocation/Ledger.ts"
import { seedPrng } from "../../../core/Prng.ts"
import { addQuantities, noQuantities, type Quantities } from "../../../core/resources/Quantities.ts"

const role = (name: string, frameworkIds: ReadonlyArray<string>, weight = 1): AllocationRole => ({
  role: name,
  weight,
  grants: 0,
  frameworks: frameworkIds.map((frameworkId) => ({ frameworkId, grants: 0 })),
})

const cycle = (
  ledger: Ledger,
  agentIds: ReadonlyArray<string>,
  roles: ReadonlyArray<AllocationRole>,
  isFiltered: (frameworkId: string) => boolean = () => false,
  seed = 1,
) => allocate({ agentIds, roles, ledger, prng: seedPrng(seed), minimumOffers: [], isFiltered })

describe("dominantShare", () => {
  it("is the largest share of any resource: the example of the DRF paper (NSDI 2011, §4.1)", () => {
    // 9 CPUs, 18 GB; user A's tasks need <1 CPU, 4 GB>, user B's <3 CPUs, 1 GB>. DRF ends with 3 and 2 tasks.
    const total: Quantities = { cpus: 9_000, mem: 18_000 }
    const needs: Record<string, Quantities> = {
      A: { cpus: 1_000, mem: 4_000 },
      B: { cpus: 3_000, mem: 1_000 },
    }
    const held: Record<string, Quantities> = { A: noQuantities, B: noQuantities }
    const tasks: Record<string, number> = { A: 0, B: 0 }
    const fits = (user: string) =>
      Object.entries(addQuantities(addQuantities(held.A!, held.B!), needs[user]!)).every(
        ([name, milli]) => milli <= total[name]!,
      )
    for (;;) {
      const [next] = ["A", "B"]
        .filter(fits)
        .sort((a, b) => dominantShare(held[a]!, total, 1) - dominantShare(held[b]!, total, 1))
      if (next === undefined) break
      held[next] = addQuantities(held[next]!, needs[next]!)
      tasks[next]!++
    }
    expect(tasks).toEqual({ A: 3, B: 2 })
    expect(dominantShare(held.A!, total, 1)).toBe(dominantShare(held.B!, total, 1))
  })

  it("is divided by the weight, and ignores what the cluster has none of", () => {
    expect(dominantShare({ cpus: 2, gpus: 5 }, { cpus: 8 }, 2)).toBe(0.125)
  })
})

describe("the ledger", () => {
  it("refuses to give out what the reserve wants, taken or not (L1)", () => {
    const ledger = new Ledger()
    ledger.addAgent("a", { cpus: 4_000, mem: 8_000 }, { cpus: 1_000 })
    expect(() => ledger.charge("f", "r", "a", { cpus: 3_001 })).toThrow(
      "has cpus:3; mem:8 left, not cpus:3.001",
    )
    ledger.charge("f", "r", "a", { cpus: 3_000 })
    ledger.setReserve("a", { cpus: 2_000, gpus: 1_000 })
    expect([ledger.heldOn("a"), ledger.missingFromReserveOf("a")]).toEqual([{ cpus: 1_000 }, { cpus: 1_000 }])
    ledger.release("f", "r", "a", { cpus: 3_000 })
    expect(ledger.availableOn("a")).toEqual({ cpus: 2_000, mem: 8_000 })
    expect(ledger.missingFromReserveOf("a")).toEqual({})
    ledger.setReserve("a", noQuantities)
    expect(ledger.availableOn("a")).toEqual({ cpus: 4_000, mem: 8_000 })
  })
})

describe("allocate", () => {
  const clusterOf = (count: number, total: Quantities) => {
    const ledger = new Ledger()
    const ids = Array.from({ length: count }, (_, index) => `agent-${index}`)
    for (const id of ids) ledger.addAgent(id, total)
    return { ledger, ids }
  }

  it("spreads equal agents over roles in proportion to their weights", () => {
    const { ledger, ids } = clusterOf(12, { cpus: 4_000, mem: 8_000 })
    const made = cycle(ledger, ids, [role("web", ["f1"], 2), role("batch", ["f2"], 1)])
    const count = (name: string) => made.filter((allocation) => allocation.role === name).length
    expect([count("web"), count("batch")]).toEqual([8, 4])
  })

  it("takes turns among the frameworks of a role, ties by fewer grants, then by id", () => {
    const { ledger, ids } = clusterOf(4, { cpus: 4_000 })
    const made = cycle(ledger, ids, [role("web", ["f2", "f1"])])
    expect(made.map((allocation) => allocation.frameworkId)).toEqual(["f1", "f2", "f1", "f2"])
  })

  it("offers a filtered agent to the next in order, and to nobody when all filter it", () => {
    const { ledger, ids } = clusterOf(1, { cpus: 1_000 })
    expect(cycle(ledger, ids, [role("web", ["f1"])], () => true)).toEqual([])
    const made = cycle(ledger, ids, [role("web", ["f1"]), role("batch", ["f2"])], (id) => id === "f2")
    expect(made.map((allocation) => allocation.frameworkId)).toEqual(["f1"])
  })

  it("does not offer crumbs", () => {
    const ledger = new Ledger()
    ledger.addAgent("a", { cpus: 5, mem: 31_000 })
    const made = allocate({
      agentIds: ["a"],
      roles: [role("web", ["f1"])],
      ledger,
      prng: seedPrng(1),
      minimumOffers: [{ cpus: 10 }, { mem: 32_000 }],
      isFiltered: () => false,
    })
    expect(made).toEqual([])
  })

  it("visits agents in an order that depends on the seed alone", () => {
    const order = (seed: number) => {
      const { ledger, ids } = clusterOf(20, { cpus: 1_000 })
      return cycle(ledger, ids, [role("web", ["f1"])], () => false, seed).map(({ agentId }) => agentId)
    }
    expect(order(1)).toEqual(order(1))
    expect(order(1)).not.toEqual(order(2))
  })

  it("never gives away more than there is, and leaves nothing that somebody wants (L1)", () => {
    const agents = fc.array(fc.record({ cpus: fc.nat(8_000), mem: fc.nat(64_000) }), { maxLength: 12 })
    const roles = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 })), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(agents, roles, fc.nat(), (totals, shapes, seed) => {
        const ledger = new Ledger()
        totals.forEach((total, index) => {
          ledger.addAgent(
            `a${index}`,
            Object.fromEntries(Object.entries(total).filter(([, milli]) => milli > 0)),
          )
        })
        const made = cycle(
          ledger,
          totals.map((_, index) => `a${index}`),
          shapes.map(([weight, count], index) =>
            role(
              `r${index}`,
              Array.from({ length: count }, (_, n) => `f${index}-${n}`),
              weight,
            ),
          ),
          () => false,
          seed,
        )
        totals.forEach((_, index) => {
          expect(ledger.availableOn(`a${index}`)).toEqual({})
          expect(made.filter(({ agentId }) => agentId === `a${index}`).length).toBeLessThanOrEqual(1)
        })
      }),
    )
  })
})
