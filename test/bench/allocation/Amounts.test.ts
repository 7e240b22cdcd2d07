import { describe, expect, it } from "vitest"
import { readAmounts, sameAmounts, subtractAmounts } from "../../../bench/allocation/Amounts.ts"
import { type Amounts, amountsToResources, clusterWorkload } from "../../../bench/allocation/Workload.ts"
import { toKind } from "../../../core/resources/Resource.ts"

const host: Amounts = { cpus: 24_000, mem: 4_096_000, disk: 4_096_000, ports: [31_000, 32_000] }

describe("the checks' own arithmetic", () => {
  it("reads back what it wrote", () => {
    const { totalOf, usedOf } = clusterWorkload({ agents: 9, frameworks: 3, roles: 1 }, "mixed", true)
    for (let agent = 0; agent < 9; agent++) {
      for (const amounts of [totalOf(agent), usedOf(agent)!])
        expect(readAmounts(amountsToResources(amounts), "here")).toEqual(amounts)
    }
  })

  it("takes ports out of the middle and from the ends", () => {
    const used = { cpus: 16_000, mem: 2_014_000, disk: 1_024_000, ports: [31_000, 31_000, 31_500, 31_600] }
    expect(subtractAmounts(host, used)).toEqual({
      cpus: 8_000,
      mem: 2_082_000,
      disk: 3_072_000,
      ports: [31_001, 31_499, 31_601, 32_000],
    })
    expect(sameAmounts(host, { ...host, ports: [31_000, 31_999] })).toBe(false)
  })

  it("leaves 16 ranges of the recorded host of table 2", () => {
    const { totalOf, usedOf } = clusterWorkload({ agents: 1, frameworks: 1, roles: 1 }, "alike", true)
    const rest = subtractAmounts(totalOf(0), usedOf(0))
    expect(rest).toMatchObject({ cpus: 8_000, mem: 2_082_000, disk: 3_072_000 })
    expect(rest.ports).toHaveLength(2 * 16)
  })

  it("refuses what no host has, and what is not in normal form", () => {
    const cpus = toKind({ name: "cpus", type: "scalar" })
    const ports = toKind({ name: "ports", type: "ranges" })
    const read = (kind: typeof cpus, value: number | ReadonlyArray<number>) => () =>
      readAmounts([{ kind, value }], "here")
    expect(read(toKind({ name: "gpus", type: "scalar" }), 1)).toThrow("scalar gpus, which no host has")
    expect(read(toKind({ name: "cpus", type: "scalar", revocable: true }), 1)).toThrow("plain")
    expect(read(cpus, 0.5)).toThrow("no whole number")
    expect(read(cpus, 0)).toThrow("no whole number above 0")
    expect(read(ports, [5, 6, 7, 8])).toThrow("normal form")
    expect(() =>
      readAmounts(
        [1, 2].map((value) => ({ kind: cpus, value })),
        "here",
      ),
    ).toThrow("twice")
  })
})

describe("a mixed cluster", () => {
  it("has no two hosts alike, ports included, and no two weights", () => {
    const { totalOf, usedOf, weights } = clusterWorkload(
      { agents: 0, frameworks: 1_000, roles: 1_000 },
      "mixed",
      true,
    )
    const agents = Array.from({ length: 30_000 }, (_, agent) => agent)
    expect(new Set(agents.map((agent) => JSON.stringify(totalOf(agent).ports))).size).toBe(30_000)
    expect(new Set(agents.map((agent) => totalOf(agent).mem)).size).toBeGreaterThan(29_000)
    expect(new Set(Object.values(weights)).size).toBe(1_000)
    for (const agent of agents.slice(0, 1_000)) {
      const [total, rest] = [totalOf(agent), subtractAmounts(totalOf(agent), usedOf(agent))]
      expect(rest.cpus).toBeGreaterThan(0.3 * total.cpus)
      expect(rest.ports.length).toBeGreaterThan(total.ports.length + 20)
    }
  })
})
