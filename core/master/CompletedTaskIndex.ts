/** Numbers in the order in which they were added; only the first is ever taken away. */
class NumberQueue {
  private readonly numbers: Array<number> = []
  private start = 0

  get length(): number {
    return this.numbers.length - this.start
  }

  first(): number | undefined {
    return this.numbers[this.start]
  }

  last(): number | undefined {
    return this.length === 0 ? undefined : this.numbers[this.numbers.length - 1]
  }

  push(number: number): void {
    this.numbers.push(number)
  }

  shift(): void {
    this.start++
    // Half of it is past: the copy costs no more than what was taken away before.
    if (this.start * 2 < this.numbers.length) return
    this.numbers.splice(0, this.start)
    this.start = 0
  }

  toArray(): ReadonlyArray<number> {
    return this.numbers.slice(this.start)
  }
}

/**
 * Which completed tasks there are, by framework, the oldest first. Numbers are given in the order of the ends, and only a
 * framework's oldest is ever dropped, so nothing is searched for. Derived from the state, never stored.
 */
export class CompletedTaskIndex {
  private readonly queues = new Map<string, NumberQueue>()
  private readonly ownerOf = new Map<number, string>()
  private oldest = 0

  get size(): number {
    return this.ownerOf.size
  }

  /** Numbers must come in ascending order. */
  add(frameworkId: string, number: number): void {
    if (this.ownerOf.size === 0) this.oldest = number
    this.ownerOf.set(number, frameworkId)
    const queue = this.queues.get(frameworkId)
    if (queue === undefined) {
      const first = new NumberQueue()
      first.push(number)
      this.queues.set(frameworkId, first)
    } else queue.push(number)
  }

  countOf(frameworkId: string): number {
    const queue = this.queues.get(frameworkId)
    return queue === undefined ? 0 : queue.length
  }

  newestOf(frameworkId: string): number | undefined {
    const queue = this.queues.get(frameworkId)
    return queue === undefined ? undefined : queue.last()
  }

  /** Oldest first. */
  of(frameworkId: string): ReadonlyArray<number> {
    const queue = this.queues.get(frameworkId)
    return queue === undefined ? [] : queue.toArray()
  }

  /** Whose task is the oldest of all; undefined when there is none. */
  oldestOwner(): string | undefined {
    if (this.ownerOf.size === 0) return undefined
    while (!this.ownerOf.has(this.oldest)) this.oldest++
    return this.ownerOf.get(this.oldest)
  }

  /** Drops a framework's oldest and says which it was. */
  dropOldestOf(frameworkId: string): number | undefined {
    const queue = this.queues.get(frameworkId)
    const number = queue === undefined ? undefined : queue.first()
    if (queue === undefined || number === undefined) return undefined
    queue.shift()
    if (queue.length === 0) this.queues.delete(frameworkId)
    this.ownerOf.delete(number)
    return number
  }
}
