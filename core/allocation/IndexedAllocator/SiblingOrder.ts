import { assert } from "../../Assert.ts"
import { grownInt32 } from "./Growable.ts"
import type { NodeKeys } from "./NodeKeys.ts"
import { sortNodes } from "./SortNodes.ts"

/**
 * The active children of a node in fair order. One that got something moves back by a binary search and one move of memory, over the
 * shorter side: room is left at the end, so that the first can go behind the others without all of them moving. An array instead
 * of a heap, because a cycle walks along the order when the first ones are filtered.
 */
export class SiblingOrder {
  /** The nodes are `count` numbers from `start` on. */
  nodes: Int32Array = new Int32Array(8)
  start = 0
  count = 0
  private readonly keys: NodeKeys

  constructor(keys: NodeKeys) {
    this.keys = keys
  }

  /** Takes in a node whose key is set. */
  enter(node: number): void {
    this.makeRoomAtEnd()
    const end = this.start + this.count
    const place = this.placeFor(node, this.start, end)
    this.nodes.copyWithin(place + 1, place, end)
    this.nodes[place] = node
    this.count++
  }

  clear(): void {
    this.start = 0
    this.count = 0
  }

  /** Takes in a node that comes after all others. */
  append(node: number): void {
    this.makeRoomAtEnd()
    this.nodes[this.start + this.count] = node
    this.count++
  }

  leave(node: number): void {
    const place = this.placeOf(node)
    this.nodes.copyWithin(place, place + 1, this.start + this.count)
    this.count--
  }

  /** Gives a node its new key and its new place. */
  move(node: number, share: number, grants: number): void {
    const { nodes, start, keys } = this
    const end = start + this.count
    const old = nodes[start] === node ? start : this.placeOf(node)
    keys.set(node, share, grants)
    if (old + 1 < end && keys.isBefore(nodes[old + 1]!, node)) this.moveBack(node, old)
    else if (old > start && keys.isBefore(node, nodes[old - 1]!)) {
      const place = this.placeFor(node, start, old)
      shiftRight(nodes, place, old)
      nodes[place] = node
    }
  }

  /** Sorts anew, after many keys were set. */
  resort(): void {
    const { start, count } = this
    sortNodes(this.nodes.subarray(start, start + count), count, this.keys)
  }

  private moveBack(node: number, old: number): void {
    const { start, count } = this
    const end = start + count
    const isLast = this.keys.isBefore(this.nodes[end - 1]!, node)
    const place = isLast ? end : this.placeFor(node, old + 1, end)
    if (old > start || place - old < end - place) {
      shiftLeft(this.nodes, old + 1, place)
      this.nodes[place - 1] = node
      return
    }
    // The others stay and those behind make room; once the room at the end is used up, all move to the front.
    this.start++
    this.count--
    const moved = this.makeRoomAtEnd()
    shiftRight(this.nodes, place - moved, end - moved)
    this.nodes[place - moved] = node
    this.count++
  }

  /** Makes sure that there is a place behind the last; by how many places all of them moved for it. */
  private makeRoomAtEnd(): number {
    const { nodes, start, count } = this
    if (start + count < nodes.length) return 0
    if (2 * count > nodes.length) this.nodes = grownInt32(nodes, 4 * count)
    this.nodes.copyWithin(0, start, start + count)
    this.start = 0
    return start
  }

  /** Where a node stands, found by the key with which it was put there. */
  private placeOf(node: number): number {
    const place = this.placeFor(node, this.start, this.start + this.count)
    assert(this.nodes[place] === node, () => `node ${node} of the fair tree is not in its place`)
    return place
  }

  /** The first place in `[from, to)` that is not before the node; `to` if all are. */
  private placeFor(node: number, from: number, to: number): number {
    const { nodes, keys } = this
    let low = from
    let high = to
    while (low < high) {
      const middle = (low + high) >> 1
      if (keys.isBefore(nodes[middle]!, node)) low = middle + 1
      else high = middle
    }
    return low
  }
}

// Short moves by hand: the call costs more than they do.
const byHandMax = 64

/** Moves `array[from..to)` one to the left. */
const shiftLeft = (array: Int32Array, from: number, to: number): void => {
  if (to - from > byHandMax) array.copyWithin(from - 1, from, to)
  else for (let index = from; index < to; index++) array[index - 1] = array[index]!
}

/** Moves `array[from..to)` one to the right. */
const shiftRight = (array: Int32Array, from: number, to: number): void => {
  if (to - from > byHandMax) array.copyWithin(from + 1, from, to)
  else for (let index = to; index > from; index--) array[index] = array[index - 1]!
}
