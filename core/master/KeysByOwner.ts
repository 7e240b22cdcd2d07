/**
 * Keys of records by the one they belong to, so that what concerns one framework or one agent is found without a look at all
 * the others. Derived from the state and rebuilt on restore, never stored.
 */
export class KeysByOwner {
  private readonly keysByOwner = new Map<string, Set<string>>()

  add(owner: string, key: string): void {
    const keys = this.keysByOwner.get(owner)
    if (keys === undefined) this.keysByOwner.set(owner, new Set([key]))
    else keys.add(key)
  }

  delete(owner: string, key: string): void {
    const keys = this.keysByOwner.get(owner)
    if (keys === undefined) return
    keys.delete(key)
    if (keys.size === 0) this.keysByOwner.delete(owner)
  }

  /** Of something; sorted. */
  owners(): ReadonlyArray<string> {
    return Array.from(this.keysByOwner.keys()).sort()
  }

  countOf(owner: string): number {
    const keys = this.keysByOwner.get(owner)
    return keys === undefined ? 0 : keys.size
  }

  /** Sorted: a restored state has another order of insertion, and order must not decide anything (law L4). */
  of(owner: string): ReadonlyArray<string> {
    const keys = this.keysByOwner.get(owner)
    return keys === undefined ? [] : Array.from(keys).sort()
  }
}
