import { describe, expect, it } from "vitest"
import {
  grownFloat64,
  grownInt32,
  grownUint8,
  grownUint32,
  widenedRows,
} from "../../../../core/allocation/IndexedAllocator/Growable.ts"

describe("growing", () => {
  it("keeps what is there and the very array while it is long enough", () => {
    const filled = (length: number) => Array.from({ length }, (_, index) => index + 1)
    const grow = [
      (length: number, to: number) => grownInt32(Int32Array.from(filled(length)), to),
      (length: number, to: number) => grownUint32(Uint32Array.from(filled(length)), to),
      (length: number, to: number) => grownUint8(Uint8Array.from(filled(length)), to),
      (length: number, to: number) => grownFloat64(Float64Array.from(filled(length)), to),
    ]
    for (const grown of grow) {
      for (const [length, to] of [
        [0, 1],
        [5, 6],
        [16, 17],
        [20, 200],
      ] as const) {
        const array = Array.from(grown(length, to))
        expect(array.length).toBeGreaterThanOrEqual(to)
        expect(array.slice(0, length)).toEqual(filled(length))
        expect(array.slice(length).every((element) => element === 0)).toBe(true)
      }
    }
    const same = new Int32Array(8)
    expect([grownInt32(same, 8), grownInt32(same, 0)].every((array) => array === same)).toBe(true)
  })

  it("leaves little room beside what is used once there is much", () => {
    expect(grownFloat64(new Float64Array(0), 1_000_000).length).toBeLessThanOrEqual(1_250_000)
  })

  it("widens rows: each keeps its columns and its last one, and leaves out a row that is not whole", () => {
    expect(Array.from(widenedRows(Float64Array.of(1, 2, 3, 4, 5, 6, 7), 3, 5))).toEqual([
      1, 2, 0, 0, 3, 4, 5, 0, 0, 6,
    ])
  })
})
