import { gunzipSync } from "node:zlib"
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

const statistics = "count min max p50 p90 p95 p99 p999 p9999"
const scalarFigures = "total used percent revocable_total revocable_used revocable_percent"

/** The names of spec/mesos.md §6.1 that do not depend on who is there, by how they begin. */
const mesosNames = Object.entries({
  "master/": "uptime_secs elected outstanding_offers operator_event_stream_subscribers dropped_messages",
  "master/slaves_": "connected disconnected active inactive unreachable",
  "master/frameworks_": "connected disconnected active inactive",
  "master/tasks_":
    "staging starting running killing unreachable finished failed killed lost error dropped gone gone_by_operator",
  "master/event_queue_": "messages dispatches http_requests",
  "master/cpus_": scalarFigures,
  "master/gpus_": scalarFigures,
  "master/mem_": scalarFigures,
  "master/disk_": scalarFigures,
  "master/messages_":
    "register_framework reregister_framework unregister_framework deactivate_framework kill_task status_update status_update_acknowledgement resource_request launch_tasks decline_offers revive_offers suppress_offers reconcile_tasks reconcile_operations framework_to_executor executor_to_framework register_slave reregister_slave unregister_slave exited_executor update_slave authenticate",
  "master/valid_":
    "status_updates status_update_acknowledgements framework_to_executor_messages executor_to_framework_messages",
  "master/invalid_":
    "status_updates status_update_acknowledgements framework_to_executor_messages executor_to_framework_messages",
  "master/slave_": "registrations reregistrations removals",
  "master/slave_removals/reason_": "unhealthy unregistered registered",
  "master/slave_shutdowns_": "scheduled completed canceled",
  "master/slave_unreachable_": "scheduled completed canceled",
  "master/recovery_": "slave_removals",
  "allocator/mesos/": "allocation_runs allocation_run_ms allocation_run_latency_ms event_queue_dispatches",
  "allocator/mesos/allocation_run_ms/": statistics,
  "allocator/mesos/allocation_run_latency_ms/": statistics,
  "allocator/mesos/resources/cpus/": "total offered_or_allocated",
  "registrar/": "queued_operations registry_size_bytes state_fetch_ms state_store_ms",
  "registrar/state_store_ms/": statistics,
  "system/": "cpus_total load_1min load_5min load_15min mem_free_bytes mem_total_bytes",
}).flatMap(([beginning, names]) => names.split(" ").map((name) => beginning + name))

describe("the endpoints from before the v1 API", () => {
  it("send what has changed, packed if asked to, and nothing to whoever has the newest already", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        for (const path of ["/state", "/state-summary", "/slaves", "/frameworks", "/tasks", "/roles"]) {
          const before = yield* served.ask(path)
          const tag = before.headers.etag!
          const unchanged = yield* served.ask(path, { headers: { "If-None-Match": tag } })
          expect([path, unchanged.status, unchanged.body]).toEqual([path, 304, ""])
          const packed = yield* served.ask(path, { headers: { "Accept-Encoding": "gzip" } })
          const isPacked = packed.headers["content-encoding"] === "gzip"
          expect([path, isPacked]).toEqual([path, before.bytes.length >= 1024])
          expect((isPacked ? gunzipSync(packed.bytes) : packed.bytes).toString("utf8")).toBe(before.body)
        }
        const before = yield* served.ask("/state")
        const newer = yield* served.framework
        yield* Effect.promise(() => newer.subscribe({ name: "newer" }))
        yield* Effect.promise(() => newer.next("SUBSCRIBED"))
        const after = yield* served.ask("/state", { headers: { "If-None-Match": before.headers.etag! } })
        expect(after.status).toBe(200)
        expect(after.body).toContain('"newer"')
        expect(before.body).not.toContain('"newer"')
      }),
    ))

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
          expect([reply.status, reply.headers.location, reply.body]).toEqual([307, "//here:5050", ""])
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
              capabilities: [
                "MULTI_ROLE",
                "HIERARCHICAL_ROLE",
                "RESERVATION_REFINEMENT",
                "AGENT_DRAINING",
                "AGENT_OPERATION_FEEDBACK",
              ],
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
        expect(metrics["allocator/mesos/allocation_runs"]).toBeGreaterThan(0)
        expect(metrics["allocator/mesos/allocation_run_ms/count"]).toBe(
          metrics["allocator/mesos/allocation_runs"],
        )
        const missing = mesosNames.filter((name) => metrics[name] === undefined)
        expect(missing, "names that exporters of Mesos look for").toEqual([])
        expect(metrics["registrar/state_store_ms/count"]).toBeGreaterThan(0)
        for (const value of Object.values(metrics)) expect(Number.isFinite(value)).toBe(true)
        const { status, body } = yield* served.ask("/metrics/snapshot?timeout=bad")
        expect([status, body]).toEqual([400, "Invalid timeout 'bad': Failed to convert '' to number.\n"])
      }),
    ))

  it("/system/stats.json tells of the master's host", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const stats = yield* read(served, "/system/stats.json")
        // Transcript legacy/busy_system_stats_json.
        expect(Object.keys(stats)).toEqual([
          ...["avg_load_15min", "avg_load_1min", "avg_load_5min"],
          ...["cpus_total", "mem_free_bytes", "mem_total_bytes"],
        ])
        for (const figure of ["cpus_total", "mem_free_bytes", "mem_total_bytes"])
          expect(stats[figure], figure).toBeGreaterThan(0)
      }),
    ))
})
