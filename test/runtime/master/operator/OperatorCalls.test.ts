import { existsSync, readdirSync, readFileSync } from "node:fs"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { defaultMasterSettings } from "../../../../core/master/State.ts"
import { build, buildView } from "../../../../runtime/Build.ts"
import { busy, withMaster } from "../../../support/BusyMaster.ts"
import { run, type ServedMaster, serveMaster } from "../../../support/MasterFixture.ts"
import { settingsWithoutPause } from "../../../support/MasterHarness.ts"

const json = { "Content-Type": "application/json" }

const call = ({ ask }: ServedMaster, body: object | string, headers: Record<string, string> = json) =>
  ask("/api/v1", {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  })

const answerOf = (served: ServedMaster, body: object) =>
  Effect.map(call(served, body), (reply) => {
    expect([reply.status, reply.headers["content-type"]]).toEqual([200, "application/json"])
    return JSON.parse(reply.body) as Record<string, unknown>
  })

const scalar = (name: string, value: number) => ({ name, type: "SCALAR", scalar: { value } })

describe("questions of operators", () => {
  it("an empty cluster answers in the forms of Mesos, which leave some lists out and show others empty", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const lists = {
          get_tasks: { tasks: [], unreachable_tasks: [], completed_tasks: [] },
          get_executors: { executors: [] },
          get_frameworks: { frameworks: [], completed_frameworks: [] },
          get_agents: { agents: [], recovered_agents: [] },
        }
        const contents: Record<string, object | undefined> = {
          GET_HEALTH: { healthy: true },
          GET_VERSION: { version_info: { version: "9.9", ...buildView(build) } },
          GET_LOGGING_LEVEL: { level: 0 },
          GET_FLAGS: { flags: [{ name: "port", value: "5050" }] },
          GET_STATE: lists,
          GET_TASKS: lists.get_tasks,
          GET_EXECUTORS: lists.get_executors,
          GET_FRAMEWORKS: lists.get_frameworks,
          GET_AGENTS: lists.get_agents,
          GET_OPERATIONS: {},
          GET_ROLES: {},
          GET_WEIGHTS: undefined,
          GET_QUOTA: { status: {} },
          GET_MAINTENANCE_SCHEDULE: { schedule: {} },
          GET_MAINTENANCE_STATUS: { status: {} },
        }
        for (const [type, content] of Object.entries(contents)) {
          const shown = content === undefined ? { type } : { type, [type.toLowerCase()]: content }
          expect(yield* answerOf(served, { type })).toEqual(shown)
        }
        const { get_master } = yield* answerOf(served, { type: "GET_MASTER" })
        expect(get_master).toMatchObject({
          master_info: { id: "m", hostname: "here", port: 5050, version: "9.9" },
          start_time: expect.any(Number),
        })
      }),
    ))

  it("a busy one says who has what, resources in both formats where Mesos has them", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const { get_state } = yield* answerOf(served, { type: "GET_STATE" })
        const state = get_state as Record<string, Record<string, Array<Record<string, unknown>>>>
        const used = { role: "*", allocation_info: { role: "web" } }
        const [agent] = state.get_agents!.agents!
        expect(agent).toEqual({
          agent_info: {
            hostname: "host",
            port: 5051,
            resources: [scalar("cpus", 4), scalar("mem", 8_000)],
            attributes: [{ name: "rack", type: "TEXT", text: { value: "r1" } }],
            id: { value: "m-S0" },
            checkpoint: true,
          },
          active: true,
          deactivated: false,
          version: "1",
          pid: "slave(1)@127.0.0.1:5051",
          registered_time: { nanoseconds: expect.any(Number) },
          total_resources: [
            { ...scalar("cpus", 4), role: "*" },
            { ...scalar("mem", 8_000), role: "*" },
          ],
          allocated_resources: [
            { ...scalar("cpus", 0.5), ...used },
            { ...scalar("mem", 32), ...used },
          ],
          offered_resources: [
            { ...scalar("cpus", 3.5), ...used },
            { ...scalar("mem", 7_968), ...used },
          ],
          capabilities: [
            { type: "MULTI_ROLE" },
            { type: "HIERARCHICAL_ROLE" },
            { type: "RESERVATION_REFINEMENT" },
            { type: "AGENT_DRAINING" },
            { type: "AGENT_OPERATION_FEEDBACK" },
          ],
        })
        const [framework] = state.get_frameworks!.frameworks!
        expect(framework).toMatchObject({
          framework_info: {
            name: "v1",
            id: { value: "m-0000" },
            failover_timeout: 60,
            principal: "p",
            roles: ["web"],
          },
          active: true,
          connected: true,
          recovered: false,
          allocated_resources: agent!.allocated_resources,
          offered_resources: agent!.offered_resources,
          offer_constraints: {},
        })
        expect(framework!.offers).toHaveLength(2)
        expect(state.get_tasks!.tasks).toMatchObject([
          {
            task_id: { value: "t1" },
            framework_id: { value: "m-0000" },
            agent_id: { value: "m-S0" },
            state: "TASK_RUNNING",
            resources: [
              { ...scalar("cpus", 0.5), allocation_info: { role: "web" } },
              { ...scalar("mem", 32), allocation_info: { role: "web" } },
            ],
            statuses: [{ state: "TASK_RUNNING", uuid: expect.any(String) }],
            status_update_state: "TASK_RUNNING",
            status_update_uuid: expect.any(String),
          },
          { task_id: { value: "t2" }, state: "TASK_FINISHED" },
        ])
        expect(yield* answerOf(served, { type: "GET_ROLES" })).toEqual({
          type: "GET_ROLES",
          get_roles: {
            roles: [
              {
                name: "web",
                weight: 1,
                frameworks: [{ value: "m-0000" }],
                resources: [scalar("cpus", 4), scalar("mem", 8_000)],
              },
            ],
          },
        })
      }),
    ))

  it("what is kept for the business is a reservation of role primary, in both formats", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const agent = yield* served.agent
        yield* Effect.promise(() => agent.join({ reserve: { cpus: 1_000 } }))
        const { get_agents } = yield* answerOf(served, { type: "GET_AGENTS" })
        const reservation = {
          principal: "monitor",
          labels: { labels: [{ key: "owner", value: "monitor" }] },
        }
        expect((get_agents as { agents: Array<object> }).agents).toMatchObject([
          {
            agent_info: { resources: [scalar("cpus", 4), scalar("mem", 8_000)] },
            total_resources: [
              { ...scalar("cpus", 3), role: "*" },
              {
                ...scalar("cpus", 1),
                role: "primary",
                reservation,
                reservations: [{ type: "DYNAMIC", role: "primary", ...reservation }],
              },
              { ...scalar("mem", 8_000), role: "*" },
            ],
          },
        ])
      }),
    ))

  it("an agent that is away is no longer active, and one that is unreachable is gone", () =>
    withMaster(
      (served) =>
        Effect.gen(function* () {
          const agent = yield* served.agent
          yield* Effect.promise(() => agent.join())
          agent.close()
          const listing = Effect.map(
            answerOf(served, { type: "GET_AGENTS" }),
            ({ get_agents }) => (get_agents as { agents: Array<{ active: boolean }> }).agents,
          )
          yield* Effect.repeat(listing, { until: (agents) => agents[0]?.active === false })
          yield* Effect.repeat(listing, { until: (agents) => agents.length === 0 })
        }),
      { settings: { agentTimeoutMs: 200 } },
    ))

  it("weights and quotas of the configuration show, in the fields of Mesos", () =>
    withMaster(
      (served) =>
        Effect.gen(function* () {
          expect(yield* answerOf(served, { type: "GET_WEIGHTS" })).toEqual({
            type: "GET_WEIGHTS",
            get_weights: {
              weight_infos: [
                { weight: 0.5, role: "batch" },
                { weight: 2, role: "web" },
              ],
            },
          })
          const status = {
            infos: [{ role: "ads", guarantee: [scalar("cpus", 4)] }],
            configs: [{ role: "ads", guarantees: { cpus: { value: 4 } }, limits: { mem: { value: 64 } } }],
          }
          expect(yield* answerOf(served, { type: "GET_QUOTA" })).toEqual({
            type: "GET_QUOTA",
            get_quota: { status },
          })
          expect(JSON.parse((yield* served.ask("/quota")).body)).toEqual(status)
          expect(JSON.parse((yield* served.ask("/master/weights")).body)).toEqual([
            { role: "batch", weight: 0.5 },
            { role: "web", weight: 2 },
          ])
        }),
      {
        settings: {
          allocator: {
            ...settingsWithoutPause.allocator,
            weights: { web: 2, batch: 0.5 },
            quotas: { ads: { guarantees: { cpus: 4_000 }, limits: { mem: 64_000 } } },
          },
        },
      },
    ))

  it("figures come sorted by name", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const { get_metrics } = yield* answerOf(served, { type: "GET_METRICS", get_metrics: {} })
        const { metrics } = get_metrics as { metrics: Array<{ name: string; value: number }> }
        const names = metrics.map(({ name }) => name)
        expect(names).toEqual([...names].sort())
        expect(metrics).toContainEqual({ name: "master/tasks_running", value: 1 })
      }),
    ))
})

describe("calls that are refused", () => {
  const refused = (served: ServedMaster, body: object | string, headers?: Record<string, string>) =>
    Effect.map(call(served, body, headers), ({ status, body: text }) => [status, text])

  it("need the secret, also a question for health", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const reply = yield* call(served, { type: "GET_HEALTH" }, { ...json, Authorization: "Bearer x" })
        expect(reply.status).toBe(401)
        expect(reply.headers["www-authenticate"]).toContain("Basic realm=")
      }),
    ))

  it("are POSTed, and nothing else", () =>
    withMaster(({ ask }) =>
      Effect.gen(function* () {
        const reply = yield* ask("/master/api/v1/", { method: "PUT", headers: json, body: "{}" })
        expect([reply.status, reply.headers.allow]).toEqual([405, "POST"])
      }),
    ))

  it("of no type, of a type without a handler, without its member, with another Accept: as Mesos in this order", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const invalid = (field: string) => [
          400,
          `Failed to validate master::Call: Expecting '${field}' to be present`,
        ]
        expect(yield* refused(served, {})).toEqual(invalid("type"))
        // A name of no enum is no type; nor is a name that every object inherits.
        for (const type of ["NOPE", "constructor", "get_health"]) {
          expect(yield* refused(served, { type })).toEqual(invalid("type"))
        }
        expect(yield* refused(served, { type: "GET_METRICS" })).toEqual(invalid("get_metrics"))
        const html = { ...json, Accept: "text/html" }
        expect(yield* refused(served, { type: "GET_METRICS" }, html)).toEqual(invalid("get_metrics"))
        expect((yield* refused(served, { type: "GET_HEALTH" }, html))[0]).toBe(406)
        expect(yield* refused(served, { type: "UNKNOWN" })).toEqual([501, "501 Not Implemented."])
      }),
    ))
})

// What Apache Mesos answered to the same bytes.

const folder = new URL("../../../../../shared/mesos-transcripts/operator/", import.meta.url)
const isThere = existsSync(folder)
if (!isThere) console.warn(`skipped: no transcripts of Apache Mesos in ${folder.pathname}`)

interface Transcript {
  readonly name: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: ReadonlyArray<readonly [string, string]>
    readonly body: string | null
  }
  readonly response: { readonly status: number; readonly body: unknown }
}

const transcripts: ReadonlyArray<Transcript> = isThere
  ? readdirSync(folder)
      .filter((name) =>
        /^(err_|idle_|UPDATE_WEIGHTS_(bad|missing|no|str|zero|star|dup)|UPDATE_QUOTA_(empty|guar|neg|nested|over|reset)|TEARDOWN_unknown|no_accept|accept_star|accept_recordio|options_)/.test(
          name,
        ),
      )
      // Those that change something last.
      .sort((left, right) => Number(/^UPDATE/.test(left)) - Number(/^UPDATE/.test(right)))
      .map((name) => ({
        ...(JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Transcript),
        name,
      }))
  : []

/** Not sent again: what the client adds itself. */
const kept = (headers: Transcript["request"]["headers"]) =>
  Object.fromEntries(headers.filter(([name]) => /^(content-type|accept)$/i.test(name)))

describe.skipIf(!isThere)("what Apache Mesos was asked", () => {
  it("has the same status, and questions have members of the same names", () =>
    run(
      Effect.gen(function* () {
        const served = yield* serveMaster({ settings: defaultMasterSettings })
        for (const { name, request, response } of transcripts) {
          const reply = yield* served.ask(request.path, {
            method: request.method,
            headers: kept(request.headers),
            ...(request.body === null ? {} : { body: request.body }),
          })
          expect([name, reply.status]).toEqual([name, response.status])
          if (response.status !== 200) continue
          if (response.body === "") expect([name, reply.body]).toEqual([name, ""])
          if (response.body === "") continue
          const [ours, theirs] = [
            JSON.parse(reply.body) as object,
            JSON.parse(String(response.body)) as object,
          ]
          expect([name, Object.keys(ours)]).toEqual([name, Object.keys(theirs)])
        }
        expect(transcripts.length).toBeGreaterThan(25)
      }),
    ))
})
