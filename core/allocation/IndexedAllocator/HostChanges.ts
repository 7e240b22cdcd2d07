/** A power of two. */
const capacity = 4096

/**
 * The hosts on which something changed of late, for those who keep orders of hosts: each remembers how far it has read. Who is more
 * than 4,096 changes behind starts anew.
 */
export class HostChanges {
  private readonly slots: Int32Array = new Int32Array(capacity)
  /** Changes so far. */
  private written = 0

  get count(): number {
    return this.written
  }

  note(slot: number): void {
    this.slots[this.written & (capacity - 1)] = slot
    this.written++
  }

  /** Whether all changes since `read` are still there. */
  reachesBackTo(read: number): boolean {
    return this.written - read <= capacity
  }

  at(change: number): number {
    return this.slots[change & (capacity - 1)]!
  }
}
