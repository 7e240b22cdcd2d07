import { Context, Deferred, Effect, Exit, Layer, Scope } from "effect"
import { describe, expect, it } from "vitest"
import { openStream } from "../../../../runtime/http/Client.ts"
import { Journal } from "../../../../runtime/journal/Journal.ts"
import * as MemoryJournal from "../../../../runtime/journal/MemoryJournal.ts"
import { busy, withMaster } from "../../../support/BusyMaster.ts"
import { ClusterMirror, mirrored } from "../../../support/ClusterMirror.ts"
import { run, type ServedMaster, secret, serveMaster } from "../../../support/MasterFixture.ts"

const headers = { "Content-Type": "application/json", Accept: "application/json" }
const body = JSON.stringify({ type: "SUBSCRIBE" })

/** Subscribes, and applies what comes for as long as the scope lives. */
const watch = ({ url }: ServedMaster, onEvent: (type: string) => void = () => {}) =>
  Effect.gen(function* () {
    const mirror = new ClusterMirror()
    const stream = yield* openStream({ url: `${url}/api/v1`, method: "POST", headers, body, secret })
    const reading = yield* Effect.forkScoped(
      stream.run((record) => {
        const event = JSON.parse(record)
        onEvent(event.type)
        mirror.apply(event)
      }),
    )
    const types = () => mirror.events.map(({ type }) => type)
    const until = (isThere: () => boolean) =>
      Effect.repeat(Effect.sleep("5 millis"), { until: () => Effect.sync(isThere) })
    return { mirror, headers: stream.headers, reading, types, until }
  })

const state = ({ ask }: ServedMaster) =>
  Effect.map(
    ask("/api/v1", { method: "POST", headers, body: JSON.stringify({ type: "GET_STATE" }) }),
    (reply) => mirrored(JSON.parse(reply.body).get_state),
  )

const subscribers = ({ ask }: ServedMaster) =>
  Effect.map(
    ask("/metrics/snapshot"),
    (reply) => JSON.parse(reply.body)["master/operator_event_stream_subscribers"] as number,
  )

describe("SUBSCRIBE", () => {
  it("answers the state, a heartbeat, then what happens", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const watched = yield* watch(served)
        expect(watched.headers["content-type"]).toBe("application/json")
        expect(watched.headers["mesos-stream-id"]).toBeUndefined()
        yield* watched.until(() => watched.types().length === 2)
        expect(watched.types()).toEqual(["SUBSCRIBED", "HEARTBEAT"])
        expect(watched.mirror.view()).toEqual(yield* state(served))
        expect(yield* subscribers(served)).toBe(1)
        const framework = yield* served.framework
        yield* Effect.promise(() => framework.subscribe({ name: "second" }))
        yield* watched.until(() => watched.types().includes("FRAMEWORK_ADDED"))
        expect(watched.mirror.view()).toEqual(yield* state(served))
      }),
    ))

  it("is over when the master stops, and no more than a figure when its client has left", () =>
    run(
      Effect.gen(function* () {
        const life = yield* Scope.make()
        const served = yield* Scope.extend(serveMaster(), life)
        yield* Effect.scoped(
          Effect.flatMap(watch(served), ({ until, types }) => until(() => types().length > 1)),
        )
        yield* Effect.repeat(subscribers(served), { until: (count) => count === 0 })
        const watched = yield* watch(served)
        yield* watched.until(() => watched.types().length > 1)
        yield* Scope.close(life, Exit.void)
        // Properly, with the chunk that says so; a broken stream would fail here.
        yield* watched.reading
      }),
    ))

  it("tells nothing that is not durable yet", () =>
    run(
      Effect.gen(function* () {
        const memory = Context.get(yield* Layer.build(MemoryJournal.layer()), Journal)
        const opened = yield* Deferred.make<void>()
        let isHeld = false
        const journal = Layer.succeed(
          Journal,
          Journal.of({
            ...memory,
            append: (batch) =>
              Effect.zipRight(isHeld ? Deferred.await(opened) : Effect.void, memory.append(batch)),
          }),
        )
        const served = yield* serveMaster({ journal })
        const heardWhileHeld: Array<string> = []
        const watched = yield* watch(served, (type) => {
          if (isHeld) heardWhileHeld.push(type)
        })
        yield* watched.until(() => watched.types().length === 2)
        isHeld = true
        const framework = yield* served.framework
        yield* Effect.promise(() => framework.subscribe())
        // The step is done, its transaction hangs: whoever comes now must wait for it, too.
        yield* watched.until(() => served.master.state.frameworks.size === 1)
        const late = yield* watch(served, (type) => {
          if (isHeld) heardWhileHeld.push(type)
        })
        // Another connection has been answered meanwhile, so what was sent would be here.
        yield* served.ask("/health")
        isHeld = false
        yield* Deferred.succeed(opened, undefined)
        yield* watched.until(() => watched.types().length === 3)
        yield* late.until(() => late.types().length === 2)
        expect(heardWhileHeld).toEqual([])
        expect(watched.types()).toEqual(["SUBSCRIBED", "HEARTBEAT", "FRAMEWORK_ADDED"])
        expect(late.types()).toEqual(["SUBSCRIBED", "HEARTBEAT"])
        expect(late.mirror.view()).toEqual(watched.mirror.view())
      }),
    ))

  it("refuses a reader of RecordIO's own type, as Mesos does", () =>
    withMaster(({ ask }) =>
      Effect.gen(function* () {
        const { status } = yield* ask("/api/v1", {
          method: "POST",
          headers: { ...headers, Accept: "application/recordio" },
          body,
        })
        expect(status).toBe(406)
      }),
    ))
})
