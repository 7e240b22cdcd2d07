import { describe, expect, it } from "vitest"
import { NodeHoldings } from "../../../../core/allocation/IndexedAllocator/NodeHoldings.ts"
import { ResourceNames } from "../../../../core/allocation/IndexedAllocator/ResourceNames.ts"

// What is held, by whom, after any life: see FairTree.test.ts.

const holdingsOf = (names = new ResourceNames()): NodeHoldings => {
  const holdings = new NodeHoldings(names)
  for (const node of [0, 1, 2]) holdings.init(node)
  return holdings
}

describe("NodeHoldings", () => {
  it("tell the dominant share: the example of the DRF paper (NSDI 2011, §4.1)", () => {
    const holdings = holdingsOf()
    holdings.setTotal(0, 9_000)
    holdings.setTotal(1, 18_000)
    holdings.add(1, [3_000, 12_000], 0, 1)
    holdings.add(2, [6_000, 2_000], 0, 1)
    expect([holdings.shareOf(1), holdings.shareOf(2)]).toEqual([12 / 18, 6 / 9])
  })

  it("leave names out of which the cluster has nothing, and those that are excluded", () => {
    const holdings = holdingsOf()
    holdings.exclude(1)
    expect([holdings.setTotal(0, 10), holdings.setTotal(1, 10), holdings.setTotal(2, 0)]).toEqual([
      true,
      false,
      false,
    ])
    holdings.add(1, [1, 9, 9], 0, 1)
    expect(holdings.shareOf(1)).toBe(0.1)
  })

  it("say whether a total is news, since all shares change with it", () => {
    const holdings = holdingsOf()
    expect([holdings.setTotal(0, 10), holdings.setTotal(0, 10), holdings.setTotal(0, 11)]).toEqual([
      true,
      false,
      true,
    ])
  })

  it("keep their rows when more names come along than fit", () => {
    const names = new ResourceNames()
    const holdings = holdingsOf(names)
    holdings.setTotal(2, 100)
    for (const node of [0, 1, 2]) holdings.add(node, [node, 10 * node, 20 * node], 0, 1)
    const gpus = names.numberOf("gpus")
    const fifth = names.numberOf("fpgas")
    for (let more = 0; more < 20; more++) names.numberOf(`more${more}`)
    holdings.addOne(2, fifth, 7)
    holdings.setTotal(fifth, 10)
    for (const node of [0, 1, 2]) {
      expect([0, 1, 2, gpus].map((column) => holdings.at(node, column))).toEqual([
        node,
        10 * node,
        20 * node,
        0,
      ])
    }
    expect([holdings.shareOf(1), holdings.shareOf(2)]).toEqual([0.2, 0.7])
    expect([holdings.isNothing(0), holdings.isNothing(1), holdings.at(2, fifth)]).toEqual([true, false, 7])
  })

  it("begin with nothing when a number is given to another node", () => {
    const holdings = holdingsOf()
    holdings.add(1, [1, 2, 3], 0, 1)
    holdings.add(2, [4], 0, 1)
    holdings.init(1)
    expect([holdings.isNothing(1), holdings.at(2, 0)]).toEqual([true, 4])
    holdings.init(100)
    expect([holdings.isNothing(100), holdings.at(2, 0)]).toEqual([true, 4])
  })

  it("add and take away a row of a table, from where it begins to its end", () => {
    const holdings = holdingsOf()
    const table = Float64Array.of(9, 1, 2, 3, 5_000, 9)
    holdings.addRow(1, table, 1, 1)
    expect([0, 1, 2].map((column) => holdings.at(1, column))).toEqual([1, 2, 3])
    holdings.copy(1, 2)
    holdings.add(1, [1, 2, 3], 5_000, -1)
    expect([holdings.isNothing(0), holdings.isNothing(1), holdings.at(2, 1)]).toEqual([true, true, 2])
    holdings.addRow(2, table, 1, -1)
    expect(holdings.isNothing(2)).toBe(true)
  })

  it("count what is no scalar, so that who holds only that holds something", () => {
    const names = new ResourceNames()
    const holdings = holdingsOf(names)
    holdings.add(1, [], 2_000, 1)
    holdings.addRow(2, Float64Array.of(0, 0, 0, 5_000), 0, 1)
    for (let more = 0; more < 20; more++) names.numberOf(`more${more}`)
    expect([holdings.isNothing(0), holdings.isNothing(1), holdings.isNothing(2)]).toEqual([
      true,
      false,
      false,
    ])
    holdings.add(1, [], 2_000, -1)
    holdings.add(2, [], 5_000, -1)
    expect([holdings.isNothing(1), holdings.isNothing(2), holdings.shareOf(2)]).toEqual([true, true, 0])
  })
})
