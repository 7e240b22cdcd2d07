import { Effect, type Scope } from "effect"
import { describe, expect, it } from "vitest"
import { run, type ServedMaster, serveMaster } from "../../support/MasterFixture.ts"
import { statusOf } from "../../support/MasterHarness.ts"

const withMaster = (use: (served: ServedMaster) => Effect.Effect<void, unknown, Scope.Scope>) =>
  run(Effect.flatMap(serveMaster(), use))

/** One agent, one framework with a running and an ended task, and an offer of the rest. */
const busy = (served: ServedMaster) =>
  Effect.gen(function* () {
    const agent = yield* served.agent
    const framework = yield* served.framework
    yield* Effect.promise(async () => {
      await agent.join({ attributes: [{ name: "rack", value: "r1" }] })
      await framework.subscribe({ failover_timeout: 60, principal: "p" })
      for (const id of ["t1", "t2"]) {
        const { offers } = await framework.next("OFFERS")
        await framework.launch(offers.offers[0], { id, cpus: 0.5, command: { value: "sleep 9" } })
      }
      await agent.report({
        statuses: [
          statusOf("m-S0", "m-0000", "t1", "TASK_RUNNING"),
          statusOf("m-S0", "m-0000", "t2", "TASK_FINISHED"),
        ],
      })
    })
  })

describe("what people and their tools read", () => {
  it("/health is 200 with nothing in it, open to everyone, also by POST and under /master", () =>
    withMaster(({ ask }) =>
      Effect.gen(function* () {
        for (const path of ["/health", "/master/health"]) {
          const reply = yield* ask(path, { headers: { Authorization: "none" } })
          expect([reply.status, reply.body, reply.headers["content-type"]]).toEqual([200, "", undefined])
        }
        expect((yield* ask("/health", { method: "POST" })).status).toBe(200)
        expect(JSON.parse((yield* ask("/version")).body)).toEqual({ version: "9.9" })
      }),
    ))

  it("/state needs the secret and shows the cluster in Mesos's names", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const { ask } = served
        expect((yield* ask("/state", { headers: { Authorization: "Bearer x" } })).status).toBe(401)
        yield* busy(served)
        const state = JSON.parse((yield* ask("/state")).body) as Record<string, unknown>
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
          'gleaner_master_resources_total{resource="cpus"} 4',
          'gleaner_master_resources_allocated{resource="cpus"} 4',
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

  it("what nobody serves is not found", () =>
    withMaster(({ ask }) =>
      Effect.gen(function* () {
        expect(yield* ask("/state.json")).toMatchObject({ status: 404, body: "404 Not Found." })
        expect(yield* ask("/metrics", { method: "POST" })).toMatchObject({ status: 405 })
      }),
    ))
})
