import { Effect, type Scope } from "effect"
import { describe, expect, it } from "vitest"
import { reportPath, subscribePath } from "../../../runtime/protocol/AgentProtocol.ts"
import { run, type ServedMaster, serveMaster } from "../../support/MasterFixture.ts"
import { statusOf } from "../../support/MasterHarness.ts"

const withMaster = (use: (served: ServedMaster) => Effect.Effect<void, unknown, Scope.Scope>) =>
  run(Effect.flatMap(serveMaster(), use))
const promise = <A>(evaluate: () => Promise<A>) => Effect.promise(evaluate)

const path = "/api/v1/scheduler"
const json = { "Content-Type": "application/json", Accept: "application/json" }
const subscribe = JSON.stringify({
  type: "SUBSCRIBE",
  subscribe: { framework_info: { user: "root", name: "x" } },
})

/** `OfferFilters` of so many cpus. */
const minimum = (cpus: number) => ({
  min_allocatable_resources: { quantities: [{ quantities: { cpus: { value: cpus } } }] },
})

describe("the scheduler API", () => {
  it("carries a task from its offer to the acknowledgement of its end", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const agent = yield* served.agent
        const framework = yield* served.framework
        yield* promise(async () => {
          const { agentId } = await agent.join()
          expect(agentId).toBe("m-S0")
          const { status, headers } = await framework.subscribe()
          expect(status).toBe(200)
          expect(headers["content-type"]).toBe("application/json")
          expect(headers["mesos-stream-id"]).toMatch(/^[0-9a-f-]{36}$/)
          const offers = await framework.next("OFFERS")
          expect(framework.events.map(({ type }) => type)).toEqual(["SUBSCRIBED", "HEARTBEAT", "OFFERS"])
          const [offer] = offers.offers.offers
          expect(offer).toMatchObject({ agent_id: { value: "m-S0" }, hostname: "host" })

          const accepted = await framework.launch(offer, { id: "t", command: { value: "true" } })
          expect(accepted).toMatchObject({ status: 202, body: "" })
          expect(accepted.headers["content-type"]).toBeUndefined()
          const launch = await agent.next("Message")
          expect(launch).toMatchObject({
            id: 1,
            message: { type: "LaunchTask", spec: { taskId: "t", frameworkId: "m-0000", role: "web" } },
          })

          const uuid = "cd1444ad-41d3-4e71-8d58-e38acca20e67"
          const ended = statusOf(agentId, "m-0000", "t", "TASK_FINISHED", uuid)
          expect(await agent.report({ processedId: 1, statuses: [ended] })).toEqual({ status: 202, body: "" })
          expect(served.master.outboxSize()).toBe(0)
          const update = await framework.next("UPDATE")
          expect(update.update.status).toMatchObject({
            state: "TASK_FINISHED",
            uuid: "zRRErUHTTnGNWOOKzKIOZw==",
          })
          await framework.acknowledge(update)
          const acknowledged = await agent.next("Message")
          expect(acknowledged.message).toEqual({
            type: "AcknowledgeStatus",
            frameworkId: "m-0000",
            taskId: "t",
            uuid,
          })
          expect(served.master.state.tasks.size).toBe(0)
          expect(await framework.call({ type: "TEARDOWN" })).toMatchObject({ status: 202 })
          expect(await framework.call({ type: "REVIVE" })).toMatchObject({
            status: 400,
            body: "Framework cannot be found",
          })
        })
      }),
    ))

  // Status and text are those of the transcripts scheduler/main_57 to main_59.
  it("answers UPDATE_FRAMEWORK at once, and changes all or nothing", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const framework = yield* served.framework
        yield* promise(async () => {
          await framework.subscribe()
          await framework.next("SUBSCRIBED")
          const info = {
            ...{ user: "root", name: "v1", roles: ["web", "batch"], labels: { labels: [{ key: "k" }] } },
            capabilities: [{ type: "MULTI_ROLE" }, { type: "RESERVATION_REFINEMENT" }],
            id: { value: framework.frameworkId },
          }
          const update = (changes: object, others: object = {}) =>
            framework.call({
              type: "UPDATE_FRAMEWORK",
              update_framework: { framework_info: { ...info, ...changes }, ...others },
            })
          expect(await update({}, { suppressed_roles: ["batch"] })).toMatchObject({ status: 200, body: "" })
          const updated = served.master.state.frameworks.get(framework.frameworkId)
          expect(updated).toMatchObject({
            info: { roles: ["web", "batch"], labels: [{ key: "k", value: "" }] },
            suppressedRoles: ["batch"],
          })
          expect(await update({ user: "nobody" })).toMatchObject({
            status: 400,
            body: "FrameworkInfo update is not valid: Updating 'FrameworkInfo.user' is unsupported; attempted to update from 'root' to 'nobody'",
          })
          expect(await update({ roles: ["a b"] })).toMatchObject({
            status: 400,
            body: "Supplied FrameworkInfo is not valid: 'FrameworkInfo.roles' contains invalid role: Role component 'a b' is invalid because it contains backspace or whitespace",
          })
          expect(await update({}, { suppressed_roles: ["other"] })).toMatchObject({
            status: 400,
            body: "Suppressed roles { other } are not contained in the set of roles",
          })
          expect(served.master.state.frameworks.get(framework.frameworkId)).toEqual(updated)
        })
      }),
    ))

  it("takes messages to executors and does nothing with them; SHUTDOWN of a command's executor kills it", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const agent = yield* served.agent
        const framework = yield* served.framework
        yield* promise(async () => {
          const { agentId } = await agent.join()
          await framework.subscribe()
          const [offer] = (await framework.next("OFFERS")).offers.offers
          await framework.launch(offer, { id: "t", command: { value: "true" } })
          await agent.next("Message")
          const of = { agent_id: { value: agentId }, executor_id: { value: "t" } }
          expect(await framework.call({ type: "MESSAGE", message: { ...of, data: "aGk=" } })).toMatchObject({
            status: 202,
            body: "",
          })
          const unknown = { ...of, executor_id: { value: "nobody" } }
          expect(await framework.call({ type: "SHUTDOWN", shutdown: unknown })).toMatchObject({ status: 202 })
          expect(await framework.call({ type: "SHUTDOWN", shutdown: of })).toMatchObject({ status: 202 })
          // The first message after the launch: neither of the others has come to the agent.
          expect(await agent.next("Message")).toMatchObject({
            id: 2,
            message: { type: "KillTask", frameworkId: framework.frameworkId, taskId: "t" },
          })
        })
      }),
    ))

  // The events are those of the transcript scheduler/group_stream.
  it("launches a group of tasks, names its executor everywhere, and tells of its end", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const agent = yield* served.agent
        const framework = yield* served.framework
        yield* promise(async () => {
          const { agentId } = await agent.join({ total: { cpus: 4_000, mem: 8_000_000, disk: 1_000_000 } })
          await framework.subscribe()
          const [offer] = (await framework.next("OFFERS")).offers.offers
          const amount = (name: string, value: number) => ({ name, type: "SCALAR", scalar: { value } })
          const of = { agent_id: { value: agentId }, resources: [amount("cpus", 0.1)] }
          const tasks = ["a", "b"].map((id) => ({
            ...{ name: id, task_id: { value: id }, command: { value: "true" } },
            ...of,
          }))
          const resources = [amount("cpus", 0.1), amount("mem", 32), amount("disk", 32)]
          const executor = { type: "DEFAULT", executor_id: { value: "e" }, resources }
          const operations = [{ type: "LAUNCH_GROUP", launch_group: { executor, task_group: { tasks } } }]
          const accept = { offer_ids: [offer.id], operations, filters: { refuse_seconds: 0 } }
          expect(await framework.call({ type: "ACCEPT", accept })).toMatchObject({ status: 202 })
          const { message } = await agent.next("Message")
          expect(message).toMatchObject({ type: "LaunchGroup", specs: [{ taskId: "a" }, { taskId: "b" }] })
          const next = (await framework.next("OFFERS")).offers.offers[0]
          expect(next.executor_ids).toEqual([{ value: "e" }])
          const statuses = ["a", "b"].map((id) => ({
            ...statusOf(
              agentId,
              framework.frameworkId,
              id,
              "TASK_FAILED",
              `${id}d1444ad-41d3-4e71-8d58-e38acca20e67`,
            ),
            executorId: "e",
          }))
          await agent.report({ processedId: 1, statuses })
          const update = await framework.next("UPDATE")
          expect(update.update.status).toMatchObject({ executor_id: { value: "e" }, state: "TASK_FAILED" })
          expect(await framework.next("FAILURE")).toMatchObject({
            failure: { agent_id: { value: agentId }, executor_id: { value: "e" }, status: 0 },
          })
        })
      }),
    ))

  // Status and text are those of the transcripts scheduler/err_*.
  it("refuses what comes with the wrong words around it, in Mesos's order", () =>
    withMaster(({ ask }) =>
      Effect.gen(function* () {
        const refusal = (options: Parameters<typeof ask>[1]) =>
          Effect.map(ask(path, { method: "POST", headers: json, body: subscribe, ...options }), (reply) => [
            reply.status,
            reply.body,
          ])
        expect(yield* refusal({ method: "PUT" })).toEqual([
          405,
          "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'PUT'.",
        ])
        expect(yield* refusal({ headers: {} })).toEqual([400, "Expecting 'Content-Type' to be present"])
        expect(yield* refusal({ headers: { "Content-Type": "text/plain" } })).toEqual([
          415,
          "Expecting 'Content-Type' of application/json or application/x-protobuf",
        ])
        expect(yield* refusal({ headers: { ...json, Accept: "text/html" } })).toEqual([
          406,
          "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'",
        ])
        expect(yield* refusal({ headers: { ...json, "Mesos-Stream-Id": "s" } })).toEqual([
          400,
          "Subscribe calls should not include the 'Mesos-Stream-Id' header",
        ])
        expect(yield* refusal({ body: "{nope" })).toEqual([
          400,
          "Failed to parse body into JSON: syntax error at line 1 near: nope",
        ])
        expect(yield* refusal({ body: "{}", headers: { ...json, Accept: "text/html" } })).toEqual([
          400,
          "Failed to validate scheduler::Call: Expecting 'type' to be present",
        ])
        expect(yield* refusal({ body: '{"type":"UNKNOWN","framework_id":{"value":"f"}}' })).toEqual([
          501,
          "gleaner does not take the call UNKNOWN yet",
        ])
        const [status] = yield* refusal({ headers: { ...json, Authorization: "Bearer wrong" } })
        expect(status).toBe(401)
      }),
    ))

  it("takes 1 MiB as a call or a report, and only a registration may be longer", () =>
    withMaster(({ ask }) =>
      Effect.gen(function* () {
        const body = " ".repeat(1024 * 1024 + 1)
        const post = (to: string) =>
          Effect.map(ask(to, { method: "POST", headers: json, body }), ({ status }) => status)
        expect(yield* Effect.forEach([path, reportPath, subscribePath], post)).toEqual([413, 413, 400])
      }),
    ))

  it("tells a framework by an ERROR event what makes no sense in what it demands of offers", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const framework = yield* served.framework
        yield* promise(async () => {
          const { status } = await framework.subscribe({ offer_filters: { ads: minimum(1) } })
          expect(status).toBe(200)
          const { error } = await framework.next("ERROR")
          expect(error.message).toContain("a role 'ads' not contained in the set of roles")
        })
        const body = JSON.stringify({
          type: "SUBSCRIBE",
          subscribe: {
            framework_info: { user: "", name: "x" },
            offer_constraints: { role_constraints: { "*": { groups: [] } } },
          },
        })
        const reply = yield* served.ask(path, { headers: json, body })
        expect([reply.status, reply.body.slice(reply.body.indexOf("{"))]).toEqual([
          200,
          `{"type":"ERROR","error":{"message":"'offer_constraints' for role '*': there must be a group"}}`,
        ])
        expect(served.master.state.frameworks.size).toBe(0)
      }),
    ))

  it("offers nothing below what a framework wants at least, whatever others take", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const [picky, modest] = [yield* served.framework, yield* served.framework]
        const agent = yield* served.agent
        yield* promise(async () => {
          await picky.subscribe({ offer_filters: { web: minimum(4.5) } })
          await picky.next("HEARTBEAT")
          await agent.join()
          await modest.subscribe()
          const { offers } = await modest.next("OFFERS")
          expect(offers.offers[0].resources[0]).toMatchObject({ name: "cpus", scalar: { value: 4 } })
          expect(picky.events.map(({ type }) => type)).not.toContain("OFFERS")
        })
      }),
    ))

  it("judges the framework before its stream, and says which stream it means", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const framework = yield* served.framework
        yield* promise(async () => {
          await framework.subscribe({ failover_timeout: 60 })
          await framework.next("HEARTBEAT")
          const revive = (headers: Record<string, string>) => framework.call({ type: "REVIVE" }, headers)
          expect(await revive({ "Mesos-Stream-Id": "other" })).toMatchObject({
            status: 400,
            body: "The stream ID 'other' included in this request didn't match the stream ID currently associated with framework ID m-0000",
          })
        })
        const call = (frameworkId: string) =>
          served.ask(path, {
            headers: json,
            body: JSON.stringify({ type: "REVIVE", framework_id: { value: frameworkId } }),
          })
        expect(yield* call("nope")).toMatchObject({ status: 400, body: "Framework cannot be found" })
        expect(yield* call("m-0000")).toMatchObject({
          status: 400,
          body: "All non-subscribe calls should include the 'Mesos-Stream-Id' header",
        })
        framework.close()
        yield* promise(async () => {
          while (served.master.state.frameworks.get("m-0000")?.streamId !== null) {
            await new Promise((resolve) => setTimeout(resolve, 5))
          }
        })
        expect(yield* call("m-0000")).toMatchObject({ status: 403, body: "Framework is not subscribed" })
      }),
    ))

  it("ends the first stream of a framework that subscribes again, whose calls are then of another stream", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const [first, second] = [yield* served.framework, yield* served.framework]
        yield* promise(async () => {
          await first.subscribe()
          await first.next("HEARTBEAT")
          await second.subscribe({}, "m-0000")
          expect((await second.next("SUBSCRIBED")).subscribed.framework_id.value).toBe("m-0000")
          expect((await first.next("ERROR")).error.message).toBe("Framework failed over")
          await expect(first.next("HEARTBEAT")).rejects.toThrow("the stream is over")
          expect((await first.call({ type: "REVIVE" })).body).toContain(`The stream ID '${first.streamId}'`)
          expect(await second.call({ type: "REVIVE" })).toMatchObject({ status: 202 })
          // The end of the first stream is not the framework's.
          expect(served.master.state.frameworks.get("m-0000")?.streamId).toBe(second.streamId)
        })
      }),
    ))

  it("tells on the stream what is wrong with a framework, with status 200", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const [bad, removed, back] = [
          yield* served.framework,
          yield* served.framework,
          yield* served.framework,
        ]
        yield* promise(async () => {
          expect(await bad.subscribe({ roles: ["a b"] })).toMatchObject({ status: 200 })
          expect((await bad.next("ERROR")).error.message).toContain("contains invalid role")
          await expect(bad.next("SUBSCRIBED")).rejects.toThrow("the stream is over")
          expect(served.master.state.frameworks.size).toBe(0)
          await removed.subscribe()
          await removed.next("HEARTBEAT")
          await removed.call({ type: "TEARDOWN" })
          await back.subscribe({}, "m-0000")
          expect((await back.next("ERROR")).error.message).toBe("Framework has been removed")
        })
      }),
    ))

  it("serves under /master too, and takes a framework that another master knew", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const framework = yield* served.framework
        yield* promise(async () => {
          await framework.subscribe({}, "elsewhere-0007")
          expect((await framework.next("SUBSCRIBED")).subscribed.framework_id.value).toBe("elsewhere-0007")
        })
        const reply = yield* served.ask(`/master${path}/`, { headers: json, body: "{}" })
        expect(reply.status).toBe(400)
      }),
    ))
})
