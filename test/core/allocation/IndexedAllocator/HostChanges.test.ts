import { describe, expect, it } from "vitest"
import { HostChanges } from "../../../../core/allocation/IndexedAllocator/HostChanges.ts"

describe("HostChanges", () => {
  it("tells changes in order, each as often as it was noted", () => {
    const changes = new HostChanges()
    for (const slot of [3, 1, 1, 7]) changes.note(slot)
    expect(changes.count).toBe(4)
    expect([0, 1, 2, 3].map((change) => changes.at(change))).toEqual([3, 1, 1, 7])
  })

  it("forgets the oldest, and says so to who has not read them", () => {
    const changes = new HostChanges()
    for (let change = 0; change < 4096; change++) changes.note(change)
    expect(changes.reachesBackTo(0)).toBe(true)
    changes.note(5)
    expect(changes.reachesBackTo(0)).toBe(false)
    expect(changes.reachesBackTo(1)).toBe(true)
    expect(changes.at(1)).toBe(1)
    expect(changes.at(4096)).toBe(5)
  })
})
