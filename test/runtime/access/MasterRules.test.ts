import { Effect, type Scope } from "effect"
import { describe, expect, it } from "vitest"
import { makeAuthenticate } from "../../../runtime/access/Authentication.ts"
import { makeAuthorizer, type Rule } from "../../../runtime/access/Authorizer.ts"
import { digestOf } from "../../../runtime/access/Credentials.ts"
import { hasRule } from "../../../runtime/access/RouteRules.ts"
import { request } from "../../../runtime/http/Client.ts"
import { FakeAgent } from "../../support/FakeAgent.ts"
import { run, type ServedMaster, secret, serveMaster } from "../../support/MasterFixture.ts"
import { V1Framework, type V1Reply } from "../../support/V1Framework.ts"

// A master that knows principals, asked over the wire: what each of them may do and see.

const tokenOf = (principal: string) => `the token of ${principal} `.padEnd(40, ".").replaceAll(" ", "-")
const principals = ["alice", "bob", "host", "guest"]
const authenticate = makeAuthenticate({
  secret,
  credentials: {
    secrets: new Map(),
    tokens: new Map(principals.map((name) => [digestOf(tokenOf(name)).toString("hex"), name])),
  },
  authorizer: makeAuthorizer({
    isPermissive: false,
    rules: {
      register_frameworks: [{ principals: ["alice", "bob"], objects: ["web", "web/%"] }],
      run_tasks: [{ principals: ["alice"], objects: ["root", "www"] }],
      reserve_resources: [{ principals: ["alice"], objects: ["web"] }],
      teardown_frameworks: [{ principals: ["alice"], objects: ["alice"] }],
      update_weights: [{ principals: ["alice"], objects: ["web"] }],
      view_frameworks: [{ principals: ["alice"], objects: ["root"] } satisfies Rule],
      view_tasks: [{ principals: ["alice"], objects: ["root"] }],
      view_roles: [{ principals: ["alice"], objects: ["web"] }],
      get_maintenance_schedules: [{ principals: ["alice"], objects: ["h1"] }],
      register_agents: [{ principals: ["host"], objects: "ANY" }],
    },
  }),
})

const withMaster = <A>(use: (served: ServedMaster) => Effect.Effect<A, unknown, Scope.Scope>): Promise<A> =>
  run(Effect.flatMap(serveMaster({ authenticate }), use) as Effect.Effect<A, never, Scope.Scope>)

const opened = <A extends { close: () => void }>(make: () => A) =>
  Effect.acquireRelease(Effect.sync(make), (peer) => Effect.sync(() => peer.close()))
const frameworkOf = ({ url }: ServedMaster, principal: string) =>
  opened(() => new V1Framework(url, tokenOf(principal)))
const agentOf = ({ url }: ServedMaster, principal: string) =>
  opened(() => new FakeAgent(url, tokenOf(principal)))

// biome-ignore lint/suspicious/noExplicitAny: JSON of a foreign protocol, looked into by tests
type Answer = Record<string, any>

const ask = ({ url }: ServedMaster, principal: string, path: string, body?: object | string) =>
  Effect.map(
    request({
      url: url + path,
      secret: tokenOf(principal),
      headers: { "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    }),
    ({ status, body: text }) => {
      const isJson = status === 200 && text !== ""
      return {
        status,
        text,
        json: (isJson ? JSON.parse(text) : undefined) as Answer | undefined,
      }
    },
  )

const subscribe = (framework: V1Framework, info: object): Effect.Effect<V1Reply> =>
  Effect.promise(() => framework.subscribe(info))
const next = (framework: V1Framework, type: string) => Effect.promise(() => framework.next(type))

describe("a framework", () => {
  it("registers in the roles that its principal may have, and is told on the stream of others", async () => {
    await withMaster((served) =>
      Effect.gen(function* () {
        const alice = yield* frameworkOf(served, "alice")
        yield* subscribe(alice, { roles: ["web", "web/api"] })
        yield* next(alice, "SUBSCRIBED")
        for (const [principal, roles, text] of [
          ["alice", ["web", "db"], "Not authorized to register framework  with roles { web, db }"],
          ["alice", [], "Not authorized to register framework  with roles {  }"],
          ["guest", ["web"], "Not authorized to register framework  with roles { web }"],
        ] as const) {
          const refused = yield* frameworkOf(served, principal)
          expect((yield* subscribe(refused, { roles })).status).toBe(200)
          expect((yield* next(refused, "ERROR")).error.message).toBe(text)
        }
        expect(served.master.state.frameworks.size).toBe(1)
      }),
    )
  })

  it("is its principal's, also when it names none; others cannot speak for it", async () => {
    await withMaster((served) =>
      Effect.gen(function* () {
        const wrong = yield* frameworkOf(served, "alice")
        const reply = yield* ask(served, "alice", "/api/v1/scheduler", {
          type: "SUBSCRIBE",
          subscribe: { framework_info: { user: "root", name: "x", role: "web", principal: "bob" } },
        })
        expect([reply.status, reply.text]).toEqual([
          400,
          "Failed to validate scheduler::Call: Authenticated principal 'alice' does not match principal 'bob' set in `FrameworkInfo`",
        ])
        yield* subscribe(wrong, {})
        yield* next(wrong, "SUBSCRIBED")
        expect([...served.master.state.frameworks.values()].map(({ info }) => info.principal)).toEqual([
          "alice",
        ])
        const thief = yield* frameworkOf(served, "bob")
        Object.assign(thief, { frameworkId: wrong.frameworkId, streamId: wrong.streamId })
        const stolen = yield* Effect.promise(() => thief.call({ type: "TEARDOWN" }))
        expect([stolen.status, stolen.body]).toEqual([
          400,
          "Authenticated principal 'bob' does not match principal 'alice' set in `FrameworkInfo`",
        ])
        // Coming back under its id is speaking for it, too.
        const again = yield* frameworkOf(served, "bob")
        yield* Effect.promise(() => again.subscribe({}, wrong.frameworkId))
        expect((yield* next(again, "ERROR")).error.message).toMatch(/principal/)
        expect(wrong.isOver).toBe(false)
      }),
    )
  })

  it("launches as the users that its principal may be; one task's refusal is not the other's", async () => {
    await withMaster((served) =>
      Effect.gen(function* () {
        const agent = yield* agentOf(served, "host")
        yield* Effect.promise(() => agent.join({}))
        const alice = yield* frameworkOf(served, "alice")
        yield* subscribe(alice, { user: "root" })
        const { offers } = yield* next(alice, "OFFERS")
        const offer = offers.offers[0]
        const task = (name: string, user: string | undefined) => ({
          name,
          task_id: { value: name },
          agent_id: offer.agent_id,
          resources: [
            { name: "cpus", type: "SCALAR", scalar: { value: 1 } },
            { name: "mem", type: "SCALAR", scalar: { value: 32 } },
          ],
          command: { value: "true", ...(user === undefined ? {} : { user }) },
        })
        const task_infos = [task("own", undefined), task("other", "nobody"), task("www", "www")]
        yield* Effect.promise(() =>
          alice.call({
            type: "ACCEPT",
            accept: { offer_ids: [offer.id], operations: [{ type: "LAUNCH", launch: { task_infos } }] },
          }),
        )
        const { update } = yield* next(alice, "UPDATE")
        expect(update.status).toMatchObject({
          task_id: { value: "other" },
          state: "TASK_ERROR",
          source: "SOURCE_MASTER",
          reason: "REASON_TASK_UNAUTHORIZED",
          message: `Principal 'alice' no authorized to launch task other of framework ${alice.frameworkId} under user 'nobody'`,
        })
        expect(update.status.uuid).toBeUndefined()
        const launched = [...served.master.state.tasks.values()].map(({ spec }) => spec.taskId)
        expect(launched.sort()).toEqual(["own", "www"])
      }),
    )
  })
})

describe("a framework's operation", () => {
  it("that its principal may not do is an error of that operation; the others are done", async () => {
    await withMaster((served) =>
      Effect.gen(function* () {
        const agent = yield* agentOf(served, "host")
        yield* Effect.promise(() => agent.join({}))
        const alice = yield* frameworkOf(served, "alice")
        yield* subscribe(alice, { roles: ["web/api"] })
        const { offers } = yield* next(alice, "OFFERS")
        const offer = offers.offers[0]
        const reserve = (id: string, role: string) => ({
          type: "RESERVE",
          id: { value: id },
          reserve: {
            resources: [
              {
                ...{
                  name: "cpus",
                  type: "SCALAR",
                  scalar: { value: 1 },
                  allocation_info: { role: "web/api" },
                },
                reservations: [{ type: "DYNAMIC", role, principal: "alice" }],
              },
            ],
          },
        })
        const operations = [reserve("forbidden", "web/api"), reserve("allowed", "web")]
        yield* Effect.promise(() =>
          alice.call({ type: "ACCEPT", accept: { offer_ids: [offer.id], operations } }),
        )
        const { update_operation_status: update } = yield* next(alice, "UPDATE_OPERATION_STATUS")
        expect(update.status).toMatchObject({
          operation_id: { value: "forbidden" },
          state: "OPERATION_ERROR",
          message: "Not authorized to reserve resources as 'alice'",
        })
      }),
    )
  })
})

describe("an agent", () => {
  it("needs a principal that may register agents, or the cluster's secret", async () => {
    await withMaster((served) =>
      Effect.gen(function* () {
        for (const [principal, status] of [
          ["alice", 403],
          ["guest", 403],
          ["nobody", 401],
          ["host", 200],
        ] as const) {
          const agent = yield* agentOf(served, principal)
          expect((yield* Effect.promise(() => agent.register())).status, principal).toBe(status)
        }
        const agent = yield* served.agent
        expect((yield* Effect.promise(() => agent.register())).status).toBe(200)
      }),
    )
  })
})

describe("an operator", () => {
  it("changes what the rules let a principal change", async () => {
    await withMaster((served) =>
      Effect.gen(function* () {
        const framework = yield* frameworkOf(served, "alice")
        yield* subscribe(framework, {})
        yield* next(framework, "SUBSCRIBED")
        const weights = (role: string) => ({
          type: "UPDATE_WEIGHTS",
          update_weights: { weight_infos: [{ role, weight: 2 }] },
        })
        const teardown = {
          type: "TEARDOWN",
          teardown: { framework_id: { value: framework.frameworkId } },
        }
        const form = `frameworkId=${framework.frameworkId}`
        const outcomes = yield* Effect.all([
          ask(served, "alice", "/api/v1", weights("web")),
          ask(served, "alice", "/api/v1", weights("db")),
          ask(served, "bob", "/api/v1", weights("web")),
          ask(served, "bob", "/api/v1", { type: "GET_FLAGS" }),
          ask(served, "bob", "/flags"),
          ask(served, "bob", "/api/v1", teardown),
          ask(served, "bob", "/master/teardown", form),
          ask(served, "alice", "/teardown/", form),
          ask(served, "alice", "/api/v1", teardown),
        ])
        expect(outcomes.map(({ status }) => status)).toEqual([200, 403, 403, 403, 403, 403, 403, 200, 403])
        expect(outcomes[1]!.text).toBe("403 Forbidden.")
      }),
    )
  })

  it("sees what the rules let a principal see, everywhere the same", async () => {
    await withMaster((served) =>
      Effect.gen(function* () {
        const agent = yield* agentOf(served, "host")
        yield* Effect.promise(() => agent.join({}))
        for (const [user, role] of [
          ["root", "web"],
          ["www", "web/api"],
        ]) {
          const framework = yield* served.framework
          yield* subscribe(framework, { user, name: `of ${user}`, roles: [role] })
          yield* next(framework, "SUBSCRIBED")
        }
        const names = (list: ReadonlyArray<{ name?: string; framework_info?: { name: string } }>) =>
          list.map(({ name, framework_info: info }) => info?.name ?? name).sort()
        const seen = (principal: string) =>
          Effect.gen(function* () {
            const call = (type: string) =>
              Effect.map(
                ask(served, principal, "/api/v1", { type }),
                ({ json }) => json?.[type.toLowerCase()],
              )
            const at = (path: string) => Effect.map(ask(served, principal, path), ({ json }) => json!)
            const state = yield* at("/state")
            expect("flags" in state, "flags in /state").toBe(false)
            return {
              calls: [
                names((yield* call("GET_FRAMEWORKS")).frameworks),
                names((yield* call("GET_STATE")).get_frameworks.frameworks),
              ],
              legacy: [
                names(state.frameworks),
                names((yield* at("/frameworks")).frameworks),
                names((yield* at("/state-summary")).frameworks),
              ],
              roles: [names((yield* call("GET_ROLES"))?.roles ?? []), names((yield* at("/roles")).roles)],
            }
          })
        expect(yield* seen("alice")).toEqual({
          calls: [["of root"], ["of root"]],
          legacy: [["of root"], ["of root"], ["of root"]],
          roles: [["web"], ["web"]],
        })
        expect(yield* seen("guest")).toEqual({ calls: [[], []], legacy: [[], [], []], roles: [[], []] })
      }),
    )
  })

  it("sees of the maintenance schedule the machines that a principal may see", async () => {
    await withMaster((served) =>
      Effect.gen(function* () {
        const unavailability = { start: { nanoseconds: 4e18 } }
        const window = (...names: ReadonlyArray<string>) => ({
          machine_ids: names.map((hostname) => ({ hostname, ip: "10.0.0.1" })),
          unavailability,
        })
        const schedule = { windows: [window("h1", "h2"), window("h3")] }
        const body = JSON.stringify({
          type: "UPDATE_MAINTENANCE_SCHEDULE",
          update_maintenance_schedule: { schedule },
        })
        const headers = { "Content-Type": "application/json" }
        expect((yield* served.ask("/api/v1", { headers, body })).status).toBe(200)
        const seenBy = (principal: string) =>
          Effect.map(ask(served, principal, "/maintenance/schedule"), ({ json }) =>
            (json?.windows ?? []).map(({ machine_ids: machines }: Answer) =>
              machines.map(({ hostname }: Answer) => hostname),
            ),
          )
        expect(yield* seenBy("alice")).toEqual([["h1"]])
        expect(yield* seenBy("guest")).toEqual([])
        const status = yield* ask(served, "alice", "/api/v1", { type: "GET_MAINTENANCE_STATUS" })
        expect(status.json).toEqual({
          type: "GET_MAINTENANCE_STATUS",
          get_maintenance_status: { status: {} },
        })
      }),
    )
  })

  it("may be who they are, and nothing more, where no rule speaks of them", async () => {
    await withMaster((served) =>
      Effect.gen(function* () {
        const statuses = new Map<string, number>()
        for (const { path, methods } of served.closedRoutes) {
          for (const method of methods) {
            const { status } = yield* request({
              url: served.url + path,
              method,
              secret: tokenOf("guest"),
              headers: { "Content-Type": "application/json" },
              ...(method === "GET" ? {} : { body: "{}" }),
            })
            statuses.set(`${method} ${path}`, status)
          }
        }
        const open = [...statuses].filter(([, status]) => status !== 403).map(([route]) => route)
        // Reads that are filtered, and the doors that judge by what stands in the body.
        const reads = ["state", "state-summary", "slaves", "frameworks", "tasks", "roles", "weights", "quota"]
        const filtered = [...reads, "maintenance/schedule", "maintenance/status", "system/stats.json"]
        const expected = filtered.flatMap((name) => [`GET /${name}`, `POST /${name}`])
        expect(
          open.filter((route) => !expected.includes(route) && !route.startsWith("POST /api/v1")),
        ).toEqual([])
        expect(open).toContain("GET /state")
      }),
    )
  })
})

describe("the doors", () => {
  it("all have a line that says which right they need, and ask strangers for a password in Mesos's words", async () => {
    await withMaster((served) =>
      Effect.gen(function* () {
        const forgotten = served.closedRoutes.flatMap((route) =>
          route.methods
            .filter((method) => !hasRule(route, method))
            .map((method) => `${method} ${route.path}`),
        )
        expect(forgotten, "say in RouteRules.ts which right they need").toEqual([])
        const realms: Record<string, string> = {}
        for (const { path, methods } of served.closedRoutes) {
          const { status, headers, body } = yield* request({ url: served.url + path, method: methods[0]! })
          expect([status, body.slice(0, 17)], path).toEqual([401, "401 Unauthorized."])
          realms[path] = String(headers["www-authenticate"])
        }
        expect(realms["/api/v1"]).toBe('Basic realm="mesos-master-readwrite"')
        expect(realms["/teardown"]).toBe('Basic realm="mesos-master-readwrite"')
        expect(realms["/api/v1/scheduler"]).toBe('Basic realm="mesos-master-scheduler"')
        expect(realms["/state"]).toBe('Basic realm="mesos-master-readonly"')
      }),
    )
  })
})
