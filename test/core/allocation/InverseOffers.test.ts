import * as fc from "fast-check"
import { beforeEach, describe, expect, it } from "vitest"
import {
  answerInverseOffers,
  discardInverseOffersOf,
  dropInverseFilters,
  forgetInverseOffersOf,
  type InverseOffer,
  type InverseOfferState,
  inverseAnswersOn,
  inverseOfferRow,
  newInverseOfferState,
  nextInverseExpiryMs,
  restoreInverseOffers,
  setUnavailability,
  snapshotInverseOffers,
  updateInverseOffers,
  withdrawInverseOffer,
} from "../../../core/allocation/InverseOffers.ts"
import { defaultAllocatorSettings, mesosAllocatorSettings } from "../../../core/allocation/Settings.ts"
import { agents, frameworks, InverseOfferModel } from "../../support/naive/InverseOffers.ts"

const window1 = { startNanos: 1_000, durationNanos: 500 }
const window2 = { startNanos: 9_000, durationNanos: null }

const ids = (offers: ReadonlyArray<InverseOffer>) =>
  offers.map(({ id, frameworkId, agentId }) => `${id} ${frameworkId}@${agentId}`)

/** The state with a record of the rows that were said to have changed, which must be all that did. */
class Subject {
  state: InverseOfferState = newInverseOfferState()
  private nextNumber = 1
  private rows = new Map<string, string>()
  private readonly touched = new Set<string>()

  readonly touch = (kind: string, key: string) => {
    this.touched.add(`${kind} ${key}`)
  }

  update(nowMs: number, holders: { [agentId: string]: ReadonlyArray<string> }) {
    const newId = () => `i${this.nextNumber++}`
    const hosts = [...this.state.windows.keys(), "hostWithoutWindow"].sort()
    return updateInverseOffers(this.state, hosts, (id) => holders[id] || [], newId, nowMs, this.touch)
  }

  answer(
    frameworkId: string,
    offerIds: ReadonlyArray<string>,
    type: "accept" | "decline",
    refuseMs: number | null,
    nowMs: number,
    settings = defaultAllocatorSettings,
  ) {
    const response = { frameworkId, offerIds, type, refuseMs, nowMs, wallMs: nowMs + 1e6 }
    answerInverseOffers(this.state, response, settings, this.touch)
  }

  checkTouched() {
    const now = new Map(
      snapshotInverseOffers(this.state).map(({ kind, key, value }) => [
        `${kind} ${key}`,
        JSON.stringify(value),
      ]),
    )
    const names = Array.from(new Set([...now.keys(), ...this.rows.keys()]))
    const untold = names.filter((name) => now.get(name) !== this.rows.get(name) && !this.touched.has(name))
    expect(untold).toEqual([])
    this.rows = now
    this.touched.clear()
  }
}

let subject: Subject
beforeEach(() => {
  subject = new Subject()
})

describe("inverse offers", () => {
  it("go to each framework that holds something on a host with a window, one at a time", () => {
    setUnavailability(subject.state, "a", window1, subject.touch)
    const first = subject.update(0, { a: ["g", "f"], b: ["f"] })
    expect(first.made).toEqual([
      { id: "i1", frameworkId: "f", agentId: "a", unavailability: window1 },
      { id: "i2", frameworkId: "g", agentId: "a", unavailability: window1 },
    ])
    expect(subject.update(0, { a: ["g", "f"], b: ["f"] })).toEqual({ made: [], rescinded: [] })
    setUnavailability(subject.state, "b", window2, subject.touch)
    expect(ids(subject.update(0, { a: ["f", "g"], b: ["f"] }).made)).toEqual(["i3 f@b"])
  })

  it("come again when the filter of the answer is over", () => {
    setUnavailability(subject.state, "a", window1, subject.touch)
    subject.update(0, { a: ["f", "g"] })
    subject.answer("f", ["i1"], "decline", 3_000, 100)
    subject.answer("g", ["i2"], "accept", null, 100)
    expect(inverseAnswersOn(subject.state, "a")).toEqual([
      { frameworkId: "f", type: "decline", wallMs: 1_000_100 },
      { frameworkId: "g", type: "accept", wallMs: 1_000_100 },
    ])
    expect(nextInverseExpiryMs(subject.state)).toBe(3_100)
    expect(subject.update(3_099, { a: ["f", "g"] }).made).toEqual([])
    expect(ids(subject.update(3_100, { a: ["f", "g"] }).made)).toEqual(["i3 f@a"])
    expect(nextInverseExpiryMs(subject.state)).toBe(5_100)
    // The answer stands until there is another.
    expect(inverseAnswersOn(subject.state, "a")[0]!.type).toBe("decline")
    subject.answer("f", ["i3"], "accept", null, 3_200)
    expect(inverseAnswersOn(subject.state, "a")[0]).toEqual({
      frameworkId: "f",
      type: "accept",
      wallMs: 1_003_200,
    })
  })

  it("are not asked for by a filter of somebody who holds nothing any more", () => {
    setUnavailability(subject.state, "a", window1, subject.touch)
    subject.update(0, { a: ["f"] })
    subject.answer("f", ["i1"], "decline", 1_000, 0)
    expect(subject.update(1_000, {})).toEqual({ made: [], rescinded: [] })
    expect(nextInverseExpiryMs(subject.state)).toBeNull()
  })

  it("take an answer only from whom they were made to, and only once", () => {
    setUnavailability(subject.state, "a", window1, subject.touch)
    subject.update(0, { a: ["f"] })
    subject.answer("g", ["i1", "gone"], "accept", null, 0)
    expect(inverseAnswersOn(subject.state, "a")).toEqual([])
    subject.answer("f", ["i1", "i1"], "decline", null, 0)
    subject.answer("f", ["i1"], "accept", null, 5)
    expect(inverseAnswersOn(subject.state, "a")).toEqual([
      { frameworkId: "f", type: "decline", wallMs: 1_000_000 },
    ])
  })

  it("have no filter for 0 s in Mesos, a short one otherwise", () => {
    for (const settings of [mesosAllocatorSettings, defaultAllocatorSettings]) {
      subject = new Subject()
      setUnavailability(subject.state, "a", window1, subject.touch)
      subject.update(0, { a: ["f"] })
      subject.answer("f", ["i1"], "accept", 0, 0, settings)
      const isMesos = settings === mesosAllocatorSettings
      expect(nextInverseExpiryMs(subject.state)).toBe(isMesos ? null : 1_000)
      expect(subject.update(0, { a: ["f"] }).made).toHaveLength(isMesos ? 1 : 0)
    }
  })

  it("are rescinded when the schedule changes, and begin anew", () => {
    setUnavailability(subject.state, "a", window1, subject.touch)
    subject.update(0, { a: ["f", "g", "h"] })
    subject.answer("f", ["i1"], "accept", 60_000, 0)
    expect(setUnavailability(subject.state, "a", { ...window1 }, subject.touch)).toEqual([])
    const rescinded = setUnavailability(subject.state, "a", window2, subject.touch)
    expect(rescinded).toEqual([
      { id: "i2", frameworkId: "g", agentId: "a", unavailability: window1 },
      { id: "i3", frameworkId: "h", agentId: "a", unavailability: window1 },
    ])
    expect(inverseAnswersOn(subject.state, "a")).toEqual([])
    expect(subject.update(0, { a: ["f"] }).made).toEqual([
      { id: "i4", frameworkId: "f", agentId: "a", unavailability: window2 },
    ])
    expect(ids(setUnavailability(subject.state, "a", null, subject.touch))).toEqual(["i4 f@a"])
    expect(subject.update(0, { a: ["f"] })).toEqual({ made: [], rescinded: [] })
    expect(snapshotInverseOffers(subject.state)).toEqual([])
    subject.answer("f", ["i4"], "accept", null, 0)
    expect(snapshotInverseOffers(subject.state)).toEqual([])
  })

  it("are rescinded when the framework holds nothing there any more; its answer stays", () => {
    setUnavailability(subject.state, "a", window1, subject.touch)
    subject.update(0, { a: ["f", "g"] })
    subject.answer("g", ["i2"], "accept", null, 0)
    expect(ids(subject.update(0, {}).rescinded)).toEqual(["i1 f@a"])
    expect(inverseAnswersOn(subject.state, "a").map(({ frameworkId }) => frameworkId)).toEqual(["g"])
    expect(subject.state.agentOfOffer.size).toBe(0)
  })

  it("can be withdrawn, and are made again", () => {
    setUnavailability(subject.state, "a", window1, subject.touch)
    subject.update(0, { a: ["e", "f"] })
    expect(ids(withdrawInverseOffer(subject.state, "i2", subject.touch))).toEqual(["i2 f@a"])
    expect(withdrawInverseOffer(subject.state, "i2", subject.touch)).toEqual([])
    expect(ids(subject.update(0, { a: ["e", "f"] }).made)).toEqual(["i3 f@a"])
  })

  it("follow what becomes of the framework", () => {
    for (const agentId of ["a", "b", "c"]) setUnavailability(subject.state, agentId, window1, subject.touch)
    const holders = { a: ["f", "g"], b: ["f"], c: ["f"] }
    subject.update(0, holders)
    subject.answer("f", ["i1", "i3"], "accept", 60_000, 0)
    subject.answer("g", ["i2"], "decline", 60_000, 0)
    // REVIVE clears its filters, not those of others.
    dropInverseFilters(subject.state, "f", subject.touch)
    expect(ids(subject.update(0, holders).made)).toEqual(["i5 f@a", "i6 f@b"])
    subject.answer("f", ["i6"], "accept", 60_000, 0)
    // A lost stream takes offers and filters along, not answers.
    expect(ids(discardInverseOffersOf(subject.state, "f", subject.touch))).toEqual(["i5 f@a", "i4 f@c"])
    expect(nextInverseExpiryMs(subject.state)).toBe(60_000)
    expect(inverseAnswersOn(subject.state, "b")).toHaveLength(1)
    expect(ids(subject.update(0, holders).made)).toEqual(["i7 f@a", "i8 f@b", "i9 f@c"])
    expect(ids(forgetInverseOffersOf(subject.state, "f", subject.touch))).toHaveLength(3)
    expect(inverseAnswersOn(subject.state, "b")).toEqual([])
    expect(inverseAnswersOn(subject.state, "a").map(({ frameworkId }) => frameworkId)).toEqual(["g"])
  })

  it("have rows", () => {
    setUnavailability(subject.state, "a", window1, subject.touch)
    subject.update(0, { a: ["f"] })
    expect(snapshotInverseOffers(subject.state)).toEqual([
      { kind: "unavailability", key: "a", value: window1 },
      {
        kind: "inverseOffers",
        key: '["a","f"]',
        value: { offerId: "i1", answer: null, filteredUntilMs: null },
      },
    ])
    expect(inverseOfferRow(subject.state, "unavailability", "b")).toBeUndefined()
    expect(inverseOfferRow(subject.state, "inverseOffers", '["a","g"]')).toBeUndefined()
    expect(restoreInverseOffers([{ kind: "agent", key: "a", value: {} }])).toEqual(newInverseOfferState())
  })
})

// --- against a naive model ---

const anyAgent = fc.constantFrom(...agents)
const anyFramework = fc.constantFrom(...frameworks)

type Move =
  | { type: "window"; agentId: string; at: number | null }
  | { type: "holds"; agentId: string; frameworkId: string; is: boolean }
  | { type: "cycle"; laterMs: number }
  | {
      type: "answer"
      frameworkId: string
      which: number
      says: "accept" | "decline"
      refuseMs: number | null
    }
  | { type: "revive" | "discard" | "forget"; frameworkId: string }
  | { type: "withdraw"; which: number }
  | { type: "restart" }

const anyMove: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    type: fc.constant("window" as const),
    agentId: anyAgent,
    at: fc.constantFrom(null, 1, 1, 2),
  }),
  fc.record({
    type: fc.constant("holds" as const),
    agentId: anyAgent,
    frameworkId: anyFramework,
    is: fc.boolean(),
  }),
  { weight: 3, arbitrary: fc.record({ type: fc.constant("cycle" as const), laterMs: fc.nat(3_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("answer" as const),
      frameworkId: anyFramework,
      which: fc.nat(12),
      says: fc.constantFrom("accept" as const, "decline" as const),
      refuseMs: fc.constantFrom(null, 0, 1_500, 4_000),
    }),
  },
  fc.record({
    type: fc.constantFrom("revive" as const, "discard" as const, "forget" as const),
    frameworkId: anyFramework,
  }),
  fc.record({ type: fc.constant("withdraw" as const), which: fc.nat(12) }),
  fc.constant<Move>({ type: "restart" }),
)

describe("inverse offers and a naive model", () => {
  it("agree over any course of events, restarts included", () => {
    let answered = 0
    fc.assert(
      fc.property(fc.array(anyMove, { minLength: 10, maxLength: 40, size: "max" }), (moves) => {
        const real = new Subject()
        const model = new InverseOfferModel()
        const holdings = new Set(["af", "ag", "bf", "cg"])
        let nowMs = 0
        /** Of an outstanding one, or of one that is not. */
        const idOf = (which: number) =>
          [...model.open.map(({ id }) => id), "i0"][which % (model.open.length + 1)]!
        const sorted = (offers: ReadonlyArray<InverseOffer>) => offers.map(({ id }) => id).sort()
        const play = (move: Move): void => {
          switch (move.type) {
            case "window": {
              const window = move.at === null ? null : { startNanos: move.at, durationNanos: null }
              const ended = setUnavailability(real.state, move.agentId, window, real.touch)
              expect(sorted(ended)).toEqual(model.set(move.agentId, move.at))
              return
            }
            case "holds": {
              const pair = `${move.agentId}${move.frameworkId}`
              if (move.is) holdings.add(pair)
              else holdings.delete(pair)
              return
            }
            case "cycle": {
              nowMs += move.laterMs
              const isHolder = (agentId: string, frameworkId: string) => holdings.has(agentId + frameworkId)
              const holders: { [agentId: string]: ReadonlyArray<string> } = {}
              for (const agentId of agents)
                holders[agentId] = frameworks.filter((id) => isHolder(agentId, id))
              const { made, rescinded } = real.update(nowMs, holders)
              expect({ made: made.map(({ id }) => id), rescinded: sorted(rescinded) }).toEqual(
                model.update(nowMs, isHolder),
              )
              return
            }
            case "answer": {
              const { frameworkId, says: type, refuseMs } = move
              const id = idOf(move.which)
              real.answer(frameworkId, [id], type, refuseMs, nowMs)
              const open = model.open.find((offer) => offer.id === id && offer.frameworkId === frameworkId)
              if (open === undefined) return
              answered++
              const { agentId } = open
              const isThis = (pair: { frameworkId: string; agentId: string }) =>
                pair.agentId === agentId && pair.frameworkId === frameworkId
              model.take(isThis)
              model.answers = model.answers.filter((answer) => !isThis(answer))
              model.answers.push({ frameworkId, agentId, type, wallMs: nowMs + 1e6 })
              const lastsMs = refuseMs === null ? 5_000 : Math.max(1_000, refuseMs)
              model.filters.push({ frameworkId, agentId, untilMs: nowMs + lastsMs })
              return
            }
            case "withdraw": {
              const id = idOf(move.which)
              const open = model.open.filter((offer) => offer.id === id)
              model.open = model.open.filter((offer) => offer.id !== id)
              expect(ids(withdrawInverseOffer(real.state, id, real.touch))).toHaveLength(open.length)
              return
            }
            case "restart":
              real.state = restoreInverseOffers(JSON.parse(JSON.stringify(snapshotInverseOffers(real.state))))
              return
            default: {
              const isIts = (pair: { frameworkId: string }) => pair.frameworkId === move.frameworkId
              model.filters = model.filters.filter((filter) => !isIts(filter))
              if (move.type === "revive") return dropInverseFilters(real.state, move.frameworkId, real.touch)
              if (move.type === "forget") model.answers = model.answers.filter((answer) => !isIts(answer))
              const end = move.type === "forget" ? forgetInverseOffersOf : discardInverseOffersOf
              expect(sorted(end(real.state, move.frameworkId, real.touch))).toEqual(model.take(isIts))
            }
          }
        }
        for (const move of moves) {
          play(move)
          if (move.type === "restart") continue
          real.checkTouched()
          const untils = model.filters.map(({ untilMs }) => untilMs)
          const answers = agents.flatMap((agentId) =>
            model.answers
              .filter((answer) => answer.agentId === agentId)
              .sort((left, right) => (left.frameworkId < right.frameworkId ? -1 : 1)),
          )
          expect({
            expiryMs: nextInverseExpiryMs(real.state),
            answers: agents.flatMap((agentId) =>
              inverseAnswersOn(real.state, agentId).map((answer) => ({ ...answer, agentId })),
            ),
            open: real.state.agentOfOffer.size,
          }).toEqual({
            expiryMs: untils.length === 0 ? null : Math.min(...untils),
            answers,
            open: model.open.length,
          })
        }
      }),
      { numRuns: 300 },
    )
    expect(answered).toBeGreaterThan(100)
  })
})
