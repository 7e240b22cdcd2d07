import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { NodeKeys } from "../../../../core/allocation/IndexedAllocator/NodeKeys.ts"
import { SiblingOrder } from "../../../../core/allocation/IndexedAllocator/SiblingOrder.ts"

/** An order beside a list of (node, share, grants) that is sorted whenever somebody asks. */
class TwoOrders {
  private readonly keys = new NodeKeys()
  readonly order = new SiblingOrder(this.keys)
  readonly listed = new Map<number, readonly [share: number, grants: number]>()

  enter(node: number, share: number, grants: number): void {
    if (this.listed.has(node)) return
    this.keys.init(node, 0)
    this.keys.ranks[node] = node
    this.keys.set(node, share, grants)
    this.order.enter(node)
    this.listed.set(node, [share, grants])
  }

  append(node: number): void {
    this.keys.init(node, 0)
    this.keys.ranks[node] = node
    this.order.append(node)
    this.listed.set(node, [0, 0])
  }

  clear(): void {
    this.order.clear()
    this.listed.clear()
  }

  leave(node: number): void {
    if (this.listed.delete(node)) this.order.leave(node)
  }

  move(node: number, share: number, grants: number): void {
    if (!this.listed.has(node)) return
    this.order.move(node, share, grants)
    this.listed.set(node, [share, grants])
  }

  resort(changed: ReadonlyArray<readonly [node: number, share: number, grants: number]>): void {
    for (const [node, share, grants] of changed) {
      if (!this.listed.has(node)) continue
      this.keys.set(node, share, grants)
      this.listed.set(node, [share, grants])
    }
    this.order.resort()
  }

  first(): number {
    return this.order.nodes[this.order.start]!
  }

  check(): void {
    const sorted = Array.from(this.listed)
      .sort(([left, mine], [right, other]) => mine[0] - other[0] || mine[1] - other[1] || left - right)
      .map(([node]) => node)
    const { nodes, start, count } = this.order
    expect(nodes.subarray(start, start + count).join()).toBe(sorted.join())
  }
}

describe("SiblingOrder", () => {
  it("is what a sort would make of it, whoever enters, leaves and moves", () => {
    const node = fc.nat(24)
    const share = fc.nat(5)
    const grants = fc.nat(2)
    const operation = fc.oneof(
      { weight: 3, arbitrary: fc.tuple(fc.constant("enter" as const), node, share, grants) },
      { weight: 2, arbitrary: fc.tuple(fc.constant("leave" as const), node) },
      { weight: 6, arbitrary: fc.tuple(fc.constant("move" as const), node, share, grants) },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.constant("resort" as const), fc.array(fc.tuple(node, share, grants))),
      },
    )
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 150, size: "max" }), (operations) => {
        const two = new TwoOrders()
        for (const operation of operations) {
          if (operation[0] === "enter") two.enter(operation[1], operation[2], operation[3])
          else if (operation[0] === "leave") two.leave(operation[1])
          else if (operation[0] === "move") two.move(operation[1], operation[2], operation[3])
          else two.resort(operation[1])
          two.check()
        }
      }),
      { numRuns: 60 },
    )
  })

  // Long orders: shifts by hand and by copying, over the shorter side, and the room at the end that is used up.
  it("stays right when the first of many goes back a little, halfway or behind all, again and again", () => {
    const hop = fc.record({ from: fc.nat(2), by: fc.constantFrom(1, 5, 70, 150, 10_000) })
    const hops = fc.array(hop, { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 7, 66, 140, 300), hops, fc.nat(40), (count, pattern, churn) => {
        const two = new TwoOrders()
        for (let node = 0; node < count; node++) two.enter(node, node, 0)
        for (let turn = 0; turn < 2 * count + 20; turn++) {
          const { from, by } = pattern[turn % pattern.length]!
          const { nodes, start } = two.order
          const node = nodes[start + Math.min(from, two.order.count - 1)]!
          two.move(node, two.listed.get(node)![0] + by, 0)
          if (turn % 50 === churn) {
            two.leave(two.first())
            two.enter(count + turn, turn, 1)
          }
          if (turn % 16 === 0) two.check()
        }
        two.check()
      }),
      { numRuns: 30 },
    )
  })

  it("moves forward who lost something", () => {
    const two = new TwoOrders()
    for (let node = 0; node < 100; node++) two.enter(node, node, 0)
    two.move(99, 0, 0)
    expect(two.order.nodes[two.order.start + 1]).toBe(99)
    two.move(50, -1, 0)
    expect(two.first()).toBe(50)
    two.check()
  })

  it("takes in many that are in order already, and begins anew", () => {
    const two = new TwoOrders()
    for (const count of [3, 8, 100, 0, 30]) {
      two.clear()
      for (let node = 0; node < count; node++) two.append(node)
      two.check()
      two.move(0, 1_000, 0)
      two.check()
    }
  })

  it("asserts that who leaves or moves stands there", () => {
    const two = new TwoOrders()
    two.enter(1, 1, 0)
    two.enter(2, 2, 0)
    two.order.leave(1)
    expect(() => two.order.leave(1)).toThrow("node 1 of the fair tree is not in its place")
    expect(() => two.order.move(1, 5, 0)).toThrow("not in its place")
  })
})
