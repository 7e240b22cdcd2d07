import { afterEach, describe, expect, it } from "vitest"
import type { AgentMessage } from "../../../core/master/Action.ts"
import { makeDelivery } from "../../../runtime/master/Delivery.ts"
import type { Outgoing } from "../../../runtime/master/Mailbox.ts"
import { makeOutbox } from "../../../runtime/master/Outbox.ts"
import { makeStreams } from "../../../runtime/master/Streams.ts"
import { frameworkInfo, specOf } from "../../support/MasterHarness.ts"

const streams = makeStreams()
afterEach(() => streams.endAll())

const open = (streamId: string) => {
  const told: Array<unknown> = []
  streams.open(streamId, { send: (json) => told.push(JSON.parse(json)), end: () => told.push("end") })
  return told
}
const typesOf = (told: ReadonlyArray<unknown>) =>
  told.map((record) => (typeof record === "string" ? record : (record as { type: string }).type))

const kill = (taskId: string): AgentMessage => ({ type: "KillTask", frameworkId: "f", taskId, graceMs: null })
const identity = {
  masterId: "m",
  version: "1",
  address: { hostname: "here", ip: "127.0.0.1", port: 5050 },
}

/** One effect at a time; all that is in the outbox is durable. */
const carryingOut = (outbox = makeOutbox([], 0)) => {
  const deliver = makeDelivery(outbox, streams, identity)
  return (effect: Outgoing) => deliver([effect], outbox.lastId())
}

const delivering = (id: number, message: AgentMessage) =>
  ({ type: "DeliverMessage", agentId: "a", id, message, json: JSON.stringify(message) }) as const

describe("delivery to agents", () => {
  const deliver = (id: number) => delivering(id, kill("t"))
  const confirm = (streamId: string) => ({ type: "ConfirmRegistration", agentId: "a", streamId }) as const

  it("sends nothing on a stream before Registered, then all that waits, and heartbeats", () => {
    const outbox = makeOutbox([], 0)
    const carryOut = carryingOut(outbox)
    const told = open("s1")
    outbox.add("a", kill("t"))
    carryOut(deliver(1))
    expect(told).toEqual([])
    outbox.add("a", kill("u"))
    carryOut(confirm("s1"))
    expect(told).toEqual([
      { type: "Registered", masterId: "m", agentId: "a", streamId: "s1" },
      { type: "Message", id: 1, message: kill("t") },
      { type: "Message", id: 2, message: kill("u") },
      { type: "Heartbeat" },
    ])
    carryOut(deliver(3))
    expect(typesOf(told).at(-1)).toBe("Message")
  })

  it("tells an agent its pace when it is another than the protocol's", () => {
    const carryOut = carryingOut()
    const told: Array<unknown> = []
    const end = () => {}
    streams.open("s1", { send: (json) => told.push(JSON.parse(json)), end, paceMs: 12_000 })
    carryOut(confirm("s1"))
    expect(told[0]).toEqual({
      ...{ type: "Registered", masterId: "m", agentId: "a", streamId: "s1" },
      paceMs: 12_000,
    })
  })

  it("keeps to the former stream until the new one is confirmed", () => {
    const carryOut = carryingOut()
    const [first, second] = [open("s1"), open("s2")]
    carryOut(confirm("s1"))
    carryOut(deliver(1))
    expect(typesOf(first)).toEqual(["Registered", "Heartbeat", "Message"])
    expect(second).toEqual([])
    carryOut({ type: "CloseStream", streamId: "s1" })
    carryOut(confirm("s2"))
    carryOut(deliver(2))
    expect(typesOf(first).slice(3)).toEqual(["end"])
    expect(typesOf(second)).toEqual(["Registered", "Heartbeat", "Message"])
  })

  it("lets no amount of launches fill a stream: what is behind follows as the agent comes along, in order", () => {
    const outbox = makeOutbox([], 0)
    const carryOut = carryingOut(outbox)
    const told = open("s1")
    const idsTold = () =>
      told.flatMap((record) => ("id" in (record as object) ? [(record as { id: number }).id] : []))
    const launch = (taskId: string): AgentMessage => {
      const spec = specOf(taskId, "f", "a", { cpus: 1 })
      return {
        type: "LaunchTask",
        spec: { ...spec, command: { ...spec.command, value: "x".repeat(250_000) } },
      }
    }
    const add = (message: AgentMessage) => {
      const { id } = outbox.add("a", message)
      carryOut(delivering(id, message))
    }
    const process = (upToId: number) => {
      outbox.processed("a", upToId)
      carryOut({ type: "MessagesProcessed", agentId: "a", upToId })
    }
    for (let number = 0; number < 100; number++) add(launch(`t${number}`))
    carryOut(confirm("s1"))
    expect(JSON.stringify(told).length).toBeLessThan(2 * 1024 * 1024)
    const before = idsTold().length
    expect(before).toBeGreaterThan(1)
    // Small, and yet not before what came before it.
    add(kill("t99"))
    expect(idsTold()).toHaveLength(before)
    process(1)
    expect(idsTold()).toHaveLength(before + 1)
    for (let last = idsTold().at(-1)!; last < 101; last = idsTold().at(-1)!) {
      process(last)
      expect(idsTold().at(-1)).toBeGreaterThan(last)
    }
    expect(idsTold()).toEqual(Array.from({ length: 101 }, (_, index) => index + 1))
    // And then at once again.
    process(101)
    add(kill("t98"))
    expect(idsTold().at(-1)).toBe(102)
  })

  it("sends nothing that is not durable yet, however it comes to send", () => {
    const outbox = makeOutbox([], 0)
    const carryOut = makeDelivery(outbox, streams, identity)
    const told = open("s1")
    const ids = () => told.flatMap((record) => (record as { id?: number }).id ?? [])
    outbox.add("a", kill("t"))
    // Stepped while the transaction of the one above was written.
    outbox.add("a", kill("u"))
    carryOut([confirm("s1")], 1)
    expect(ids()).toEqual([1])
    carryOut([deliver(2)], 2)
    expect(ids()).toEqual([1, 2])
    // The same when a window opens again.
    const launch: AgentMessage = { type: "LaunchTask", spec: specOf("x".repeat(300_000), "f", "a", {}) }
    for (const message of [launch, launch, kill("v"), kill("w")]) outbox.add("a", message)
    carryOut([delivering(3, launch)], 3)
    carryOut([delivering(4, launch)], 4)
    outbox.processed("a", 4)
    carryOut([delivering(5, kill("v"))], 5)
    expect(ids()).toEqual([1, 2, 3, 4])
    carryOut([{ type: "MessagesProcessed", agentId: "a", upToId: 4 }], 5)
    expect(ids()).toEqual([1, 2, 3, 4, 5])
    carryOut([delivering(6, kill("w"))], 6)
    expect(ids()).toEqual([1, 2, 3, 4, 5, 6])
  })

  it("sends to nobody when the stream is gone", () => {
    const carryOut = carryingOut()
    carryOut(confirm("gone"))
    carryOut(deliver(1))
  })
})

describe("delivery to frameworks", () => {
  const framework = {
    id: "f",
    info: frameworkInfo({}),
    streamId: "s",
    suppressedRoles: [],
    registeredWallMs: 0,
    reregisteredWallMs: null,
    isRecovered: false,
    sinceMs: 0,
    removeAtMs: null,
  }

  it("begins with SUBSCRIBED and a heartbeat, and ends with what the master says last", () => {
    const carryOut = carryingOut()
    const told = open("s")
    carryOut({ type: "ConfirmSubscription", streamId: "s", framework })
    carryOut({ type: "RescindOffer", streamId: "s", offerId: "o" })
    carryOut({ type: "RefuseSubscription", streamId: "s", message: "Framework failed over" })
    carryOut({ type: "RescindOffer", streamId: "s", offerId: "p" })
    expect(typesOf(told)).toEqual(["SUBSCRIBED", "HEARTBEAT", "RESCIND", "ERROR", "end"])
  })
})
