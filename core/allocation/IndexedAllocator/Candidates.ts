import { grownInt32 } from "./Growable.ts"
import { ACTIVE, CHANGED, HELD_BACK, type HostTable } from "./HostTable.ts"

/**
 * Which hosts the next cycle looks at: those on which something changed. A change that concerns everybody (a framework that
 * wants more than before, a quota) makes all of them candidates; one that may loosen quotas (something given back, a host more)
 * those on which a quota held somebody back.
 */
export class Candidates {
  /** What {@link take} took. */
  slots: Int32Array = new Int32Array(16)
  private changed: Int32Array = new Int32Array(16)
  private changedCount = 0
  private heldBack: Array<number> = []
  private allChanged = false
  private isLoosened = false
  private readonly hosts: HostTable

  constructor(hosts: HostTable) {
    this.hosts = hosts
  }

  noteChanged(slot: number): void {
    const { flags } = this.hosts
    if ((flags[slot]! & CHANGED) !== 0) return
    flags[slot] = flags[slot]! | CHANGED
    this.changed = grownInt32(this.changed, this.changedCount + 1)
    this.changed[this.changedCount++] = slot
  }

  noteAllChanged(): void {
    this.allChanged = true
  }

  noteLoosened(): void {
    this.isLoosened = true
  }

  noteHeldBack(slot: number): void {
    const { flags } = this.hosts
    if ((flags[slot]! & HELD_BACK) !== 0) return
    flags[slot] = flags[slot]! | HELD_BACK
    this.heldBack.push(slot)
  }

  hasAny(hasQuotas: boolean): boolean {
    if (this.allChanged) return this.hosts.activeCount > 0
    if (hasQuotas && this.isLoosened && this.heldBack.length > 0) return true
    return this.changed
      .subarray(0, this.changedCount)
      .some((slot) => (this.hosts.flags[slot]! & (ACTIVE | CHANGED)) === (ACTIVE | CHANGED))
  }

  /** Takes the candidates into `slots` and begins anew; how many they are. */
  take(scope: "changed" | "all", hasQuotas: boolean): number {
    if (scope === "all" || this.allChanged) return this.takeAll()
    if (hasQuotas && this.isLoosened) {
      for (const slot of this.heldBack) this.noteChanged(slot)
      this.clearHeldBack()
    }
    this.isLoosened = false
    const { flags } = this.hosts
    let count = 0
    this.slots = grownInt32(this.slots, this.changedCount)
    for (let index = 0; index < this.changedCount; index++) {
      const slot = this.changed[index]!
      const flag = flags[slot]!
      flags[slot] = flag & ~CHANGED
      if ((flag & ACTIVE) !== 0 && (flag & CHANGED) !== 0) this.slots[count++] = slot
    }
    this.changedCount = 0
    return count
  }

  private takeAll(): number {
    const { hosts } = this
    this.allChanged = false
    this.isLoosened = false
    this.clearHeldBack()
    this.changedCount = 0
    this.slots = grownInt32(this.slots, hosts.bound)
    let count = 0
    for (let slot = 0; slot < hosts.bound; slot++) {
      const flag = hosts.flags[slot]!
      hosts.flags[slot] = flag & ~CHANGED
      if ((flag & ACTIVE) !== 0) this.slots[count++] = slot
    }
    return count
  }

  private clearHeldBack(): void {
    for (const slot of this.heldBack) {
      this.hosts.flags[slot] = this.hosts.flags[slot]! & ~HELD_BACK
    }
    this.heldBack = []
  }
}
