import { describe, expect, it, vi } from "vitest"
import {
  answerInverseOffers,
  discardInverseOffersOf,
  dropInverseFilters,
  forgetInverseOffersOf,
  inverseAnswersOn,
  newInverseOfferState,
  pairsPerHostMax,
  setUnavailability,
  snapshotInverseOffers,
  updateInverseOffers,
} from "../../../core/allocation/InverseOffers.ts"
import { defaultAllocatorSettings } from "../../../core/allocation/Settings.ts"

const window1 = { startNanos: 1_000, durationNanos: 500 }

describe("what inverse offers cost", () => {
  const holders = (count: number, from = 0) =>
    Array.from({ length: count }, (_, index) => `f${String(from + index).padStart(5, "0")}`)

  it("is for a framework's calls what is its own, however many hosts others are asked to leave", () => {
    const state = newInverseOfferState()
    const hosts = Array.from({ length: 500 }, (_, index) => `h${String(index).padStart(3, "0")}`)
    for (const host of hosts) setUnavailability(state, host, window1, () => {})
    const holdersOf = (host: string) => (host === "h007" ? ["many", "one"] : ["many"])
    let number = 0
    updateInverseOffers(
      state,
      hosts,
      holdersOf,
      () => `i${number++}`,
      0,
      () => {},
    )
    const looks = vi.spyOn(state.pairs, "get")
    dropInverseFilters(state, "one", () => {})
    expect(discardInverseOffersOf(state, "one", () => {})).toHaveLength(1)
    forgetInverseOffersOf(state, "one", () => {})
    dropInverseFilters(state, "nobody", () => {})
    expect(looks.mock.calls.length).toBeLessThan(10)
  })

  it("is bounded on each host: the oldest answers of those who have left make room, and nobody's who has not", () => {
    const state = newInverseOfferState()
    const noTouch = () => {}
    let number = 0
    const ask = (who: ReadonlyArray<string>) =>
      updateInverseOffers(
        state,
        ["h"],
        () => who,
        () => `i${number++}`,
        number,
        noTouch,
      ).made
    setUnavailability(state, "h", window1, noTouch)
    const first = holders(pairsPerHostMax)
    for (const { id, frameworkId } of ask(first)) {
      const answer = { frameworkId, offerIds: [id], type: "accept" as const, refuseMs: 1e9, nowMs: number }
      // The later in the list, the older.
      const wallMs = 1e6 - first.indexOf(frameworkId)
      answerInverseOffers(state, { ...answer, wallMs }, defaultAllocatorSettings, noTouch)
    }
    const late = holders(2, pairsPerHostMax)
    expect(ask(first.concat(late))).toEqual([])
    expect(ask(late.concat(first.slice(0, -1))).map(({ frameworkId }) => frameworkId)).toEqual([late[0]])
    expect(ask(late).map(({ frameworkId }) => frameworkId)).toEqual([late[1]])
    const answered = inverseAnswersOn(state, "h").map(({ frameworkId }) => frameworkId)
    expect(answered).toEqual(first.slice(0, -2))
    expect(snapshotInverseOffers(state)).toHaveLength(1 + pairsPerHostMax)
  })
})
