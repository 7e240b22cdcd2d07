import { Context, Effect, Layer } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { restoreMaster } from "../../../core/master/Snapshot.ts"
import { decodeState, encodeBatch, isStoreFailure } from "../../../runtime/journal/EncodedBatch.ts"
import { type Batch, Journal } from "../../../runtime/journal/Journal.ts"
import { applyBatch, emptyImage, imageToState } from "../../../runtime/journal/JournalImage.ts"
import type { UnstampedEvent } from "../../../runtime/master/Mailbox.ts"
import { Master } from "../../../runtime/master/Master.ts"
import { makeMaster, run } from "../../support/MasterFixture.ts"
import {
  frameworkInfo,
  launching,
  launchOf,
  settingsWithoutPause,
  statusOf,
} from "../../support/MasterHarness.ts"
import { host, small } from "../../support/MasterScenes.ts"

// A master over a journal as slow as chance wants. Whatever it tells anybody is looked up at that very moment in what a restart
// would load if it were killed now.

const slowJournal = () => {
  const image = emptyImage()
  const waiting: Array<() => void> = []
  const layer = Layer.succeed(Journal, {
    recover: Effect.sync(() => decodeState(imageToState(image))),
    append: (batch: Batch) =>
      Effect.async<void>((resume) => {
        const encoded = encodeBatch(batch)
        if (isStoreFailure(encoded)) throw new Error(encoded.detail)
        waiting.push(() => {
          applyBatch(image, encoded, 10_000)
          resume(Effect.void)
        })
      }),
    events: () => Effect.succeed([]),
    problem: () => undefined,
  })
  return { image, layer, write: () => waiting.shift()?.(), size: () => waiting.length }
}
type SlowJournal = ReturnType<typeof slowJournal>

/** What a process that starts now would know. */
const restarted = ({ image }: SlowJournal) => {
  const { entities, outbox, lastOutboxId } = decodeState(imageToState(image))
  const state = restoreMaster(entities, settingsWithoutPause)
  return { state, outbox, lastOutboxId }
}

// biome-ignore lint/suspicious/noExplicitAny: records of two protocols, looked into
type Told = any

const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve))))

/** A cluster's peers, who act on what they have been told and nothing else. */
const open = (journal: SlowJournal) =>
  Effect.gen(function* () {
    const master = Context.get(yield* makeMaster({ journal: journal.layer }), Master)
    yield* Effect.addFinalizer(() => Effect.sync(master.streams.endAll))
    yield* Effect.forkScoped(master.run)
    const offers: Array<{ id: string; agentId: string; frameworkId: string }> = []
    const launched: Array<{ taskId: string; frameworkId: string; agentId: string }> = []
    const processed = new Map<string, number>()
    const told = new Map<string, number>()
    let answered = 0
    let count = 0

    const lookUp = (record: Told) => {
      told.set(record.type, (told.get(record.type) ?? 0) + 1)
      const { state, outbox, lastOutboxId } = restarted(journal)
      switch (record.type) {
        case "SUBSCRIBED":
          return expect(state!.frameworks.has(record.subscribed.framework_id.value)).toBe(true)
        case "Registered":
          return expect(state!.agents.has(record.agentId)).toBe(true)
        case "OFFERS":
          for (const { id, agent_id, framework_id } of record.offers.offers) {
            // None that comes after a restart may have its number.
            expect(state!.nextOfferNumber).toBeGreaterThan(Number(/\d+$/.exec(id.value)![0]))
            offers.push({ id: id.value, agentId: agent_id.value, frameworkId: framework_id.value })
          }
          return
        case "Message":
          expect(lastOutboxId).toBeGreaterThanOrEqual(record.id)
          expect(outbox.map(({ id }) => id)).toContain(record.id)
          return
        case "UPDATE": {
          const { task_id, state: taskState } = record.update.status
          const task = [...state!.tasks.values()].find(({ spec }) => spec.taskId === task_id.value)
          const isOver = [...state!.completedTasks.values()].some(
            ({ task: { spec } }) => spec.taskId === task_id.value,
          )
          return expect(isOver || task?.status?.state === taskState || task?.hasEnded).toBe(true)
        }
      }
    }
    const listen = (streamId: string, onRecord: (record: Told) => void = () => {}) =>
      master.streams.open(streamId, {
        send: (json) => {
          lookUp(JSON.parse(json))
          onRecord(JSON.parse(json))
        },
        end: () => {},
      })
    /** When it is answered, the journal must know it by what `isKnown` looks for. */
    const post = (
      event: UnstampedEvent | undefined,
      isKnown: (state: NonNullable<ReturnType<typeof restarted>["state"]>) => boolean = () => true,
    ) => {
      const step = master.stepCount()
      master.post({ event: () => event }, (refused) => {
        expect(refused).toBeUndefined()
        answered++
        if (event !== undefined) expect(master.stepCount()).toBeGreaterThan(step)
        if (event !== undefined) expect(isKnown(restarted(journal).state!)).toBe(true)
      })
    }
    /** Not so many that nobody else comes to act, and enough to be stepped while the journal writes. */
    const padding = () => {
      for (let index = 0; index < 40; index++) post(undefined)
    }

    const deeds = {
      subscribe: () => {
        const streamId = `f${count++}`
        listen(streamId)
        post(
          {
            ...{ type: "FrameworkSubscribed", streamId, frameworkId: null, suppressedRoles: [] },
            info: frameworkInfo({ name: streamId }),
          },
          (state) => [...state.frameworks.values()].some(({ info }) => info.name === streamId),
        )
      },
      register: () => {
        const streamId = `a${count++}`
        let agentId = ""
        listen(streamId, (record) => {
          if (record.type === "Registered") agentId = record.agentId
          if (record.type !== "Message") return
          processed.set(agentId, record.id)
          const { spec } = record.message
          if (record.message.type === "LaunchTask") launched.push({ ...spec, agentId })
        })
        post(
          {
            ...{ type: "AgentRegistered", streamId, agentId: null, total: host, reserve: {}, attributes: [] },
            ...{ address: { hostname: streamId, ip: "127.0.0.1", port: 5051 }, version: "1", tasks: [] },
            ...{ launching: [], acknowledging: [], checkpointed: {}, outcomes: [], converting: [] },
          },
          (state) => [...state.agents.values()].some(({ address }) => address.hostname === streamId),
        )
      },
      accept: () => {
        const offer = offers.shift()
        if (offer === undefined) return
        const taskId = `t${count++}`
        const { frameworkId, agentId } = offer
        post({
          ...{ type: "OffersAccepted", frameworkId, offerIds: [offer.id], refuseMs: 0 },
          operations: launching([launchOf(taskId, agentId, small)]),
        })
      },
      report: () => {
        const task = launched.shift()
        if (task === undefined) return
        const { agentId, frameworkId, taskId } = task
        const status = statusOf(
          agentId,
          frameworkId,
          taskId,
          count++ % 2 === 0 ? "TASK_RUNNING" : "TASK_FINISHED",
        )
        post({ type: "StatusReported", agentId, status, latestState: status.state })
      },
      process: () => {
        for (const [to, upToId] of processed) master.post({ processed: { to, upToId } }, () => {})
        processed.clear()
      },
      padding,
      write: journal.write,
    }
    return { master, deeds, told, answered: () => answered }
  })

describe("what leaves a master with a slow journal", () => {
  it("is what a restart would know, whenever it is killed", async () => {
    const toldInAll = new Map<string, number>()
    let [aheadMax, answers] = [0, 0]
    const life = fc.array(
      fc.oneof(
        { weight: 1, arbitrary: fc.constantFrom("subscribe" as const, "register" as const) },
        { weight: 6, arbitrary: fc.constantFrom("accept" as const, "report" as const) },
        { weight: 1, arbitrary: fc.constant("process" as const) },
        { weight: 5, arbitrary: fc.constantFrom("padding" as const, "write" as const) },
        { weight: 8, arbitrary: fc.constant("turn" as const) },
      ),
      { minLength: 50, maxLength: 150, size: "max" },
    )
    const property = fc.asyncProperty(life, (chosen) =>
      run(
        Effect.gen(function* () {
          const journal = slowJournal()
          const { deeds, told, answered } = yield* open(journal)
          const begin = ["subscribe", "register", "turn", "write", "turn", "write", "turn"] as const
          for (const deed of [...begin, ...chosen]) {
            if (deed === "turn") yield* turn
            else deeds[deed]()
            aheadMax = Math.max(aheadMax, journal.size())
          }
          answers += answered()
          for (const [type, times] of told) toldInAll.set(type, (toldInAll.get(type) ?? 0) + times)
        }),
      ),
    )
    await fc.assert(property, { numRuns: 60 })
    expect(aheadMax).toBe(2)
    expect(answers).toBeGreaterThan(1_000)
    for (const type of ["SUBSCRIBED", "Registered", "OFFERS", "Message", "UPDATE"])
      expect(toldInAll.get(type) ?? 0, type).toBeGreaterThan(20)
  })
})
