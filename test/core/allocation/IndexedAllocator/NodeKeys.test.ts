import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { NodeKeys } from "../../../../core/allocation/IndexedAllocator/NodeKeys.ts"

const small = fc.tuple(fc.integer({ min: -1, max: 1 }), fc.nat(2), fc.nat(2))

describe("NodeKeys", () => {
  it("order by higher priority, lower share, fewer grants, then the name: totally", () => {
    fc.assert(
      fc.property(fc.array(small, { minLength: 2, maxLength: 20 }), (fields) => {
        const keys = new NodeKeys()
        for (const [node, [priority, share, grants]] of fields.entries()) {
          keys.init(node, priority)
          keys.ranks[node] = fields.length - node
          keys.set(node, share / 3, grants)
        }
        const sortable = fields.map(([priority, share, grants], node) => [
          -priority,
          share,
          grants,
          fields.length - node,
        ])
        const pairs = [...fields.keys()].flatMap((left) => [...fields.keys()].map((right) => [left, right]))
        const isFirst = ([left, right]: ReadonlyArray<number>) => {
          const [mine, other] = [sortable[left!]!, sortable[right!]!]
          const place = mine.findIndex((number, index) => number !== other[index])
          return place >= 0 && mine[place]! < other[place]!
        }
        expect(pairs.filter(([left, right]) => keys.isBefore(left!, right!))).toEqual(pairs.filter(isFirst))
      }),
    )
  })

  it("forget what a number was when it is given to another node", () => {
    const keys = new NodeKeys()
    keys.init(1, 0)
    keys.init(40, 5)
    keys.set(40, 1, 1)
    keys.init(40, 0)
    keys.ranks[1] = 1
    expect(keys.isBefore(40, 1)).toBe(true)
    keys.set(1, 0.5, 0)
    expect([keys.isBefore(40, 1), keys.isBefore(1, 40)]).toEqual([true, false])
  })
})
