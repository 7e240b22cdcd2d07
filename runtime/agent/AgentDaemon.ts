import { randomBytes } from "node:crypto"
import { hostname } from "node:os"
import { join } from "node:path"
import { Clock, Data, Effect, Layer, Schedule } from "effect"
import type { AgentAction } from "../../core/agent/Action.ts"
import { defaultAgentSettings } from "../../core/agent/State.ts"
import type { TextAttribute } from "../../core/master/State.ts"
import { resourcesToPlain } from "../../core/resources/PlainForm.ts"
import { type Resources, resourcesToText, scalarQuantities } from "../../core/resources/Resources.ts"
import { chooseAdvertisedIp } from "../AdvertisedAddress.ts"
import { readAgentAccess } from "../access/Access.ts"
import { makeDoor } from "../access/Door.ts"
import { closeAgentRoute, openRoute } from "../access/RouteRules.ts"
import { Cgroups } from "../cgroups/Cgroups.ts"
import * as CgroupV1 from "../cgroups/CgroupV1.ts"
import * as LinuxKernel from "../cgroups/LinuxKernel.ts"
import * as Unconfined from "../cgroups/Unconfined.ts"
import { makeFolder, makePrivateFolder } from "../DataFolder.ts"
import { readBootId } from "../host/BootId.ts"
import { httpUrl, schemeOf } from "../http/HttpUrl.ts"
import { serve } from "../http/Listener.ts"
import type { ListenerTls } from "../http/ListenerTls.ts"
import { type Route, routesToHandler } from "../http/Routes.ts"
import * as FileJournal from "../journal/FileJournal.ts"
import type { Journal } from "../journal/Journal.ts"
import type { MasterAccess } from "../mesos/SchedulerClient.ts"
import { type Agent, makeAgent, type RecoveredAgent, recoverAgent } from "./Agent.ts"
import * as AgentMetrics from "./AgentMetrics.ts"
import { makeFilesRoutes } from "./FilesApi.ts"
import { makeHostRoutes, makeMetricsRoutes } from "./HostApi.ts"
import { makeKnownFrameworks } from "./KnownFrameworks.ts"
import * as Launcher from "./Launcher.ts"
import { type LentOptions, lentResources } from "./LentResources.ts"
import { sweepRunRoot } from "./launcher/RunFolder.ts"
import { heldTasksOf } from "./lease/ToldTasks.ts"
import { type MasterLink, makeMasterLink } from "./MasterLink.ts"
import { withMesosFlags } from "./MesosFlags.ts"
import { type MonitorLease, makeMonitorLease } from "./MonitorLease.ts"
import { agentPrefixes, makeOperatorRoutes, openAgentRoutes } from "./OperatorApi.ts"
import { checkpointIn, endOrphans } from "./Orphans.ts"
import type { AgentFacts, AgentIdentity, Flag } from "./operator/Facts.ts"
import { closedFolders } from "./Sandbox.ts"
import { keepSandboxesClean, sandboxAgeMsMax } from "./SandboxCleanup.ts"
import { makeTaskHistory } from "./TaskHistory.ts"
import { makeTaskRunner } from "./TaskRunner.ts"
import { makeVolumeKeeper } from "./Volumes.ts"

export interface AgentDaemonOptions extends LentOptions {
  readonly master: MasterAccess
  /** Files of principals who may ask this agent and of what they may do; null = only who has the secret of the agent itself. */
  readonly credentialsFile: string | null
  readonly aclsFile: string | null
  /** Undefined = plain HTTP. */
  readonly tls: ListenerTls | undefined
  readonly host: string
  readonly port: number
  /** The address that others are told; null = found out. */
  readonly advertisedIp: string | null
  readonly version: string
  /** The settings in force, as `/flags` shows them. */
  readonly flags: ReadonlyArray<Flag>
  readonly attributes: ReadonlyArray<TextAttribute>
  readonly defaultUser: string
  readonly allowRootTasks: boolean
  readonly cgroupParent: string
  /** `none` lends without a monitor: what is lent then does not follow the primary. */
  readonly monitor: "required" | "none"
  /** `none` runs tasks without limits where this host cannot enforce them, and lends without a monitor: without cgroups
   * nobody can tell the primary from what is borrowed. */
  readonly confinement: "required" | "none"
  /** Completes when the agent is to end all its tasks and then itself; its interruption leaves them alone. */
  readonly endTasksWhen: Effect.Effect<void>
  /** Called once the master knows this agent. */
  readonly onReady: (facts: { readonly url: string; readonly resources: string }) => void
}

/** Not to be started again by itself: it would only be told the same. */
export class ToldToEndByMaster extends Data.TaggedError("ToldToEndByMaster")<{ readonly reason: string }> {
  override get message(): string {
    return `the master told this agent to end: ${this.reason}; its tasks have ended`
  }
}

/** How long ending tasks may take at a stop: their grace, then their destruction. */
const stopWaitMs = 30_000
const flushWaitMs = 3_000

/** Events kept in the checkpoints, for people. */
const keptEvents = 1_000

/**
 * A whole agent: checkpoints, cgroups, launcher, machine, link to the master, HTTP. Runs until `endTasksWhen`; when it is
 * interrupted instead, or killed, or its disk fails, the tasks live on, and the next agent of this folder regains them.
 */
export const runAgentDaemon = (options: AgentDaemonOptions) => {
  const program = Effect.gen(function* () {
    const startedWallMs = yield* Clock.currentTimeMillis
    const sandboxRoot = join(options.folder, "sandboxes")
    const runRoot = join(options.folder, "runs")
    const volumeRoot = join(options.folder, "volumes")
    yield* makeFolder(sandboxRoot)
    yield* makePrivateFolder(runRoot)
    // First, because its lock makes this the only agent of the folder.
    const path = checkpointIn(options.folder)
    const metrics = yield* AgentMetrics.AgentMetrics
    const journal = measured(yield* FileJournal.make({ path, keepEvents: keptEvents }), metrics)
    const seed = randomBytes(16).toString("hex")
    const recovered = yield* recoverAgent(journal, seed, defaultAgentSettings)
    yield* Launcher.installLaunchScript(options.folder)
    yield* warnOfClosedFolders(sandboxRoot)
    const total = yield* lentResources(options)
    const alive = livingContainers(recovered)
    metrics.observeRegained(alive.size)
    yield* endOrphans(alive, runRoot)
    yield* Effect.sync(() => sweepRunRoot(runRoot, (containerId) => alive.has(containerId)))

    const { defaultUser, allowRootTasks } = options
    const volumes = yield* makeVolumeKeeper(volumeRoot, () => randomBytes(16).toString("hex"))
    const runner = yield* makeTaskRunner({ sandboxRoot, volumeRoot, runRoot, defaultUser, allowRootTasks })
    let link: MasterLink | undefined
    let evict = (_containerId: string, _why: string): void => {}
    const lease = yield* makeMonitorLease({
      folder: options.folder,
      total: scalarQuantities(total),
      isMonitored: options.monitor === "required" && options.confinement === "required",
      tasks: () => heldTasksOf(recovered.state, Date.now()),
      evict: (containerId, why) => evict(containerId, why),
      onReserveChanged: () => link?.reserveChanged(),
    })
    const carryOut = (action: AgentAction, agent: Agent): Effect.Effect<void> => {
      switch (action.type) {
        case "StartTask":
          return runner.start(action.spec, action.containerId, agent)
        case "RegainTask":
          return runner.regain(action, agent)
        case "TerminateTask":
          return runner.terminate(action.containerId)
        case "DestroyContainer":
          return runner.destroy(action, agent)
        case "ApplyVolumes":
          return volumes.apply(action, agent)
        case "SendOutcome":
          return Effect.sync(() => link?.sendOutcome(action.outcome))
        case "SendStatus":
          return Effect.sync(() => link?.send(action.status, action.latestState))
      }
    }
    const agent = yield* makeAgent(journal, recovered, carryOut)
    agent.submit({ type: "AgentStarted", bootId: readBootId() })
    evict = (containerId, why) => agent.submit({ type: "EvictionRequested", containerId, why })
    const history = makeTaskHistory(agent.state)
    agent.onDurable(history.observe)
    const frameworks = makeKnownFrameworks(
      (id) =>
        [...agent.state.tasks.values()].some(({ spec }) => spec.frameworkId === id) ||
        history.past().some(({ spec }) => spec.frameworkId === id),
    )
    const isInUse = (containerId: string) =>
      [...agent.state.tasks.values()].some((task) => task.containerId === containerId)
    const removals = { succeeded: 0, failed: 0 }
    const onRemoved = (succeeded: number, failed: number) => {
      removals.succeeded += succeeded
      removals.failed += failed
    }
    yield* Effect.forkScoped(keepSandboxesClean({ sandboxRoot, isInUse, onRemoved }))

    const recoveredWallMs = yield* Clock.currentTimeMillis
    let port = options.port
    const identity = makeIdentity(options, {
      ...{ total, sandboxRoot, runRoot, startedWallMs },
      recoveryMs: recoveredWallMs - startedWallMs,
    })
    const listener = yield* listen(options, sandboxRoot, {
      view: lease.view,
      metrics: { contentType: metrics.contentType, expose: () => metrics.expose(agent.state, lease) },
      facts: () => ({
        identity: identity(port),
        state: agent.state,
        history,
        frameworkOf: frameworks.find,
        uptimeMs: Math.max(0, Date.now() - startedWallMs),
        removals,
      }),
    })
    port = listener.port
    const ip = chooseAdvertisedIp(listener.host, options.advertisedIp)
    const { url, secret, tls } = options.master
    const connected = yield* makeMasterLink(
      {
        masterUrl: url,
        secret,
        tls,
        reserve: lease.reserve,
        onFrameworks: frameworks.tell,
        facts: {
          address: { hostname: hostname(), ip, port: listener.port },
          total: resourcesToPlain(total),
          attributes: options.attributes,
          version: options.version,
        },
      },
      agent,
    )
    link = connected
    const serving = Effect.gen(function* () {
      yield* connected.registered
      const resources = resourcesToText(total)
      yield* Effect.logInfo("agent serves").pipe(
        Effect.annotateLogs({ url: listener.url, master: url, resources }),
      )
      options.onReady({ url: httpUrl(ip, listener.port, schemeOf(listener.url)), resources })
      return yield* Effect.never
    })
    const asked = Effect.as(options.endTasksWhen, undefined)
    const told = yield* Effect.raceFirst(
      serving,
      Effect.raceFirst(agent.failed, Effect.raceFirst(asked, connected.toldToEnd)),
    )
    if (told !== undefined) yield* Effect.logWarning("the master tells this agent to end: its tasks end now")
    yield* Effect.raceFirst(agent.failed, endAllTasks(agent, connected))
    if (told !== undefined) return yield* new ToldToEndByMaster({ reason: told })
  }).pipe(Effect.scoped)

  const layers = Layer.mergeAll(
    layerCgroups(options),
    Launcher.layer({ scriptPath: Launcher.launchScriptIn(options.folder) }),
    AgentMetrics.layer,
  )
  return Effect.provide(program, layers)
}

const layerCgroups = ({ confinement, cgroupParent, folder }: AgentDaemonOptions): Layer.Layer<Cgroups> =>
  confinement === "none"
    ? Unconfined.layer({ parent: cgroupParent, folder: join(folder, "containers") })
    : Layer.provide(CgroupV1.layer({ parent: cgroupParent }), LinuxKernel.layer)

const measured = (
  journal: Journal["Type"],
  { observeCheckpointAppend }: AgentMetrics.AgentMetrics["Type"],
): Journal["Type"] => ({
  ...journal,
  append: (batch) =>
    Effect.suspend(() => {
      const startMs = performance.now()
      return Effect.tap(journal.append(batch), () =>
        Effect.sync(() => observeCheckpointAppend((performance.now() - startMs) / 1_000)),
      )
    }),
})

/** Containers of tasks that the agent has to answer for. */
const livingContainers = ({ state }: RecoveredAgent): ReadonlySet<string> =>
  new Set([...state.tasks.values()].filter(({ phase }) => phase !== "gone").map((task) => task.containerId))

interface Found {
  readonly total: Resources
  readonly sandboxRoot: string
  readonly runRoot: string
  readonly startedWallMs: number
  readonly recoveryMs: number
}

/** What the agent tells of itself, once it knows where it listens. */
const makeIdentity = (options: AgentDaemonOptions, { total, ...found }: Found) => {
  const { host, advertisedIp, master, attributes, version } = options
  const ip = chooseAdvertisedIp(host, advertisedIp)
  const { hostname: masterHostname, host: masterPlace } = new URL(master.url)
  const isAuthenticated = master.secret !== undefined
  return (port: number): AgentIdentity => ({
    ...found,
    ...{ version, attributes, masterHostname, base: total },
    address: { hostname: hostname(), ip, port },
    flags: withMesosFlags(options.flags, {
      ...{ host, port, advertisedIp, attributes, isAuthenticated, sandboxAgeMsMax },
      hostname: hostname(),
      master: masterPlace,
      workFolder: options.folder,
      resources: resourcesToText(total),
      cgroupParent: options.cgroupParent,
      isConfined: options.confinement === "required",
      hasAcls: options.aclsFile !== null,
    }),
  })
}

interface Shown {
  readonly facts: () => AgentFacts
  readonly view: MonitorLease["view"]
  readonly metrics: Parameters<typeof makeMetricsRoutes>[0]
}

const listen = (options: AgentDaemonOptions, sandboxRoot: string, shown: Shown) =>
  Effect.gen(function* () {
    const { master, credentialsFile, aclsFile, host, port, tls } = options
    const door = makeDoor(yield* readAgentAccess({ proof: master.secret, credentialsFile, aclsFile }))
    const routes: ReadonlyArray<Route<Cgroups>> = [
      ...[...openAgentRoutes(options.version), ...makeMetricsRoutes(shown.metrics)].map(openRoute(door)),
      ...[...makeFilesRoutes(sandboxRoot), ...makeHostRoutes(shown.view)].map(closeAgentRoute(door)),
      ...makeOperatorRoutes(shown.facts, sandboxRoot).map(closeAgentRoute(door)),
    ]
    return yield* serve({ host, port, tls, handler: routesToHandler(routes, { prefixes: agentPrefixes }) })
  })

/** Ends every task with its grace, waits until nothing of them is left, tells the master, and removes all cgroups. */
const endAllTasks = (agent: Agent, link: MasterLink) =>
  Effect.gen(function* () {
    const cgroups = yield* Cgroups
    const countRunning = () => [...agent.state.tasks.values()].filter(({ phase }) => phase !== "gone").length
    const tasks = countRunning()
    if (tasks > 0) yield* Effect.logInfo("ending all tasks").pipe(Effect.annotateLogs({ tasks }))
    agent.submit({ type: "Stopping" })
    link.tellStopping()
    yield* Effect.sync(countRunning).pipe(
      Effect.repeat({ until: (count) => count === 0, schedule: Schedule.spaced("20 millis") }),
      Effect.timeoutOption(stopWaitMs),
    )
    // What is told last has to be durable first.
    yield* agent.whenDurable(() => {})
    yield* link.flush(flushWaitMs)
    // Whatever the machine did not get to: a task that hung between its container and its first process.
    for (const containerId of yield* cgroups.list) yield* cgroups.destroy(containerId)
    yield* cgroups.removeParent
  }).pipe(
    Effect.catchAll((error) =>
      Effect.logError("something of a task may be left").pipe(Effect.annotateLogs({ why: error.message })),
    ),
  )

/** Tasks run as another user; below a folder closed to others they could not open their own files by path. */
const warnOfClosedFolders = (path: string) =>
  Effect.suspend(() => {
    const closed = closedFolders(path)
    if (closed.length === 0 || process.getuid?.() !== 0) return Effect.void
    return Effect.logWarning(
      "tasks run as another user and cannot reach their sandbox by its full path; let others enter these folders (chmod o+x) or choose another data folder",
    ).pipe(Effect.annotateLogs({ folders: closed.join(" ") }))
  })
