import { Context, Effect, Layer } from "effect"
import { describe, expect, it } from "vitest"
import { Journal } from "../../../../runtime/journal/Journal.ts"
import * as MemoryJournal from "../../../../runtime/journal/MemoryJournal.ts"
import { busy, withMaster } from "../../../support/BusyMaster.ts"
import { run, type ServedMaster, serveMaster } from "../../../support/MasterFixture.ts"
import { call, done, shown } from "../../../support/OperatorAsk.ts"

const machine = { hostname: "host", ip: "127.0.0.1" }
/** As in the transcript operator/UPDATE_MAINTENANCE_SCHEDULE_ok: more digits than a double has. */
const start = { nanoseconds: Number("1795336216125184512") }
const schedule = {
  windows: [
    { machine_ids: [machine], unavailability: { start, duration: { nanoseconds: 3_600_000_000_000 } } },
  ],
}

const told = (served: ServedMaster, type: string) =>
  Effect.map(call(served, type), ([, body]) => JSON.parse(body) as unknown)
const post = (served: ServedMaster, path: string, body: unknown) =>
  Effect.map(
    served.ask(path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) }),
    ({ status, body: text }) => [status, text] as const,
  )

describe("the maintenance schedule", () => {
  it("is read back as it was written, by either way", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        expect(yield* call(served, "UPDATE_MAINTENANCE_SCHEDULE", { schedule })).toEqual(done)
        expect(yield* shown(served, "/maintenance/schedule")).toEqual(schedule)
        expect(yield* told(served, "GET_MAINTENANCE_SCHEDULE")).toEqual({
          type: "GET_MAINTENANCE_SCHEDULE",
          get_maintenance_schedule: { schedule },
        })
        expect(yield* shown(served, "/master/maintenance/status")).toEqual({
          draining_machines: [{ id: machine }],
        })
        expect(yield* post(served, "/maintenance/schedule", {})).toEqual(done)
        expect(yield* shown(served, "/maintenance/schedule")).toEqual({})
        expect(yield* told(served, "GET_MAINTENANCE_STATUS")).toEqual({
          type: "GET_MAINTENANCE_STATUS",
          get_maintenance_status: { status: {} },
        })
      }),
    ))

  it("that is wrong is refused with the reason, and changes nothing", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        expect(yield* post(served, "/maintenance/schedule", schedule)).toEqual(done)
        for (const body of [
          "",
          "[]",
          "{",
          { windows: [{ machine_ids: [] }] },
          { windows: [{}] },
          { windows: 1 },
          // None of them would be the same one when it comes back from the journal.
          ...['"NaN"', '"Infinity"', "1e999", "-1e999"].map(
            (nanoseconds) =>
              `{"windows":[{"machine_ids":[{"ip":"10.0.0.9"}],"unavailability":{"start":{"nanoseconds":${nanoseconds}}}}]}`,
          ),
        ]) {
          const [status] = yield* post(served, "/maintenance/schedule", body)
          expect([body, status]).toEqual([body, 400])
        }
        for (const body of ["", "{}", "[", [], [{}], [1]]) {
          for (const path of ["/machine/down", "/machine/up"]) {
            const [status] = yield* post(served, path, body)
            expect([path, body, status]).toEqual([path, body, 400])
          }
        }
        const unknown = { machines: [{ hostname: "nobody", ip: "10.0.0.1" }] }
        expect(yield* call(served, "START_MAINTENANCE", unknown)).toEqual([
          400,
          'Machine \'{"hostname":"nobody","ip":"10.0.0.1"}\' is not part of a maintenance schedule',
        ])
        expect(yield* call(served, "STOP_MAINTENANCE", { machines: [machine] })).toEqual([
          400,
          'Machine \'{"hostname":"host","ip":"127.0.0.1"}\' is not in DOWN mode and cannot be brought up',
        ])
        const wrong = yield* served.ask("/machine/up")
        expect([wrong.status, wrong.body]).toEqual([
          405,
          "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'.",
        ])
        expect(yield* shown(served, "/maintenance/schedule")).toEqual(schedule)
      }),
    ))

  it("reaches frameworks, whose answers show", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const [agent, framework] = [yield* served.agent, yield* served.framework]
        const exchange = yield* Effect.promise(async () => {
          await agent.join()
          await framework.subscribe()
          await framework.next("OFFERS")
          return framework
        })
        expect(yield* call(served, "UPDATE_MAINTENANCE_SCHEDULE", { schedule })).toEqual(done)
        const events = yield* Effect.promise(async () => {
          await exchange.next("RESCIND")
          const { offers } = await exchange.next("OFFERS")
          const { inverse_offers } = await exchange.next("INVERSE_OFFERS")
          return { offer: offers.offers[0], inverse: inverse_offers.inverse_offers[0] }
        })
        const { unavailability } = schedule.windows[0]!
        expect(events.offer.unavailability).toEqual(unavailability)
        expect(events.inverse).toEqual({
          id: { value: expect.stringMatching(/^m-O\d+$/) },
          url: {
            scheme: "http",
            address: { hostname: "host", ip: "127.0.0.1", port: 5051 },
            path: "/slave(1)",
          },
          framework_id: { value: "m-0000" },
          agent_id: { value: "m-S0" },
          unavailability,
        })
        const inverse_offer_ids = [events.inverse.id]
        const accepted = yield* Effect.promise(() =>
          framework.call({ type: "ACCEPT_INVERSE_OFFERS", accept_inverse_offers: { inverse_offer_ids } }),
        )
        expect(accepted.status).toBe(202)
        expect(yield* shown(served, "/maintenance/status")).toEqual({
          draining_machines: [
            {
              id: machine,
              statuses: [
                {
                  status: "ACCEPT",
                  framework_id: { value: "m-0000" },
                  timestamp: { nanoseconds: expect.any(Number) },
                },
              ],
            },
          ],
        })
        const late = yield* Effect.promise(() =>
          framework.call({ type: "DECLINE_INVERSE_OFFERS", decline_inverse_offers: { inverse_offer_ids } }),
        )
        expect(late.status, "of one that is answered already").toBe(202)
        const missing = yield* Effect.promise(() => framework.call({ type: "DECLINE_INVERSE_OFFERS" }))
        expect([missing.status, missing.body]).toEqual([
          400,
          "Failed to validate scheduler::Call: Expecting 'decline_inverse_offers' to be present",
        ])
      }),
    ))

  it("and machines that are down survive the master", () =>
    run(
      Effect.gen(function* () {
        const context = yield* Layer.build(MemoryJournal.layer())
        const journal = Layer.succeed(Journal, Context.get(context, Journal))
        yield* Effect.scoped(
          Effect.gen(function* () {
            const served = yield* serveMaster({ journal })
            yield* busy(served)
            expect(yield* post(served, "/maintenance/schedule", schedule)).toEqual(done)
            expect(yield* post(served, "/machine/down", [machine])).toEqual(done)
            expect(yield* shown(served, "/slaves")).toMatchObject({ slaves: [] })
          }),
        )
        const served = yield* serveMaster({ journal })
        expect(yield* shown(served, "/maintenance/schedule")).toEqual(schedule)
        expect(yield* shown(served, "/maintenance/status")).toEqual({ down_machines: [machine] })
        const agent = yield* served.agent
        yield* Effect.promise(async () => {
          await agent.register({ agentId: "m-S0" })
          await agent.ended()
        })
        expect(agent.records).toEqual([{ type: "ShutDown", reason: "Machine is `DOWN`" }])
        expect(yield* call(served, "STOP_MAINTENANCE", { machines: [machine] })).toEqual(done)
        expect(yield* shown(served, "/maintenance/status")).toEqual({})
        const back = yield* served.agent
        yield* Effect.promise(() => back.join({ agentId: "m-S0" }))
        expect(yield* shown(served, "/slaves")).toMatchObject({ slaves: [{ id: "m-S0", active: true }] })
      }),
    ))
})
