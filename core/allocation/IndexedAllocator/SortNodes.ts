import type { NodeKeys } from "./NodeKeys.ts"

/**
 * Sorts the first `count` nodes of an array: insertion sort in short runs, then merging. Typed arrays'
 * own sort takes several times as long with a comparator (1,000 nodes: see `npm run bench -- allocation`).
 */
export const sortNodes = (nodes: Int32Array, count: number, keys: NodeKeys): void => {
  const run = 8
  for (let start = 0; start < count; start += run) {
    insertionSort(nodes, start, Math.min(start + run, count), keys)
  }
  if (count <= run) return
  let from: Int32Array = nodes
  let to: Int32Array = new Int32Array(count)
  for (let width = run; width < count; width *= 2) {
    for (let start = 0; start < count; start += 2 * width) {
      merge(from, to, start, Math.min(start + width, count), Math.min(start + 2 * width, count), keys)
    }
    const swap = from
    from = to
    to = swap
  }
  if (from !== nodes) nodes.set(from.subarray(0, count))
}

const insertionSort = (nodes: Int32Array, start: number, end: number, keys: NodeKeys): void => {
  for (let index = start + 1; index < end; index++) {
    const node = nodes[index]!
    let place = index
    while (place > start && keys.isBefore(node, nodes[place - 1]!)) {
      nodes[place] = nodes[place - 1]!
      place--
    }
    nodes[place] = node
  }
}

const merge = (
  from: Int32Array,
  to: Int32Array,
  start: number,
  middle: number,
  end: number,
  keys: NodeKeys,
): void => {
  let left = start
  let right = middle
  for (let place = start; place < end; place++) {
    const takesLeft = right >= end || (left < middle && !keys.isBefore(from[right]!, from[left]!))
    to[place] = takesLeft ? from[left++]! : from[right++]!
  }
}
