import { randomUUID } from "node:crypto"
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { Deferred, Effect, Fiber, Logger, LogLevel } from "effect"
import { everybodyIsAdministrator } from "../../../runtime/access/Authentication.ts"
import { runAgentDaemon } from "../../../runtime/agent/AgentDaemon.ts"
import { run, serveMaster } from "../MasterFixture.ts"
import type { V1Event, V1Framework } from "../V1Framework.ts"
import { type Act, type AgentScene, agentStepsOf } from "./AgentScenes.ts"
import { compareReply } from "./Comparison.ts"
import { ask } from "./Connection.ts"
import { Ids } from "./Ids.ts"
import { masterSettings, type Outcome } from "./Replay.ts"
import { bodyText, type Json, type Response, type Transcript } from "./Transcript.ts"

// What Mesos's agent answered, asked of a whole agent of gleaner in this process: with a real master before it, real tasks in real
// cgroups below it, and a framework that launches what the recorded one did.

/** Where the recorded agent had its sandboxes, and its port. */
const recordedSandboxes = (agentId: string) => `/srv/mesos-build/run/a0/slaves/${agentId}`
const recordedPort = "5051"

/** Cgroup parents of these replays, for whoever cleans up. */
export const agentCgroups = `gleaner-test-agentapi${process.pid}`

let scenesBegun = 0

interface ServedAgent {
  readonly url: string
  readonly agentId: string
  readonly sandboxRoot: string
  readonly masterId: string
  readonly framework: V1Framework
}

const resources = "cpus:8;mem:8192;disk:10240;ports:[31000-32000]"
const attributes = [
  { name: "rack", value: "r1" },
  { name: "zone", value: "z1" },
]

/** Serves a master and an agent like those of the recording's set-up `main`, for as long as `use` takes. */
const withAgent = <A>(use: (served: ServedAgent) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "gleaner-agentapi-"))
  // Tasks run as another user.
  chmodSync(folder, 0o755)
  const serving = Effect.gen(function* () {
    const masterId = randomUUID()
    const served = yield* serveMaster({
      settings: masterSettings,
      masterId,
      address: { hostname: "localhost", ip: "127.0.0.1", port: 5050 },
      authenticate: everybodyIsAdministrator,
    })
    const ready = yield* Deferred.make<string>()
    const end = yield* Deferred.make<void>()
    const daemon = yield* Effect.forkScoped(
      runAgentDaemon({
        folder,
        master: { url: served.url.replace("127.0.0.1", "localhost"), secret: undefined },
        ...{ credentialsFile: null, aclsFile: null, tls: undefined },
        ...{ host: "127.0.0.1", port: 0, advertisedIp: null, version: "9.9", flags: [] },
        ...{ cpuMilli: null, memMilli: null, resources, attributes },
        ...{ defaultUser: "nobody", allowRootTasks: false, monitor: "none", confinement: "required" },
        cgroupParent: `${agentCgroups}-${++scenesBegun}`,
        endTasksWhen: Deferred.await(end),
        onReady: ({ url }) => Deferred.unsafeDone(ready, Effect.succeed(url)),
      }),
    )
    const url = yield* Effect.raceFirst(
      Deferred.await(ready),
      Effect.zipRight(Fiber.join(daemon), Effect.dieMessage("the agent has ended")),
    )
    const framework = yield* served.framework
    const [agentId = ""] = served.master.state.agents.keys()
    const sandboxRoot = join(folder, "sandboxes")
    const result = yield* Effect.promise(() => use({ url, agentId, sandboxRoot, masterId, framework }))
    yield* Deferred.succeed(end, undefined)
    yield* Fiber.join(daemon)
    return result
  })
  return run(Logger.withMinimumLogLevel(serving, LogLevel.Error)).finally(() =>
    rmSync(folder, { recursive: true, force: true }),
  )
}

/** Uuids of statuses in the form of ids, so that they are compared as partners. */
const withPlainUuids = (text: string): string =>
  text.replace(/"([A-Za-z0-9+/]{22}==)"/g, (_, base64: string) => {
    const hex = Buffer.from(base64, "base64").toString("hex")
    return `"${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}"`
  })

const withBody = (response: Response, change: (text: string) => string): Response => ({
  ...response,
  body: change(bodyText(response.body, response.headers)),
})

const cpusIn = ({ resources: of }: V1Event): number =>
  of.find(({ name }: Json) => name === "cpus")?.scalar.value ?? 0

class AgentReplay {
  private readonly ids = new Ids()
  private readonly recordedAgent: string
  private acknowledged = 0
  private readonly accepted = new Set<string>()

  constructor(
    private readonly scene: AgentScene,
    private readonly served: ServedAgent,
    private readonly transcripts: ReadonlyMap<string, Transcript>,
  ) {
    const { masterId, agentId } = served
    this.recordedAgent = `${scene.master}-S0`
    this.ids.bind(scene.master, masterId)
    this.ids.bind(this.recordedAgent, agentId)
    this.ids.bindWord("localhost", hostname())
  }

  async play(): Promise<ReadonlyArray<Outcome>> {
    const outcomes: Array<Outcome> = []
    const acts = [...this.scene.acts]
    for (const { atS, transcript } of agentStepsOf(this.scene, this.transcripts.values())) {
      while ((acts[0]?.atS ?? atS) < atS) await this.act(acts.shift()!)
      outcomes.push(await this.exchange(transcript))
    }
    return outcomes
  }

  private async exchange(transcript: Transcript): Promise<Outcome> {
    const { name, request, response } = transcript
    const text = (given: string) =>
      this.ids.toOurs(given.split(recordedSandboxes(this.recordedAgent)).join(this.served.sandboxRoot))
    const ours = await ask(this.served.url, {
      ...request,
      path: text(request.path),
      body: typeof request.body === "string" ? text(request.body) : request.body,
    })
    if (ours === undefined) {
      return {
        name,
        differences: [{ path: "status", recorded: "an answer", ours: "closed without a reply" }],
      }
    }
    // Nobody wants the answer of an agent that dies of the question; that there is one is what counts.
    if (typeof response === "string") return { name, differences: [] }
    return {
      name,
      differences: compareReply(
        withBody(response, withPlainUuids),
        withBody(ours, (body) => this.toRecordedPlaces(withPlainUuids(body))),
        this.ids,
      ),
    }
  }

  private toRecordedPlaces(body: string): string {
    const { sandboxRoot, agentId, url } = this.served
    return body
      .split(sandboxRoot)
      .join(recordedSandboxes(agentId))
      .replace(new RegExp(`\\b${new URL(url).port}\\b`, "g"), recordedPort)
  }

  private async act(act: Act): Promise<void> {
    const { framework } = this.served
    switch (act.does) {
      case "subscribe": {
        await framework.subscribe({ name: act.name })
        await framework.next("SUBSCRIBED")
        return this.ids.bind(`${this.scene.master}-0000`, framework.frameworkId)
      }
      case "launch":
        return this.launch(act.operation(this.transcripts))
      case "await": {
        const status = await this.untilTold(act.taskId, act.state)
        const ours = status.container_status.container_id.value
        if (act.container !== undefined && !this.ids.isBound(act.container))
          this.ids.bind(act.container, ours)
        return
      }
      case "tear down": {
        await framework.call({ type: "TEARDOWN" })
        return this.untilQuiet()
      }
      case "be quiet":
        return this.untilQuiet()
    }
  }

  /** Whatever has come and was not acknowledged. */
  private async acknowledge(): Promise<void> {
    const { framework } = this.served
    while (this.acknowledged < framework.events.length) {
      const event = framework.events[this.acknowledged++]!
      if (event.type === "UPDATE") await framework.acknowledge(event)
    }
  }

  /** The status, once it has come. */
  private async untilTold(taskId: string, state: string): Promise<Json> {
    for (;;) {
      await this.acknowledge()
      const told = this.served.framework.events
        .flatMap(({ update }) => update?.status ?? [])
        .find((status: Json) => status.task_id.value === taskId && status.state === state)
      if (told !== undefined) return told
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Until nothing of a task is left, nor to be acknowledged. */
  private async untilQuiet(): Promise<void> {
    for (;;) {
      const body = JSON.stringify({ type: "GET_TASKS" })
      const headers = [
        ["Content-Type", "application/json"],
        ["Content-Length", ""],
      ] as const
      const reply = await ask(this.served.url, { method: "POST", path: "/api/v1", headers, body })
      const { get_tasks: tasks } = JSON.parse(bodyText(reply!.body, reply!.headers)) as Json
      if (tasks.launched_tasks.length + tasks.terminated_tasks.length === 0) return
      await this.acknowledge()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** One that was not accepted yet; those that waiting for a status passed by count as well. */
  private async newOffer(): Promise<V1Event> {
    for (;;) {
      const offered = this.served.framework.events.flatMap(({ offers }) => offers?.offers ?? [])
      // What a task gave back comes as an offer of its own, in which nothing else has room.
      const [offer] = offered
        .filter(({ id }: V1Event) => !this.accepted.has(id.value))
        .sort((left: V1Event, right: V1Event) => cpusIn(right) - cpusIn(left))
      if (offer !== undefined) {
        this.accepted.add(offer.id.value)
        return offer
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  private async launch(operation: Json): Promise<void> {
    const { framework, agentId } = this.served
    const offer = await this.newOffer()
    const text = this.ids.toOurs(JSON.stringify(operation))
    const operations = [JSON.parse(text.split(this.recordedAgent).join(agentId))]
    await framework.call({
      type: "ACCEPT",
      accept: { offer_ids: [offer.id], operations, filters: { refuse_seconds: 0 } },
    })
  }
}

export const replayAgent = (
  scene: AgentScene,
  transcripts: ReadonlyMap<string, Transcript>,
): Promise<ReadonlyArray<Outcome>> =>
  withAgent((served) => new AgentReplay(scene, served, transcripts).play())
