import { Context, Deferred, Effect, Fiber, type Layer } from "effect"
import { describe, expect, it } from "vitest"
import type { Batch, Journal, JournalError } from "../../../runtime/journal/Journal.ts"
import * as MemoryJournal from "../../../runtime/journal/MemoryJournal.ts"
import type { UnstampedEvent } from "../../../runtime/master/Mailbox.ts"
import { Master } from "../../../runtime/master/Master.ts"
import { heldJournal } from "../../support/HeldJournal.ts"
import { makeMaster, run } from "../../support/MasterFixture.ts"
import { frameworkInfo, launching, launchOf } from "../../support/MasterHarness.ts"
import { host, small } from "../../support/MasterScenes.ts"

const typesIn = (batches: ReadonlyArray<Batch>) =>
  batches.map(({ events }) => events.map(({ event }) => (event as UnstampedEvent).type))

const subscribed = (streamId: string, frameworkId: string | null = null): UnstampedEvent => ({
  type: "FrameworkSubscribed",
  streamId,
  frameworkId,
  info: frameworkInfo({}),
  suppressedRoles: [],
})
const registered = (streamId: string, agentId: string | null = null, processedId = 0) => ({
  processed: agentId === null ? undefined : { to: agentId, upToId: processedId },
  event: (
    _: unknown,
    outbox: { launching: (id: string, after: number) => ReadonlyArray<string> },
  ): UnstampedEvent => ({
    type: "AgentRegistered",
    streamId,
    agentId,
    address: { hostname: "host", ip: "127.0.0.1", port: 5051 },
    total: host,
    reserve: {},
    attributes: [],
    version: "1",
    tasks: [],
    launching: agentId === null ? [] : outbox.launching(agentId, processedId),
    acknowledging: [],
    checkpointed: {},
    outcomes: [],
    converting: [],
  }),
})
const accepted = (offerId: string, taskId: string): UnstampedEvent => ({
  type: "OffersAccepted",
  frameworkId: "m-0000",
  offerIds: [offerId],
  operations: launching([launchOf(taskId, "m-S0", small)]),
  refuseMs: 0,
})

/** A stream to which the master sends; what it has said, by type. */
const listen = (master: Context.Tag.Service<Master>, streamId: string) => {
  const told: Array<{ readonly type: string; readonly [field: string]: unknown }> = []
  master.streams.open(streamId, {
    send: (json) => told.push(JSON.parse(json) as (typeof told)[number]),
    end: () => told.push({ type: "end" }),
  })
  return { told, types: () => told.map(({ type }) => type) }
}

const openMaster = (journal: Layer.Layer<Journal, JournalError>) =>
  Effect.gen(function* () {
    const master = Context.get(yield* makeMaster({ journal }), Master)
    yield* Effect.addFinalizer(() => Effect.sync(master.streams.endAll))
    return { master, loop: yield* Effect.forkScoped(master.run) }
  })

/** Lets everything happen that does not wait for the test. */
const settled = Effect.sleep(20)

describe("the master's shell", () => {
  it("returns from submit, and lets actions leave, only after the append", () =>
    run(
      Effect.gen(function* () {
        const journal = heldJournal()
        const { master } = yield* openMaster(journal.layer)
        yield* master.submit({})
        journal.hold()
        const stream = listen(master, "f")
        const submitting = yield* Effect.fork(master.submit({ event: () => subscribed("f") }))
        yield* settled
        expect(typesIn(journal.batches).at(-1)).toEqual(["FrameworkSubscribed", "TimePassed"])
        expect(stream.types()).toEqual([])
        expect(submitting.unsafePoll()).toBeNull()
        journal.letGo()
        yield* Fiber.join(submitting)
        expect(stream.types()).toEqual(["SUBSCRIBED", "HEARTBEAT"])
      }),
    ))

  it("takes what comes during an append into one transaction after it", () =>
    run(
      Effect.gen(function* () {
        const journal = heldJournal()
        const { master } = yield* openMaster(journal.layer)
        yield* master.submit({})
        journal.hold()
        const first = yield* Effect.fork(master.submit({ event: () => subscribed("a") }))
        yield* settled
        const others = yield* Effect.fork(
          Effect.all(
            ["b", "c", "d"].map((streamId) => master.submit({ event: () => subscribed(streamId) })),
            { concurrency: "unbounded" },
          ),
        )
        yield* settled
        journal.letGo()
        yield* Fiber.join(first)
        yield* Fiber.join(others)
        expect(typesIn(journal.batches).at(-1)).toEqual([
          "FrameworkSubscribed",
          "FrameworkSubscribed",
          "FrameworkSubscribed",
          "TimePassed",
        ])
      }),
    ))

  it("stops when its journal fails: nothing leaves, and everybody is told that it is not taken in", () =>
    run(
      Effect.gen(function* () {
        const journal = heldJournal()
        const { master, loop } = yield* openMaster(journal.layer)
        yield* master.submit({})
        journal.fail()
        journal.hold()
        const stream = listen(master, "f")
        const submitting = yield* Effect.fork(master.submit({ event: () => subscribed("f") }))
        yield* settled
        const behind = yield* Effect.fork(master.submit({ event: () => subscribed("g") }))
        yield* settled
        journal.letGo()
        const error = yield* Effect.flip(Fiber.join(loop))
        expect(error).toMatchObject({ _tag: "JournalError", reason: "DiskFull" })
        yield* settled
        expect(stream.types()).toEqual([])
        for (const waiting of [Fiber.join(submitting), Fiber.join(behind), master.submit({})]) {
          const refused = yield* Effect.flip(waiting).pipe(Effect.timeout("1 second"))
          expect(refused).toMatchObject({ _tag: "MailboxFull", problem: error.message })
        }
        expect(master.mailboxSize()).toBe(0)
      }),
    ))

  it("answers whose mail throws, and goes on with all others", () =>
    run(
      Effect.gen(function* () {
        const { master } = yield* openMaster(MemoryJournal.layer())
        const defect = new Error("no")
        const broken = master.submit({
          event: () => {
            throw defect
          },
        })
        const [failed] = yield* Effect.all(
          [Effect.flip(broken), master.submit({ event: () => subscribed("f") })],
          { concurrency: "unbounded" },
        )
        expect(failed).toMatchObject({ _tag: "MailFailed", defect })
        expect(master.state.frameworks.size).toBe(1)
        // What must not get lost is not repeated for ever.
        yield* master.tell(() => {
          throw defect
        })
        expect(master.journalProblem()).toBeUndefined()
      }),
    ))

  it("ends when a step throws, but not before what was stepped until then is durable and has left", () =>
    run(
      Effect.gen(function* () {
        const journal = heldJournal()
        const { master, loop } = yield* openMaster(journal.layer)
        yield* master.submit({})
        journal.hold()
        const stream = listen(master, "f")
        const submitting = yield* Effect.fork(master.submit({ event: () => subscribed("f") }))
        yield* settled
        const broken = {
          get type(): "MasterStarted" {
            throw new Error("a law is broken")
          },
        }
        const events = [broken, ...Array(40).fill(undefined)]
        const posts = events.map((event) => Effect.fork(master.submit({ event: () => event })))
        const behind = yield* Effect.all(posts)
        for (const waiting of behind)
          expect(yield* Effect.flip(Fiber.join(waiting))).toMatchObject({ _tag: "MailboxFull" })
        expect(master.journalProblem()).toContain("a law is broken")
        expect([loop.unsafePoll(), stream.types()]).toEqual([null, []])
        journal.letGo()
        yield* Fiber.join(submitting)
        expect(stream.types()).toEqual(["SUBSCRIBED", "HEARTBEAT"])
        expect(yield* Effect.sandbox(Fiber.join(loop)).pipe(Effect.flip)).toMatchObject({ _tag: "Die" })
      }),
    ))

  it("lets no time run out while a full disk makes it turn everybody away", () =>
    run(
      Effect.gen(function* () {
        const journal = heldJournal()
        const { master } = yield* openMaster(journal.layer)
        const info = frameworkInfo({ failoverTimeoutMs: 1_000 })
        yield* master.submit({ event: () => ({ ...subscribed("f"), info }) as UnstampedEvent })
        const gone = { type: "FrameworkDisconnected", frameworkId: "m-0000", streamId: "f" } as const
        yield* master.submit({ event: () => gone })
        journal.hold()
        const held = yield* Effect.fork(master.submit({ event: () => subscribed("g") }))
        yield* settled
        journal.stall()
        const comeBack = master.submit({ event: () => subscribed("f2", "m-0000") })
        expect(yield* Effect.flip(comeBack)).toMatchObject({ _tag: "MailboxFull", problem: "full" })
        const standsAtMs = master.nowMs()
        yield* Effect.sleep(1_200)
        expect(master.nowMs()).toBe(standsAtMs)
        journal.letGo()
        yield* Fiber.join(held)
        yield* settled
        expect([...master.state.frameworks.keys()]).toEqual(["m-0000", "m-0001"])
        yield* comeBack
        expect(master.nowMs()).toBeGreaterThan(standsAtMs)
      }),
    ))

  it("refuses a call with its reason, and appends nothing for it", () =>
    run(
      Effect.gen(function* () {
        const journal = heldJournal()
        const { master } = yield* openMaster(journal.layer)
        yield* master.submit({})
        const before = journal.batches.length
        const refused = yield* Effect.flip(
          master.submit({
            event: () => ({ type: "TeardownRequested", frameworkId: "x" }),
            caller: { frameworkId: "x", streamId: null, principal: null },
          }),
        )
        expect(refused).toMatchObject({ _tag: "CallRefused", refusal: { type: "FrameworkUnknown" } })
        expect(journal.batches).toHaveLength(before)
      }),
    ))

  it("turns callers away when too many wait, in words; what must not get lost waits itself", () =>
    run(
      Effect.gen(function* () {
        const journal = heldJournal()
        const { master } = yield* openMaster(journal.layer)
        journal.hold()
        yield* Effect.fork(master.submit({ event: () => subscribed("a") }))
        yield* settled
        // As many as become one batch, which is stepped while the journal writes, and as many as may wait.
        for (const count of [1_024, 10_000]) {
          yield* Effect.forEach(Array(count), () => Effect.fork(master.submit({})), { discard: true })
          yield* settled
        }
        const error = yield* Effect.flip(master.submit({}))
        expect(error.message).toBe("10000 events are waiting already: try again in a moment")
        let isStepped = false
        const telling = yield* Effect.fork(
          master.tell(() => {
            isStepped = true
            return undefined
          }),
        )
        yield* settled
        journal.letGo()
        yield* Fiber.join(telling)
        expect(isStepped).toBe(true)
      }),
    ))

  it("wakes its machine when it asked for it, without any event", () =>
    run(
      Effect.gen(function* () {
        const journal = heldJournal()
        const { master } = yield* openMaster(journal.layer)
        const timed = yield* Deferred.make<void>()
        const stream = listen(master, "f")
        yield* master.submit(registered("a"))
        yield* master.submit({ event: () => subscribed("f") })
        expect(stream.types()).toContain("OFFERS")
        master.streams.open("f", {
          send: (json) => void (/"OFFERS"/.test(json) && Deferred.unsafeDone(timed, Effect.void)),
          end: () => {},
        })
        yield* master.submit({
          event: () => ({
            type: "OffersDeclined",
            frameworkId: "m-0000",
            offerIds: ["m-O0"],
            refuseMs: 30,
          }),
        })
        yield* Deferred.await(timed)
      }),
    ))
})

describe("a master that starts again from its journal", () => {
  it("keeps tasks, ids and what agents have not taken, and lets everyone come back", async () => {
    const store = MemoryJournal.makeMemoryStore()
    const journal = MemoryJournal.layer({ store })
    await run(
      Effect.gen(function* () {
        const { master } = yield* openMaster(journal)
        yield* master.submit(registered("a"))
        yield* master.submit({ event: () => subscribed("f") })
        yield* master.submit({ event: () => accepted("m-O0", "t1") })
        yield* master.submit({ processed: { to: "m-S0", upToId: 1 } })
        yield* master.submit({ event: () => accepted("m-O1", "t2") })
        expect(master.outboxSize()).toBe(1)
        // As kill -9 would.
        MemoryJournal.crashMemoryStore(store)
      }),
    )
    await run(
      Effect.gen(function* () {
        const { master } = yield* openMaster(journal)
        yield* master.submit({})
        expect(store.events.map(([, , event]) => (JSON.parse(event) as UnstampedEvent).type)).toContain(
          "MasterStarted",
        )
        expect(master.state.masterId).toBe("m")
        expect([...master.state.tasks.keys()]).toEqual(["m-0000/t1", "m-0000/t2"])
        expect(master.outboxSize()).toBe(1)
        expect(master.state.offers.size).toBe(0)
        // The agent has processed the first launch but not kept its task; the second is still on its way.
        const agent = listen(master, "a2")
        yield* master.submit(registered("a2", "m-S0", 1))
        expect(agent.told.map(({ type, id }) => [type, id])).toEqual([
          ["Registered", undefined],
          ["Message", 2],
          ["Heartbeat", undefined],
        ])
        expect([...master.state.tasks.keys()]).toEqual(["m-0000/t2"])
        const framework = listen(master, "f2")
        yield* master.submit({ event: () => subscribed("f2", "m-0000") })
        yield* master.submit({ event: () => subscribed("g2") })
        expect([...master.state.frameworks.keys()]).toEqual(["m-0000", "m-0001"])
        const offers = framework.told.flatMap(({ type, offers }) =>
          type === "OFFERS" ? (offers as { offers: ReadonlyArray<{ id: { value: string } }> }).offers : [],
        )
        // No number is given twice.
        expect(offers.map(({ id }) => id.value)).toEqual(["m-O3"])
        yield* master.submit({ event: () => accepted("m-O3", "t3") })
        expect(agent.told.at(-1)).toMatchObject({ type: "Message", id: 3 })
      }),
    )
  })

  it("cannot be run twice on one journal", async () => {
    const journal = MemoryJournal.layer({ store: MemoryJournal.makeMemoryStore() })
    const error = await run(
      Effect.gen(function* () {
        yield* openMaster(journal)
        return yield* Effect.flip(openMaster(journal))
      }),
    )
    expect(error).toMatchObject({ _tag: "JournalError", reason: "Locked" })
  })
})
