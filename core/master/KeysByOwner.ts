/**
 * Keys of records by the one they belong to, so that what concerns one framework or one agent is found without a look at all
 * the others. Derived from the state and rebuilt on restore, never stored.
 */
export class KeysByOwner {
  private readonly keysByOwner = new Map<string, { readonly keys: Set<string>; version: number }>()
  private changes = 0

  /** Also when the record of a key that is there already has changed. */
  add(owner: string, key: string): void {
    const entry = this.keysByOwner.get(owner)
    this.changes++
    if (entry === undefined) this.keysByOwner.set(owner, { keys: new Set([key]), version: this.changes })
    else {
      entry.keys.add(key)
      entry.version = this.changes
    }
  }

  delete(owner: string, key: string): void {
    const entry = this.keysByOwner.get(owner)
    if (entry === undefined) return
    entry.keys.delete(key)
    entry.version = ++this.changes
    if (entry.keys.size === 0) this.keysByOwner.delete(owner)
  }

  /** As long as it stays, so do the owner's keys; 0 without any. For those who keep what they made of them; decides nothing. */
  versionOf(owner: string): number {
    const entry = this.keysByOwner.get(owner)
    return entry === undefined ? 0 : entry.version
  }

  /** Of something; sorted. */
  owners(): ReadonlyArray<string> {
    return Array.from(this.keysByOwner.keys()).sort()
  }

  countOf(owner: string): number {
    const entry = this.keysByOwner.get(owner)
    return entry === undefined ? 0 : entry.keys.size
  }

  /** Sorted: a restored state has another order of insertion, and order must not decide anything (law L4). */
  of(owner: string): ReadonlyArray<string> {
    const entry = this.keysByOwner.get(owner)
    return entry === undefined ? [] : Array.from(entry.keys).sort()
  }
}
