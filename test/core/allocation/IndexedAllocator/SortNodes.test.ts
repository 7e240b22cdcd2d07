import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { NodeKeys } from "../../../../core/allocation/IndexedAllocator/NodeKeys.ts"
import { sortNodes } from "../../../../core/allocation/IndexedAllocator/SortNodes.ts"

const keysOf = (shares: ReadonlyArray<number>): NodeKeys => {
  const keys = new NodeKeys()
  for (const [node, share] of shares.entries()) {
    keys.init(node, 0)
    keys.ranks[node] = node
    keys.set(node, share, 0)
  }
  return keys
}

describe("sortNodes", () => {
  it("sorts as an array's own sort would, at every length", () => {
    const anyShares = fc.array(fc.nat(20), { maxLength: 200, size: "max" })
    fc.assert(
      fc.property(anyShares, (shares) => {
        const nodes = shares.map((_, node) => (node * 7) % shares.length)
        const distinct = Array.from(new Set(nodes))
        const sorted = Int32Array.from(distinct)
        sortNodes(sorted, distinct.length, keysOf(shares))
        distinct.sort((left, right) => shares[left]! - shares[right]! || left - right)
        expect(Array.from(sorted)).toEqual(distinct)
      }),
    )
  })

  it("leaves what is behind the first ones alone", () => {
    for (const count of [0, 1, 8, 9, 17, 33]) {
      const nodes = Int32Array.from({ length: 40 }, (_, index) => 39 - index)
      sortNodes(nodes, count, keysOf(Array.from({ length: 40 }, (_, node) => node)))
      const first = Array.from({ length: count }, (_, index) => 40 - count + index)
      const others = Array.from({ length: 40 - count }, (_, index) => 39 - count - index)
      expect(Array.from(nodes)).toEqual([...first, ...others])
    }
  })
})
