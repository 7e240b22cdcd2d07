import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Option } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Resources } from "../../../../core/resources/Resources.ts"
import { parseResources } from "../../../../core/resources/ResourceText.ts"
import { agentRouteRules } from "../../../../runtime/access/AgentRules.ts"
import { makeAuthenticate } from "../../../../runtime/access/Authentication.ts"
import { makeAuthorizer } from "../../../../runtime/access/Authorizer.ts"
import { digestOf } from "../../../../runtime/access/Credentials.ts"
import { makeDoor } from "../../../../runtime/access/Door.ts"
import { closeAgentRoute, openRoute } from "../../../../runtime/access/RouteRules.ts"
import { agentPrefixes, makeOperatorRoutes, openAgentRoutes } from "../../../../runtime/agent/OperatorApi.ts"
import type { AgentFacts } from "../../../../runtime/agent/operator/Facts.ts"
import { makeSandbox } from "../../../../runtime/agent/Sandbox.ts"
import { makeTaskHistory } from "../../../../runtime/agent/TaskHistory.ts"
import { Cgroups } from "../../../../runtime/cgroups/Cgroups.ts"
import * as Unconfined from "../../../../runtime/cgroups/Unconfined.ts"
import { request } from "../../../../runtime/http/Client.ts"
import { serve } from "../../../../runtime/http/Listener.ts"
import { routesToHandler } from "../../../../runtime/http/Routes.ts"
import { agentCallTypes } from "../../../../runtime/mesos/AgentCall.ts"
import { DaemonLogFile, ownLogAt } from "../../../../runtime/OwnLog.ts"
import { AgentHarness, spec } from "../../../support/AgentHarness.ts"
import { run } from "../../http/ListenerFixture.ts"

// An agent's doors for tools of Mesos over real HTTP: who is answered, and what is left out for whom.

// biome-ignore lint/suspicious/noExplicitAny: JSON of a foreign protocol, looked into by tests
type Json = any

const secret = "0123456789abcdef0123456789abcdef"

const authenticate = makeAuthenticate({
  secret,
  credentials: {
    secrets: new Map([
      ["bob", digestOf("bobpw")],
      ["eve", digestOf("evepw")],
    ]),
    tokens: new Map(),
  },
  // Bob sees the work of the user web; eve has proven who she is, and may do nothing.
  authorizer: makeAuthorizer({
    isPermissive: false,
    rules: Object.fromEntries(
      (["view_frameworks", "view_tasks", "view_executors", "view_containers"] as const).map((action) => [
        action,
        [{ principals: ["bob"], objects: ["web"] }],
      ]),
    ),
  }),
})

let folder: string
let sandbox: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-operator-"))
  const place = { frameworkId: "f", taskId: "t", containerId: "c" }
  sandbox = await Effect.runPromise(
    makeSandbox(folder, place, { uid: process.getuid!(), gid: process.getgid!() }),
  )
  writeFileSync(join(sandbox, "stdout"), "hello")
  symlinkSync("/etc", join(sandbox, "etc"))
  writeFileSync(join(folder, "log"), "logged")
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const factsWith = (): AgentFacts => {
  const agent = new AgentHarness()
  agent.step({ type: "Registered", agentId: "a" })
  for (const [taskId, frameworkUser] of [
    ["of-web", "web"],
    ["of-db", "db"],
  ] as const) {
    agent.step({
      type: "LaunchRequested",
      spec: spec({
        ...{ taskId, frameworkUser, frameworkId: `f-${frameworkUser}` },
        command: { ...spec().command, environment: [{ name: "PASSWORD", value: "do-not-tell-this" }] },
      }),
    })
  }
  return {
    identity: {
      ...{ version: "9", masterHostname: "m", attributes: [], startedWallMs: 0, recoveryMs: 5 },
      address: { hostname: "here", ip: "127.0.0.1", port: 5051 },
      base: parseResources("cpus:8;mem:1024") as Resources,
      flags: [{ name: "port", value: "5051" }],
      ...{ sandboxRoot: folder, runRoot: folder },
    },
    state: agent.state,
    history: makeTaskHistory(agent.state),
    frameworkOf: () => undefined,
    uptimeMs: 1,
    removals: { succeeded: 0, failed: 0 },
  }
}

interface Ask {
  readonly method?: string
  readonly as?: string
  readonly body?: object
}

const served = <A>(
  use: (ask: (path: string, how?: Ask) => Promise<{ status: number; body: string }>) => Promise<A>,
) =>
  run(
    Effect.gen(function* () {
      const door = makeDoor(authenticate, { strangerRate: null })
      const facts = factsWith()
      const routes = [
        ...openAgentRoutes("9").map(openRoute(door)),
        ...makeOperatorRoutes(() => facts, folder).map(closeAgentRoute(door)),
      ]
      const { url } = yield* serve({
        host: "127.0.0.1",
        port: 0,
        handler: routesToHandler<Cgroups>(routes, { prefixes: agentPrefixes }),
      })
      return yield* Effect.promise(() =>
        use((path, { method = "GET", as = `Bearer ${secret}`, body } = {}) =>
          Effect.runPromise(
            request({
              url: url + path,
              method: body === undefined ? method : "POST",
              headers: {
                ...(as === "" ? {} : { Authorization: as }),
                ...(body === undefined ? {} : { "Content-Type": "application/json" }),
              },
              ...(body === undefined ? {} : { body: JSON.stringify(body) }),
            }),
          ),
        ),
      )
    }).pipe(
      Effect.provideServiceEffect(Cgroups, Unconfined.make({ folder: join(folder, "containers") })),
      Effect.provideService(DaemonLogFile, Option.some(ownLogAt(join(folder, "log")))),
    ),
  )

const basic = (name: string) => `Basic ${Buffer.from(`${name}:${name}pw`).toString("base64")}`
const closedPaths = Object.keys(agentRouteRules).filter((path) => !path.startsWith("/gleaner/"))
const call = (type: string, members: object = {}) => ({ body: { type, ...members } })

describe("an agent's doors for tools of Mesos", () => {
  it("are shut for strangers, except health and version", () =>
    served(async (ask) => {
      for (const path of closedPaths) {
        for (const prefix of ["", "/slave(1)", "/slave%281%29"]) {
          expect(
            await ask(prefix + path, { as: "", ...(path === "/api/v1" ? call("GET_STATE") : {}) }),
          ).toMatchObject({
            status: 401,
          })
        }
      }
      expect(await ask("/slave(1)/health", { as: "" })).toMatchObject({ status: 200, body: "" })
      expect(await ask("/version", { as: "" })).toMatchObject({ status: 200 })
    }))

  it("show principals what they may see, and leave out the rest", () =>
    served(async (ask) => {
      const tasksFor = async (as: string) => {
        const { body } = await ask("/api/v1", { as, ...call("GET_TASKS") })
        return JSON.parse(body).get_tasks.launched_tasks.map((task: Json) => task.task_id.value)
      }
      expect(await tasksFor(`Bearer ${secret}`)).toEqual(["of-web", "of-db"])
      expect(await tasksFor(basic("bob"))).toEqual(["of-web"])
      expect(await tasksFor(basic("eve"))).toEqual([])
      for (const path of ["/state", "/containers", "/slave(1)/monitor/statistics"]) {
        expect((await ask(path, { as: basic("bob") })).body).not.toContain("of-db")
        expect((await ask(path, { as: basic("eve") })).body).not.toContain("of-web")
      }
      const state = JSON.parse((await ask("/state", { as: basic("bob") })).body)
      expect(state.flags).toBeUndefined()
      // Sums are of the whole host.
      expect(state.unreserved_resources_allocated.cpus).toBe(0.2)
    }))

  it("refuse principals what no rule gives them", () =>
    served(async (ask) => {
      const as = basic("eve")
      for (const path of ["/flags", "/metrics/snapshot", "/logging/toggle", "/files/debug"]) {
        expect(await ask(path, { as })).toMatchObject({ status: 403 })
      }
      for (const name of ["browse", "read", "download"]) {
        for (const path of ["/frameworks/f/executors/t/runs/latest/stdout", "/slave/log", ""]) {
          expect(await ask(`/files/${name}?path=${path}`, { as })).toMatchObject({ status: 403 })
        }
      }
      const id = { container_id: { value: "c", parent: { value: "p" } } }
      const allowed = ["GET_HEALTH", "GET_VERSION", "GET_METRICS", "GET_LOGGING_LEVEL", "GET_AGENT"]
      const filtered = ["GET_STATE", "GET_CONTAINERS", "GET_FRAMEWORKS", "GET_EXECUTORS", "GET_TASKS"]
      for (const type of agentCallTypes) {
        const { status } = await ask("/api/v1", { as, ...call(type, membersFor(type, id)) })
        const isOpen = [...allowed, ...filtered, "GET_RESOURCE_PROVIDERS"].includes(type)
        expect([type, status]).toEqual([type, isOpen ? 200 : type === "UNKNOWN" ? 501 : 403])
      }
    }))

  it("answer every call that there is, or say what to do instead", () =>
    served(async (ask) => {
      const id = { container_id: { value: "c", parent: { value: "p" } } }
      for (const type of agentCallTypes) {
        const { status, body } = await ask("/api/v1", call(type, membersFor(type, id)))
        const isContainerCall = /CONTAINER(_SESSION|_INPUT|_OUTPUT)?$/.test(type)
        const isLaunch = type.startsWith("LAUNCH_")
        if (isContainerCall && !isLaunch) expect([type, status]).toEqual([type, 404])
        else if (isLaunch || /PROVIDER_(CONFIG|GONE)$|UNKNOWN|PRUNE/.test(type)) {
          expect([type, status]).toEqual([type, 501])
        } else expect([type, status, body.slice(0, 9)]).toEqual([type, 200, body === "" ? "" : '{"type":"'])
      }
    }))

  it("tell no environment of a task to anybody", () =>
    served(async (ask) => {
      const paths = ["/state", "/containers", "/monitor/statistics", "/flags"]
      const answers = [
        ...(await Promise.all(paths.map((path) => ask(path)))),
        ...(await Promise.all(
          ["GET_STATE", "GET_TASKS", "GET_EXECUTORS", "GET_CONTAINERS"].map((type) =>
            ask("/api/v1", call(type)),
          ),
        )),
      ]
      for (const { status, body } of answers) {
        expect(status).toBe(200)
        expect(body).not.toContain("do-not-tell-this")
      }
    }))

  it("list and read a sandbox by either of its paths, and nothing outside of it", () =>
    served(async (ask) => {
      const virtual = "/frameworks/f/executors/t/runs/latest"
      for (const path of [sandbox, virtual, `${virtual}/`]) {
        const { body } = await ask(`/files/browse?path=${path}`)
        const entries = JSON.parse(body)
        expect(
          entries.map((entry: Json) => [entry.path.split("/").pop(), entry.mode[0], entry.size]),
        ).toEqual([
          ["etc", "l", 4],
          ["stdout", "-", 5],
        ])
        const read = await ask(
          "/api/v1",
          call("READ_FILE", { read_file: { path: entries[1].path, offset: 1 } }),
        )
        expect(JSON.parse(read.body).read_file).toEqual({ size: 5, data: "ZWxsbw==" })
      }
      expect(JSON.parse((await ask("/files/read?path=/slave/log&offset=0")).body).data).toBe("logged")
      expect(await ask(`/files/browse?path=${virtual}/stdout`)).toMatchObject({ status: 200, body: "[]" })
      for (const path of [
        "/etc/passwd",
        `${virtual}/etc/passwd`,
        `${virtual}/../../../../log`,
        `${folder}/log`,
      ]) {
        const { status, body } = await ask(`/files/read?path=${path}&offset=0`)
        expect([path, status >= 400, body.includes("root:")]).toEqual([path, true, false])
      }
      for (const path of ["/frameworks", "/frameworks/f/executors", folder, `${virtual}/etc`]) {
        expect([path, (await ask(`/files/browse?path=${path}`)).status >= 400]).toEqual([path, true])
      }
    }))
})

const membersFor = (type: string, ofContainer: object): object => {
  const members: { readonly [type: string]: object } = {
    GET_METRICS: {},
    SET_LOGGING_LEVEL: { level: 0, duration: { nanoseconds: 1 } },
    LIST_FILES: { path: "/frameworks/f/executors/t/runs/latest" },
    READ_FILE: { path: "/slave/log", offset: 0 },
    ATTACH_CONTAINER_INPUT: { type: "CONTAINER_ID", ...ofContainer },
    ADD_RESOURCE_PROVIDER_CONFIG: { info: {} },
    UPDATE_RESOURCE_PROVIDER_CONFIG: { info: {} },
    REMOVE_RESOURCE_PROVIDER_CONFIG: { type: "t", name: "n" },
    MARK_RESOURCE_PROVIDER_GONE: { resource_provider_id: { value: "r" } },
  }
  return { [type.toLowerCase()]: members[type] ?? ofContainer }
}
