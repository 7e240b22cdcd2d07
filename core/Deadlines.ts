/**
 * The deadlines of a machine: at most one per key, the earliest found in O(1).
 *
 * It is derived from the state and rebuilt on restore, never stored. Order is total, by (time, key), so that equal
 * times fire in the same order in every run. A binary heap with lazy deletion: replaced and cancelled entries stay in
 * the heap until they surface or outnumber the live ones.
 */
export class Deadlines {
  private readonly atMsByKey = new Map<string, number>()
  private heap: Array<Entry> = []

  get size(): number {
    return this.atMsByKey.size
  }

  /** Sets or moves the deadline of `key`. */
  set(key: string, atMs: number): void {
    if (this.atMsByKey.get(key) === atMs) return
    this.atMsByKey.set(key, atMs)
    if (this.heap.length > 64 && this.heap.length > 2 * this.atMsByKey.size) this.compact()
    else this.push({ key, atMs })
  }

  cancel(key: string): void {
    this.atMsByKey.delete(key)
  }

  /** The earliest deadline, null when there is none. */
  nextAtMs(): number | null {
    const entry = this.peekLive()
    return entry === undefined ? null : entry.atMs
  }

  /** Takes the earliest deadline that is due at `nowMs`; undefined when none is. */
  popDue(nowMs: number): string | undefined {
    const entry = this.peekLive()
    if (entry === undefined || entry.atMs > nowMs) return undefined
    this.pop()
    this.atMsByKey.delete(entry.key)
    return entry.key
  }

  private peekLive(): Entry | undefined {
    for (;;) {
      const top = this.heap[0]
      if (top === undefined || this.atMsByKey.get(top.key) === top.atMs) return top
      this.pop()
    }
  }

  private compact(): void {
    this.heap = []
    this.atMsByKey.forEach((atMs, key) => {
      this.push({ key, atMs })
    })
  }

  private push(entry: Entry): void {
    const heap = this.heap
    let index = heap.push(entry) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(entry, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = entry
  }

  private pop(): void {
    const heap = this.heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
  }
}

interface Entry {
  readonly key: string
  readonly atMs: number
}

const isBefore = (left: Entry, right: Entry): boolean =>
  left.atMs < right.atMs || (left.atMs === right.atMs && left.key < right.key)
