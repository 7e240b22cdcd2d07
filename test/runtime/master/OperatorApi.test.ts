import { Effect, Fiber, Layer } from "effect"
import { describe, expect, it } from "vitest"
import { build, buildView } from "../../../runtime/Build.ts"
import { type Batch, Journal, JournalError } from "../../../runtime/journal/Journal.ts"
import * as MemoryJournal from "../../../runtime/journal/MemoryJournal.ts"
import { busy, withMaster } from "../../support/BusyMaster.ts"
import { run, serveMaster } from "../../support/MasterFixture.ts"
import { specOf } from "../../support/MasterHarness.ts"

describe("what people and their tools read", () => {
  it("/health is 200 with nothing in it, open to everyone, also by POST and under /master", () =>
    withMaster(({ ask }) =>
      Effect.gen(function* () {
        for (const path of ["/health", "/master/health"]) {
          const reply = yield* ask(path, { headers: { Authorization: "none" } })
          expect([reply.status, reply.body, reply.headers["content-type"]]).toEqual([200, "", undefined])
        }
        expect((yield* ask("/health", { method: "POST" })).status).toBe(200)
        expect(JSON.parse((yield* ask("/version")).body)).toEqual({ version: "9.9", ...buildView(build) })
      }),
    ))

  it("/state needs the secret and shows the cluster in Mesos's names", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const { ask } = served
        expect((yield* ask("/state", { headers: { Authorization: "Bearer x" } })).status).toBe(401)
        yield* busy(served)
        const state = JSON.parse((yield* ask("/state?gleaner")).body) as Record<string, unknown>
        expect(state).toMatchObject({
          id: "m",
          version: "9.9",
          activated_slaves: 1,
          deactivated_slaves: 0,
          unreachable_slaves: 0,
          orphan_tasks: [],
          slaves: [
            {
              id: "m-S0",
              hostname: "host",
              port: 5051,
              active: true,
              condition: "connected",
              attributes: { rack: "r1" },
              resources: { cpus: 4, gpus: 0, mem: 8_000, disk: 0 },
              used_resources: { cpus: 0.5, mem: 32 },
              offered_resources: { cpus: 3.5, mem: 7_968 },
            },
          ],
          frameworks: [
            {
              id: "m-0000",
              name: "v1",
              principal: "p",
              roles: ["web"],
              active: true,
              failover_timeout: 60,
              // An ended task holds nothing, although its end is not acknowledged.
              used_resources: { cpus: 0.5, mem: 32 },
              offered_resources: { cpus: 3.5 },
              resources: { cpus: 4 },
              // What became free by the end of the second is offered by itself.
              offers: [{ resources: { cpus: 3 } }, { resources: { cpus: 0.5 } }].map((offer) => ({
                ...offer,
                slave_id: "m-S0",
                allocation_info: { role: "web" },
              })),
              tasks: [
                {
                  id: "t1",
                  state: "TASK_RUNNING",
                  slave_id: "m-S0",
                  command: "sleep 9",
                  executor_id: "",
                  statuses: [{ state: "TASK_RUNNING" }],
                },
                { id: "t2", state: "TASK_FINISHED" },
              ],
              unreachable_tasks: [],
            },
          ],
        })
      }),
    ))

  it("/roles shows who has what", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const { roles } = JSON.parse((yield* served.ask("/roles?gleaner")).body) as { roles: Array<object> }
        expect(roles).toEqual([
          expect.objectContaining({ name: "web", allocated: { cpus: 0.5, mem: 32 }, share: 1 }),
        ])
        const refused = yield* served.ask("/roles", { headers: { Authorization: "none" } })
        expect(refused.status).toBe(401)
      }),
    ))

  it("/metrics counts what has become durable", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const { status, headers, body } = yield* served.ask("/metrics", {
          headers: { Authorization: "none" },
        })
        expect(status).toBe(200)
        expect(headers["content-type"]).toContain("text/plain")
        const lines = body.split("\n")
        for (const line of [
          'gleaner_master_agents{condition="connected"} 1',
          'gleaner_master_agents{condition="disconnected"} 0',
          'gleaner_master_agents{condition="unreachable"} 0',
          'gleaner_master_frameworks{condition="connected"} 1',
          "gleaner_master_offers_outstanding 2",
          'gleaner_master_tasks{state="TASK_RUNNING"} 1',
          'gleaner_master_tasks{state="TASK_FINISHED"} 1',
          'gleaner_master_resources_capacity{resource="cpus"} 4',
          'gleaner_master_resources_allocated{resource="cpus"} 4',
          'gleaner_master_role_share{role="web"} 1',
          "gleaner_master_journal_durable 1",
          "gleaner_master_outbox_messages 2",
          'gleaner_master_events_total{type="OffersAccepted"} 2',
          "gleaner_master_launches_total 2",
          'gleaner_master_statuses_total{state="TASK_RUNNING",source="SOURCE_EXECUTOR"} 1',
        ]) {
          expect(lines).toContain(line)
        }
        expect(body).toMatch(/^gleaner_master_journal_append_seconds_count [1-9]/m)
        expect(body).toContain("process_cpu_seconds_total")
      }),
    ))

  it("the older endpoints have members of Mesos and no others, unless gleaner's own are asked for", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const own =
          /"(command|launched_time|message|condition|wanted_reserve|unreachable_slave_list|priority|share)":/g
        const found = (path: string) =>
          Effect.map(served.ask(path), ({ body }) => [
            ...new Set([...body.matchAll(own)].map(([, name]) => name!)),
          ])
        const agents = ["wanted_reserve", "condition", "unreachable_slave_list"]
        const expected: Record<string, ReadonlyArray<string>> = {
          "/state": [...agents, "command", "launched_time"],
          "/slaves": agents,
          "/frameworks": ["command", "launched_time"],
          "/tasks": ["command", "launched_time"],
          "/roles": ["priority", "share"],
          "/state-summary": [],
        }
        for (const [path, names] of Object.entries(expected)) {
          expect(yield* found(path), path).toEqual([])
          expect((yield* found(`${path}?gleaner`)).sort(), path).toEqual([...names].sort())
        }
        expect((yield* served.ask("/state")).body).not.toContain("resources_full")
        expect((yield* served.ask("/slaves")).body).toContain("used_resources_full")
      }),
    ))

  it("/slaves and /state show what is kept for the host's own work as a reservation of Mesos", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const agent = yield* served.agent
        // More than there is: task t1 holds half a cpu of it, and gpus there are none.
        const reserve = { cpus: 4_000, mem: 1_000_000, gpus: 1_000 }
        yield* Effect.promise(() =>
          agent.join({
            agentId: "m-S0",
            masterId: "m",
            reserve,
            tasks: [{ spec: specOf("t1", "m-0000", "m-S0", { cpus: 500, mem: 32_000 }), status: null }],
          }),
        )
        const labels = { labels: [{ key: "owner", value: "monitor" }] }
        const reservation = { principal: "monitor", labels }
        const reserved = (name: string, value: number) => ({
          ...{ name, type: "SCALAR", scalar: { value }, role: "primary", reservation },
          reservations: [{ type: "DYNAMIC", role: "primary", ...reservation }],
        })
        const shown = {
          id: "m-S0",
          resources: { cpus: 4, gpus: 0, mem: 8_000, disk: 0 },
          used_resources: { cpus: 0.5, gpus: 0, mem: 32, disk: 0 },
          reserved_resources: { primary: { cpus: 3.5, gpus: 0, mem: 1_000, disk: 0 } },
          unreserved_resources: { cpus: 0.5, gpus: 0, mem: 7_000, disk: 0 },
        }
        const full = {
          reserved_resources_full: { primary: [reserved("cpus", 3.5), reserved("mem", 1_000)] },
          unreserved_resources_full: [
            { name: "cpus", type: "SCALAR", scalar: { value: 0.5 }, role: "*" },
            { name: "mem", type: "SCALAR", scalar: { value: 7_000 }, role: "*" },
          ],
        }
        const own = { wanted_reserve: { cpus: 4, gpus: 1, mem: 1_000, disk: 0 }, condition: "connected" }
        const ask = (path: string) =>
          Effect.map(served.ask(path), ({ body }) => JSON.parse(body) as Record<string, unknown>)
        expect(yield* ask("/state?gleaner")).toMatchObject({ slaves: [{ ...shown, ...own }] })
        const named = "/master/slaves?slave_id=m-S0"
        expect(yield* ask(named)).toMatchObject({ slaves: [{ ...shown, ...full }] })
        expect(yield* ask(`${named}&gleaner`)).toMatchObject({ slaves: [{ ...shown, ...full, ...own }] })
        const none = { slaves: [], recovered_slaves: [] }
        expect(yield* ask("/slaves?slave_id=nobody")).toEqual(none)
        const { body } = yield* served.ask("/metrics")
        expect(body.split("\n")).toContain('gleaner_master_resources_reserved{resource="cpus"} 3.5')
        expect(body.split("\n")).toContain('gleaner_master_resources_reserved{resource="mem"} 1000')
        expect(body).toMatch(/^gleaner_master_agent_last_report_age_seconds_max 0\.\d+$/m)
      }),
    ))

  it("/health and the metrics say so when the journal has failed", () =>
    run(
      Effect.gen(function* () {
        const failure = new JournalError({ reason: "DiskFull", path: "/j", detail: "no space" })
        let isFull = false
        const journal = Layer.effect(
          Journal,
          Effect.map(Journal, (inner) => ({
            ...inner,
            append: (batch: Batch) => (isFull ? failure : inner.append(batch)),
          })),
        ).pipe(Layer.provide(MemoryJournal.layer()))
        const served = yield* serveMaster({ journal })
        const framework = yield* served.framework
        isFull = true
        // Its headers come before anything is promised; no event follows.
        yield* Effect.promise(() => framework.subscribe())
        expect(yield* Effect.flip(Fiber.join(served.loop))).toBe(failure)
        expect(framework.events).toEqual([])
        expect(yield* served.ask("/health")).toMatchObject({
          status: 503,
          body: "journal /j: no space; free space there, then start the daemon again; everything acknowledged is kept",
        })
        expect((yield* served.ask("/metrics")).body).toContain("gleaner_master_journal_durable 0\n")
      }),
    ))

  it("what nobody serves is not found", () =>
    withMaster(({ ask }) =>
      Effect.gen(function* () {
        expect(yield* ask("/state.json")).toMatchObject({ status: 404, body: "404 Not Found." })
        expect(yield* ask("/metrics", { method: "POST" })).toMatchObject({ status: 405 })
      }),
    ))
})
