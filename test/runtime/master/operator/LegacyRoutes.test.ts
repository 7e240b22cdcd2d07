import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { busy, withMaster } from "../../../support/BusyMaster.ts"
import type { ServedMaster } from "../../../support/MasterFixture.ts"

const read = ({ ask }: ServedMaster, path: string) =>
  Effect.map(ask(path), (reply) => {
    expect([path, reply.status, reply.headers["content-type"]]).toEqual([path, 200, "application/json"])
    return JSON.parse(reply.body) as Record<string, never>
  })

const idsOf = (tasks: unknown) => (tasks as ReadonlyArray<{ id: string }>).map(({ id }) => id)

describe("the endpoints from before the v1 API", () => {
  it("need the secret, all but /redirect, which says where the leader is", () =>
    withMaster(({ ask }) =>
      Effect.gen(function* () {
        const headers = { Authorization: "none" }
        const paths = ["/flags", "/frameworks", "/tasks", "/state-summary", "/weights", "/quota"]
        for (const path of [...paths, "/metrics/snapshot", "/maintenance/schedule", "/maintenance/status"]) {
          expect([path, (yield* ask(path, { headers })).status]).toEqual([path, 401])
        }
        for (const path of ["/redirect", "/master/redirect"]) {
          const reply = yield* ask(path, { headers })
          expect([reply.status, reply.headers.location, reply.body]).toEqual([307, "//127.0.0.1:5050", ""])
        }
      }),
    ))

  it("are there below /master too, and answer POST where Mesos does", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        expect(yield* read(served, "/master/flags")).toEqual({ flags: { port: "5050" } })
        expect(yield* read(served, "/master/weights")).toEqual([])
        expect(yield* read(served, "/quota")).toEqual({})
        expect(yield* read(served, "/master/maintenance/schedule")).toEqual({})
        expect(yield* read(served, "/maintenance/status")).toEqual({})
        expect((yield* served.ask("/state", { method: "POST" })).status).toBe(200)
      }),
    ))

  it("/frameworks lists all or the one that is named", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const nobody = { frameworks: [], completed_frameworks: [], unregistered_frameworks: [] }
        const one = yield* read(served, "/frameworks?framework_id=m-0000")
        expect(one).toMatchObject({ frameworks: [{ id: "m-0000", tasks: [{ id: "t1" }, { id: "t2" }] }] })
        expect(yield* read(served, "/frameworks")).toEqual(one)
        expect(yield* read(served, "/frameworks?framework_id=nope")).toEqual(nobody)
      }),
    ))

  it("/tasks are the newest first, within bounds, of one framework or one id; what is no number does not count", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const listing: Record<string, ReadonlyArray<string>> = {
          "": ["t2", "t1"],
          "order=asc": ["t1", "t2"],
          "order=des": ["t2", "t1"],
          "limit=1": ["t2"],
          "limit=1&offset=1": ["t1"],
          "limit=0": [],
          "offset=2": [],
          "limit=abc&offset=-1": ["t2", "t1"],
          "task_id=t1": ["t1"],
          "framework_id=m-0000&task_id=t2": ["t2"],
          "framework_id=nope": [],
        }
        for (const [query, ids] of Object.entries(listing)) {
          const { tasks } = yield* read(served, `/tasks?${query}`)
          expect([query, idsOf(tasks)]).toEqual([query, ids])
        }
      }),
    ))

  it("/state-summary counts tasks by agent and framework and names the others' ids", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const counts = { TASK_RUNNING: 1, TASK_FINISHED: 1, TASK_FAILED: 0, TASK_UNREACHABLE: 0 }
        const summary = yield* read(served, "/state-summary")
        expect(summary).toMatchObject({
          hostname: "here",
          slaves: [
            {
              id: "m-S0",
              used_resources: { cpus: 0.5, mem: 32 },
              capabilities: ["MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT", "AGENT_DRAINING"],
              ...counts,
              framework_ids: ["m-0000"],
            },
          ],
          frameworks: [{ id: "m-0000", name: "v1", connected: true, ...counts, slave_ids: ["m-S0"] }],
        })
        expect(JSON.stringify(summary)).not.toContain("sleep 9")
      }),
    ))

  it("/metrics/snapshot has the figures of the cluster; a timeout must be one", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const metrics = yield* read(served, "/metrics/snapshot?timeout=1secs")
        expect(metrics).toMatchObject({
          "master/elected": 1,
          "master/slaves_connected": 1,
          "master/slaves_active": 1,
          "master/slaves_unreachable": 0,
          "master/frameworks_active": 1,
          "master/frameworks_disconnected": 0,
          "master/outstanding_offers": 2,
          "master/tasks_running": 1,
          "master/tasks_staging": 0,
          "master/tasks_finished": 1,
          "master/tasks_failed": 0,
          "master/cpus_total": 4,
          "master/cpus_used": 0.5,
          "master/cpus_percent": 0.125,
          "master/gpus_percent": 0,
          "master/mem_revocable_total": 0,
          "master/messages_register_framework": 1,
          "master/messages_register_slave": 1,
          "master/messages_launch_tasks": 2,
          "master/messages_status_update": 2,
          "allocator/mesos/resources/cpus/total": 4,
          "allocator/mesos/resources/cpus/offered_or_allocated": 4,
          "allocator/mesos/roles/web/shares/dominant": 1,
        })
        expect(metrics["master/uptime_secs"]).toBeGreaterThan(0)
        expect(metrics["registrar/state_store_ms/count"]).toBeGreaterThan(0)
        for (const value of Object.values(metrics)) expect(Number.isFinite(value)).toBe(true)
        const { status, body } = yield* served.ask("/metrics/snapshot?timeout=bad")
        expect([status, body]).toEqual([400, "Invalid timeout 'bad': Failed to convert '' to number.\n"])
      }),
    ))
})
