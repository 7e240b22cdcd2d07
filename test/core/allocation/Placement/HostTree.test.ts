import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { CLOSED, HostTree } from "../../../../core/allocation/Placement/HostTree.ts"

interface Leaf {
  readonly key: number
  readonly amounts: ReadonlyArray<number>
}

const width = 2
const closed: Leaf = { key: CLOSED, amounts: [0, 0] }

/** The obvious search: the lowest open key no higher than the limit, the leftmost of equals. */
const plainFind = (leaves: ReadonlyArray<Leaf>, wanted: ReadonlyArray<number>, limit: number): number => {
  let found = -1
  leaves.forEach(({ key, amounts }, leaf) => {
    if (key === CLOSED || key > limit || amounts.some((amount, column) => amount < wanted[column]!)) return
    if (found < 0 || key < leaves[found]!.key) found = leaf
  })
  return found
}

const anyLeaf = fc.oneof(
  { weight: 1, arbitrary: fc.constant(closed) },
  // Few keys and amounts, so that many are equal.
  {
    weight: 6,
    arbitrary: fc.record({ key: fc.integer({ min: -3, max: 3 }), amounts: fc.tuple(fc.nat(4), fc.nat(4)) }),
  },
)

const put = (tree: HostTree, leaf: number, { key, amounts }: Leaf): void => {
  if (key === CLOSED) tree.putEmpty(leaf, CLOSED)
  else tree.put(leaf, key, Float64Array.from([99, ...amounts]), 1)
}

describe("HostTree", () => {
  it("finds what a search through all leaves finds, after any changes", () => {
    const anyChange = fc.record({ leaf: fc.nat(40), to: anyLeaf })
    const anyQuestion = fc.record({
      wanted: fc.tuple(fc.nat(5), fc.nat(5)),
      limit: fc.oneof(fc.integer({ min: -4, max: 4 }), fc.constant(CLOSED)),
    })
    fc.assert(
      fc.property(
        fc.array(anyLeaf, { minLength: 1, maxLength: 41 }),
        fc.array(fc.tuple(anyChange, anyQuestion), { maxLength: 30 }),
        (start, steps) => {
          const leaves = start.slice()
          const tree = new HostTree(leaves.length, width)
          leaves.forEach((leaf, place) => {
            put(tree, place, leaf)
          })
          tree.climbAll()
          for (const [{ leaf, to }, { wanted, limit }] of steps) {
            const place = leaf % leaves.length
            leaves[place] = to
            put(tree, place, to)
            tree.climb(place)
            const found = tree.find({ columns: [0, 1], amounts: wanted }, limit)
            expect(found, `of ${JSON.stringify(leaves)}`).toBe(plainFind(leaves, wanted, limit))
            expect(tree.bestKey()).toBe(Math.min(...leaves.map(({ key }) => key)))
          }
        },
      ),
    )
  })

  it("leaves out what nobody asked for", () => {
    const tree = new HostTree(2, width)
    tree.put(0, 1, Float64Array.from([0, 5]), 0)
    tree.put(1, 2, Float64Array.from([5, 0]), 0)
    tree.climbAll()
    expect(tree.find({ columns: [1], amounts: [5] }, CLOSED)).toBe(0)
    expect(tree.find({ columns: [0], amounts: [5] }, CLOSED)).toBe(1)
    expect(tree.find({ columns: [], amounts: [] }, CLOSED)).toBe(0)
  })

  it("has room for no host at all", () => {
    const tree = new HostTree(0, width)
    expect(tree.bestKey()).toBe(CLOSED)
    expect(tree.find({ columns: [], amounts: [] }, CLOSED)).toBe(-1)
  })
})
