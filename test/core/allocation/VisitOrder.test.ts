import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { hostHash, hostRank } from "../../../core/allocation/VisitOrder.ts"
import { nextUint32, seedPrng } from "../../../core/Prng.ts"

const anyUint32 = fc.integer({ min: 0, max: 0xffffffff })
const isUint32 = (number: number) => Number.isInteger(number) && number >= 0 && number <= 0xffffffff

describe("hostHash", () => {
  // Test vectors of FNV-1a, 32 bits (draft-eastlake-fnv, appendix C): "", "a", "foobar".
  it("is FNV-1a", () => {
    expect(["", "a", "foobar"].map(hostHash)).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968])
  })

  it("is unsigned", () => {
    fc.assert(fc.property(fc.string(), (id) => isUint32(hostHash(id))))
  })
})

describe("hostRank", () => {
  // The finalizer of MurmurHash3 maps 0 to 0 and 1 to 0x514e28b7 (SMHasher, fmix32).
  it("is MurmurHash3's finalizer of hash and draw", () => {
    expect([hostRank(0, 0), hostRank(1, 0), hostRank(6, 7), hostRank(0xffffffff, 0)]).toEqual([
      0, 0x514e28b7, 0x514e28b7, 0x81f16f39,
    ])
  })

  it("is unsigned, and different for different hosts in every draw", () => {
    fc.assert(
      fc.property(anyUint32, anyUint32, anyUint32, (one, other, draw) => {
        expect(isUint32(hostRank(one, draw))).toBe(true)
        expect(hostRank(one, draw) === hostRank(other, draw)).toBe(one === other)
      }),
    )
  })

  it("lets each host be first about as often as the others", () => {
    const hashes = Array.from({ length: 8 }, (_, index) => hostHash(`agent-${index}`))
    const prng = seedPrng(1)
    const firsts = hashes.map(() => 0)
    for (let cycle = 0; cycle < 8_000; cycle++) {
      const draw = nextUint32(prng)
      const ranks = hashes.map((hash) => hostRank(hash, draw))
      firsts[ranks.indexOf(Math.min(...ranks))]!++
    }
    // 1,000 each, a standard deviation of 30.
    for (const count of firsts) expect(Math.abs(count - 1_000)).toBeLessThan(150)
  })
})
