import { describe, expect, it } from "vitest"
import { defaultMasterSettings, initialMasterState } from "../../../core/master/State.ts"
import { encodeBatch, isStoreFailure } from "../../../runtime/journal/EncodedBatch.ts"
import type { Batch } from "../../../runtime/journal/Journal.ts"
import { applyBatch, emptyImage } from "../../../runtime/journal/JournalImage.ts"
import type { MachineClock } from "../../../runtime/MachineClock.ts"
import { type Mail, processMails, type UnstampedEvent } from "../../../runtime/master/Mailbox.ts"
import { makeOutbox } from "../../../runtime/master/Outbox.ts"
import {
  frameworkInfo,
  launching,
  launchOf,
  settingsWithoutPause,
  specOf,
} from "../../support/MasterHarness.ts"
import { host, small } from "../../support/MasterScenes.ts"

/** A master without a shell: only its mails. */
const open = () => {
  const state = initialMasterState("m", 1, settingsWithoutPause)
  const outbox = makeOutbox([], 0)
  let nowMs = 0
  const clock: MachineClock = { nowMs: () => nowMs, wallMs: () => 1_000_000 + nowMs }
  const take = (...mails: ReadonlyArray<Partial<Mail>>) =>
    processMails(
      state,
      outbox,
      clock,
      mails.map((mail) => ({ event: () => undefined, caller: undefined, processed: undefined, ...mail })),
    )
  return {
    state,
    outbox,
    take,
    tell: (...events: ReadonlyArray<UnstampedEvent>) =>
      take(...events.map((event) => ({ event: () => event }))),
    wait: (ms: number) => {
      nowMs += ms
    },
  }
}

const agentRegistered = (streamId: string): UnstampedEvent => ({
  type: "AgentRegistered",
  streamId,
  agentId: null,
  address: { hostname: "host", ip: "127.0.0.1", port: 5051 },
  total: host,
  reserve: {},
  attributes: [],
  version: "1",
  tasks: [],
  launching: [],
  acknowledging: [],
  checkpointed: {},
  outcomes: [],
  converting: [],
})
const subscribed = (streamId: string): UnstampedEvent => ({
  type: "FrameworkSubscribed",
  streamId,
  frameworkId: null,
  info: frameworkInfo({}),
  suppressedRoles: [],
})
const accepted = (offerId: string, ...taskIds: ReadonlyArray<string>): UnstampedEvent => ({
  type: "OffersAccepted",
  frameworkId: "m-0000",
  offerIds: [offerId],
  operations: launching(taskIds.map((taskId) => launchOf(taskId, "m-S0", small))),
  refuseMs: 0,
})
const killed = (taskId: string): UnstampedEvent => ({
  type: "KillRequested",
  frameworkId: "m-0000",
  taskId,
  agentId: null,
  graceMs: null,
})
/** A task of a framework that is gone, hence to be killed. */
const orphan = (agentId: string) => ({ spec: specOf("o", "m-0099", agentId, small), status: null })
const typesOf = (items: ReadonlyArray<{ readonly type: string }>) => items.map(({ type }) => type)

describe("a batch of mails", () => {
  it("is followed by one allocation cycle for all of it", () => {
    const master = open()
    const { effects, batch, wakeAtMs } = master.tell(
      agentRegistered("a"),
      agentRegistered("b"),
      subscribed("f"),
    )
    expect(typesOf(effects)).toEqual([
      "ConfirmRegistration",
      "ConfirmRegistration",
      "ConfirmSubscription",
      "OfferResources",
    ])
    expect(batch.events.map(({ event }) => (event as UnstampedEvent).type)).toEqual([
      "AgentRegistered",
      "AgentRegistered",
      "FrameworkSubscribed",
      "TimePassed",
    ])
    expect(wakeAtMs).toBe(defaultMasterSettings.offerTimeoutMs)
  })

  it("stamps its events, and tells events with actions from those without", () => {
    const master = open()
    master.wait(5)
    const [event] = master.tell(subscribed("f")).batch.events
    expect(event).toMatchObject({ atMs: 5, event: { nowMs: 5, wallMs: 1_000_005 } })
    expect(event!.actionsDigest).toMatch(/^[0-9a-f]{16}$/)
    const gone = { type: "FrameworkDisconnected", frameworkId: "m-0009", streamId: "x" } as const
    expect(master.tell(gone).batch.events[0]!.actionsDigest).toBe("")
  })

  it("holds each changed row once, as it is at the end, and rows that are gone as such", () => {
    const master = open()
    master.tell(agentRegistered("a"), subscribed("f"))
    const { changes } = master.tell(accepted("m-O0", "t1", "t2")).batch
    const names = changes.map(({ kind, key }) => `${kind} ${key}`)
    expect(new Set(names).size).toBe(names.length)
    expect(changes.find(({ key }) => key === "m-O0")?.value).toBeUndefined()
    expect(changes.find(({ key }) => key === "m-O1")?.value).toMatchObject({ frameworkId: "m-0000" })
    expect(changes.find(({ key }) => key === "m-0000/t1")?.value).toMatchObject({ state: "TASK_STAGING" })
  })

  it("numbers messages to agents in the order of the events, and lets them leave in it", () => {
    const master = open()
    master.tell(agentRegistered("a"), subscribed("f"))
    const { batch, effects } = master.tell(accepted("m-O0", "t1", "t2"), {
      type: "KillRequested",
      frameworkId: "m-0000",
      taskId: "t1",
      agentId: null,
      graceMs: null,
    })
    expect(batch.outbox.map(({ id, to }) => [id, to])).toEqual([
      [1, "m-S0"],
      [2, "m-S0"],
      [3, "m-S0"],
    ])
    const messages = effects.flatMap((effect) => (effect.type === "DeliverMessage" ? [effect] : []))
    expect(messages.map(({ id, message }) => [id, message.type])).toEqual([
      [1, "LaunchTask"],
      [2, "LaunchTask"],
      [3, "KillTask"],
    ])
    expect(master.outbox.launching("m-S0", 0)).toEqual(["m-0000/t1", "m-0000/t2"])
  })

  it("refuses a call before its step, and journals nothing of it", () => {
    const master = open()
    master.tell(subscribed("f"))
    const call = (frameworkId: string, streamId: string | null): Partial<Mail> => ({
      event: () => ({ type: "TeardownRequested", frameworkId }),
      caller: { frameworkId, streamId, principal: null },
    })
    const refused = master.take(call("m-0007", "f"), call("m-0000", null), call("m-0000", "g"))
    expect(refused.refusals.map((refusal) => refusal?.type)).toEqual([
      "FrameworkUnknown",
      "StreamIdMissing",
      "StreamIdDiffers",
    ])
    expect(refused.batch.events).toEqual([])
    // Judged right before the step: the first call of the batch takes the ground from under the second.
    const both = master.take(call("m-0000", "f"), call("m-0000", "f"))
    expect(both.refusals.map((refusal) => refusal?.type)).toEqual([undefined, "FrameworkUnknown"])
    expect(both.batch.events).toHaveLength(1)
  })

  it("asks for each event right before its step", () => {
    const master = open()
    const seen: Array<number> = []
    const look = (event: UnstampedEvent): Partial<Mail> => ({
      event: (state) => {
        seen.push(state.agents.size)
        return event
      },
    })
    master.take(look(agentRegistered("a")), look(agentRegistered("b")))
    expect(seen).toEqual([0, 1])
  })

  it("drops what agents have processed, once, also when nothing is stepped", () => {
    const master = open()
    master.tell(agentRegistered("a"), subscribed("f"))
    master.tell(accepted("m-O0", "t1", "t2"))
    const processed = { to: "m-S0", upToId: 1 }
    expect(master.take({ processed }).batch).toEqual({
      events: [],
      changes: [],
      outbox: [],
      delivered: [processed],
    })
    expect(master.take({ processed }).batch.delivered).toEqual([])
    expect(master.outbox.pending("m-S0", 0).map(({ id }) => id)).toEqual([2])
  })

  it("keeps what it sends an agent after it has given up what waited for it, and only that, in the journal as in memory", () => {
    const master = open()
    master.tell(agentRegistered("a"), subscribed("f"))
    const before = master.tell(accepted("m-O0", "t1")).batch
    const gone: UnstampedEvent = { type: "AgentGone", agentId: "m-S0" }
    const image = emptyImage()
    const store = (batch: Batch) => {
      const encoded = encodeBatch(batch)
      if (isStoreFailure(encoded)) throw new Error(encoded.detail)
      applyBatch(image, encoded, 1_000)
    }
    store(before)
    expect(image.outbox.map(({ id }) => id)).toEqual([1])
    // In one batch: a message that goes with the rest, the end of them all, and one for the agent that comes afterwards.
    const later: Partial<Mail> = {
      event: (_, outbox) => {
        expect(outbox.pending("m-S0", 0)).toEqual([])
        return { ...agentRegistered("b"), tasks: [orphan("m-S1")] } as UnstampedEvent
      },
    }
    const { batch } = master.take({ event: () => killed("t1") }, { event: () => gone }, later)
    store(batch)
    const kept = ["m-S0", "m-S1"].flatMap((agentId) => master.outbox.pending(agentId, 0).map(({ id }) => id))
    expect(image.outbox.map(({ id }) => id)).toEqual(kept)
    expect(kept).toHaveLength(1)
  })

  it("takes an agent's number for no more than what has been sent, whatever it is", () => {
    const master = open()
    master.tell(agentRegistered("a"), subscribed("f"))
    master.tell(accepted("m-O0", "t1"))
    const { batch } = master.take({
      processed: { to: "m-S0", upToId: 2 ** 52 },
      event: () => killed("t1"),
    })
    expect(batch.delivered).toEqual([{ to: "m-S0", upToId: 1 }])
    expect(batch.outbox.map(({ id }) => id)).toEqual([2])
  })

  it("answers whose mail throws, and takes all others", () => {
    const master = open()
    const defect = new Error("no")
    const broken: Partial<Mail> = {
      event: () => {
        throw defect
      },
    }
    const { refusals, batch } = master.take({ event: () => agentRegistered("a") }, broken, {
      event: () => subscribed("f"),
    })
    expect(refusals).toEqual([undefined, { type: "MailFailure", defect }, undefined])
    expect(batch.events.map(({ event }) => (event as UnstampedEvent).type)).toEqual([
      ...["AgentRegistered", "FrameworkSubscribed", "TimePassed"],
    ])
  })

  it("throws what a step throws: its state cannot be trusted any more", () => {
    const master = open()
    master.tell(agentRegistered("a"))
    master.wait(-1)
    expect(() => master.tell(subscribed("f"))).toThrow("time went back")
  })

  it("wakes the machine only when it is due, and always says when it wants to be woken", () => {
    const master = open()
    master.tell(agentRegistered("a"), subscribed("f"))
    const quiet = master.take({})
    expect(quiet.batch.events).toEqual([])
    expect(quiet.wakeAtMs).toBe(30_000)
    master.wait(30_000)
    expect(typesOf(master.take().effects)).toEqual(["RescindOffer", "OfferResources"])
  })
})
