import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Refusal } from "../../../../core/allocation/Allocator.ts"
import { backoffMsLimit } from "../../../../core/allocation/IndexedAllocator/FilterExpiries.ts"
import { backedOffMs, requestedMs } from "../../../../core/allocation/IndexedAllocator/Refusals.ts"
import {
  type AllocatorSettings,
  defaultAllocatorSettings,
  mesosAllocatorSettings,
} from "../../../../core/allocation/Settings.ts"
import { AllocatorBooks } from "../../../support/AllocatorBooks.ts"

const days365 = 365 * 24 * 3_600_000

describe("requestedMs", () => {
  const mesos = (refuseMs: number | null) => requestedMs(refuseMs, mesosAllocatorSettings)

  it("is what Mesos makes of refuse_seconds (spec §1.5)", () => {
    expect([null, -1, Number.NaN, Number.NEGATIVE_INFINITY].map(mesos)).toEqual([5_000, 5_000, 5_000, 5_000])
    expect([0, 1, 999, 1_000, 1_001].map(mesos)).toEqual([0, 1_000, 1_000, 1_000, 1_001])
    expect([days365, days365 + 1, Number.POSITIVE_INFINITY].map(mesos)).toEqual([days365, days365, days365])
  })

  it("is never nothing where nobody may refuse for zero", () => {
    const own = (refuseMs: number | null) => requestedMs(refuseMs, defaultAllocatorSettings)
    expect([0, null, 2_000].map(own)).toEqual([1_000, 5_000, 2_000])
  })
})

describe("backedOffMs", () => {
  const settings: AllocatorSettings = { ...mesosAllocatorSettings, backoffMsMax: 30_000 }

  /** A client that declines; what it asks for is 5 s. */
  const decliner = (own: AllocatorSettings = settings) => {
    const books = new AllocatorBooks(own)
    const client = books.ensure("f", "r")
    const refuse = (refusal: Partial<Refusal> & Pick<Refusal, "offeredAtMs" | "nowMs">, requested = 5_000) =>
      backedOffMs(client, requested, { refuseMs: null, isDecline: true, ...refusal }, books.clients, own)
    return { refuse, clients: books.clients, client }
  }

  it("doubles with each round, up to the maximum", () => {
    const { refuse } = decliner()
    const rounds = [0, 1, 2, 3, 4, 5].map((round) =>
      refuse({ offeredAtMs: round * 100, nowMs: round * 100 + 50 }),
    )
    expect(rounds).toEqual([5_000, 10_000, 20_000, 30_000, 30_000, 30_000])
  })

  it("counts all declines of the offers made before the round began once", () => {
    const { refuse } = decliner()
    const round = [0, 10, 50].map((offeredAtMs) => refuse({ offeredAtMs, nowMs: 50 + offeredAtMs }))
    expect(round).toEqual([5_000, 5_000, 5_000])
    expect(refuse({ offeredAtMs: 51, nowMs: 60 })).toBe(10_000)
    expect(refuse({ offeredAtMs: 50, nowMs: 200 })).toBe(10_000)
    expect(refuse({ offeredAtMs: 61, nowMs: 200 })).toBe(20_000)
  })

  it("leaves the unused rest of an accepted offer alone, and everybody where there is no back-off", () => {
    const { refuse, clients, client } = decliner()
    for (const atMs of [1, 2, 3])
      expect(refuse({ offeredAtMs: atMs, nowMs: atMs, isDecline: false })).toBe(5_000)
    expect(clients.declinedRounds[client]).toBe(0)
    const without = decliner(mesosAllocatorSettings)
    for (const atMs of [1, 2, 3]) expect(without.refuse({ offeredAtMs: atMs, nowMs: atMs })).toBe(5_000)
    expect(without.clients.declinedRounds[without.client]).toBe(0)
  })

  it("begins anew once the rounds were forgotten, also with a late decline of an old offer", () => {
    const { refuse, clients, client } = decliner()
    for (const atMs of [1, 2, 3]) refuse({ offeredAtMs: atMs, nowMs: atMs })
    clients.declinedRounds[client] = 0
    expect(refuse({ offeredAtMs: 2, nowMs: 10 })).toBe(5_000)
    expect([20, 30].map((atMs) => refuse({ offeredAtMs: atMs, nowMs: atMs }))).toEqual([5_000, 10_000])
  })

  it("never cuts what is asked for, never goes beyond the maximum, and stays exact after any number of rounds", () => {
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.integer({ min: 1, max: 80 }),
        fc.maxSafeNat(),
        (requested, rounds, max) => {
          const { refuse } = decliner({ ...settings, backoffMsMax: max })
          let last = 0
          for (let round = 1; round <= rounds; round++)
            last = refuse({ offeredAtMs: round, nowMs: round }, requested)
          const doubled = requested * 2 ** Math.min(20, rounds - 1)
          expect(last).toBe(Math.max(requested, Math.min(max, doubled, backoffMsLimit)))
        },
      ),
    )
  })
})
