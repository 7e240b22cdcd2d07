import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { processSurroundings, readSettings } from "../config/ReadSettings.ts"
import { agentSection } from "../config/sections/AgentSection.ts"
import { masterSection } from "../config/sections/MasterSection.ts"
import { monitorSection } from "../config/sections/MonitorSection.ts"
import { defaultDataPath } from "../config/sections/SharedSettings.ts"
import { type DataFolder, dataFolderAt, makePrivateFolder } from "../DataFolder.ts"
import { outputBroken } from "./BrokenOutput.ts"
import { findCluster } from "./ClusterAccess.ts"
import { reportExit } from "./CommandExit.ts"
import { CommandFailure, refuseInput } from "./CommandFailure.ts"
import { whyPolicyRefused } from "./PolicyFileText.ts"
import { untilSignal } from "./Signals.ts"
import { type Child, lastLines, type Stop } from "./up/Child.ts"
import { childWords, type UpSettings } from "./up/ChildWords.ts"
import { showHost } from "./up/Display.ts"
import { refuseWithoutEnforcement } from "./up/Enforcement.ts"
import { hostDaemonProgram } from "./up/HostDaemonProgram.ts"
import { type KeptChild, keepChild } from "./up/KeptChild.ts"
import { createLiveBlock, type LiveBlock } from "./up/LiveBlock.ts"

/** Runs master, agent and monitor of this host until a signal; resolves with the exit code. */
export const runUp = async (settled: UpSettings): Promise<number> => {
  const block = createLiveBlock(process.stdout)
  const exit = await Effect.runPromiseExit(
    untilSignal(Effect.scoped(runCluster(settled, block))).pipe(
      Effect.zipRight(Effect.sync(() => block.say("stopped"))),
      Effect.mapError((error) =>
        error._tag === "CommandFailure"
          ? error
          : new CommandFailure({
              message: error.message,
              exitCode: error._tag === "ChildEnded" && error.isMisconfigured ? 2 : 1,
            }),
      ),
      Effect.raceFirst(outputBroken),
    ),
  )
  return reportExit(exit)
}

const runCluster = (settled: UpSettings, block: LiveBlock) =>
  Effect.gen(function* () {
    const data = dataFolderAt(settled.values.data)
    const { withoutMonitor, unconfined, cgroupParent } = yield* checkChildren(settled)
    yield* refuseWithoutEnforcement({ cgroupParent, isUnconfined: unconfined, tell: block.say })
    // Without cgroups nobody can tell the primary from what is borrowed: the agent would not listen to a monitor.
    const isMonitored = !withoutMonitor && !unconfined
    yield* makePrivateFolder(data.logFolder)
    block.say(`data folder  ${data.path}`)
    // Stopped in reverse: the monitor first, the agent while the master still hears how its tasks ended.
    const master = yield* keepMaster(settled, data, block)
    const url = String(master.ready.url)
    block.say(`master       ${url}  (secret in ${data.secretFile})`)
    const withAgent = Effect.gen(function* () {
      const agent = yield* keepAgent(settled, data, url, block)
      block.say(`agent        ${String(agent.ready.url)}  lends ${String(agent.ready.resources)}`)
      const monitor = isMonitored ? yield* keepMonitor(settled, data, block) : undefined
      block.say(
        monitor === undefined
          ? "monitor      none: what is lent does not follow the primary's load"
          : `monitor      ${String(monitor.ready.url)}`,
      )
      block.say(`logs         ${data.logFolder}`)
      block.say(`try          gleaner run${dataWords(data)} -- hostname`)
      block.say("stop         Ctrl-C here ends all of it, tasks too")
      yield* Effect.addFinalizer(() => Effect.sync(block.end))
      const access = yield* findCluster({ data, master: url, secretFile: null, tls: settled.values })
      const shown = showHost({
        master: () => ({ ...access, url: String(master.latest().url) }),
        agentUrl: () => String(agent.latest().url),
        block,
      })
      const failures = monitor === undefined ? agent.failed : Effect.raceFirst(agent.failed, monitor.failed)
      return yield* Effect.raceFirst(failures, shown)
    })
    return yield* Effect.raceFirst(master.failed, withAgent)
  })

/** What others need to find this cluster. */
const dataWords = ({ path }: DataFolder): string =>
  path === dataFolderAt(defaultDataPath(processSurroundings())).path ? "" : ` --data ${path}`

/** What the daemons would refuse is said here and not by their logs. Answers with what the agent will be told. */
const checkChildren = (settled: UpSettings) =>
  Effect.gen(function* () {
    const agentWords = childWords("agent", settled).slice(1)
    const agent = readSettings(agentSection, agentWords)
    const monitor = readSettings(monitorSection, childWords("monitor", settled).slice(1))
    const readings = [agent, readSettings(masterSection, childWords("master", settled).slice(1)), monitor]
    const problems = new Set<string>()
    for (const reading of readings) {
      if (reading._tag === "Refused") for (const problem of reading.problems) problems.add(problem)
    }
    if (monitor._tag === "Settled") {
      const why = whyPolicyRefused(monitor.settled.values.policy)
      if (why !== undefined) problems.add(why)
    }
    if (agent._tag !== "Settled" || problems.size > 0) {
      return yield* refuseInput(Array.from(problems).join("\ngleaner: "))
    }
    return agent.settled.values
  })

interface Daemon {
  readonly name: "master" | "agent" | "monitor"
  readonly words: (before: Child["ready"] | undefined) => ReadonlyArray<string>
  readonly stops: ReadonlyArray<Stop>
}

const keep = (data: DataFolder, block: LiveBlock, { name, words, stops }: Daemon) =>
  keepChild({
    name,
    toChild: (before) => ({
      name,
      args: words(before),
      logFile: join(data.logFolder, `${name}.log`),
      stops,
      ...(name === "master" ? {} : hostDaemonProgram()),
    }),
    tell: block.say,
    random: Math.random,
  })

const keepMaster = (settled: UpSettings, data: DataFolder, block: LiveBlock) =>
  keep(data, block, {
    name: "master",
    // The port of the one before: agents and frameworks look for it there.
    words: (before) => [
      ...childWords("master", settled),
      ...(before === undefined ? [] : ["--port", new URL(String(before.url)).port]),
    ],
    stops: [{ signal: "SIGTERM", waitMs: 20_000 }],
  })

const keepAgent = (
  settled: UpSettings,
  data: DataFolder,
  masterUrl: string,
  block: LiveBlock,
): Effect.Effect<KeptChild, Effect.Effect.Error<ReturnType<typeof keep>>, Scope.Scope> =>
  keep(data, block, {
    name: "agent",
    words: () => [...childWords("agent", settled), "--master", masterUrl],
    // SIGTERM would leave its tasks running: who stops the cluster means them, too.
    stops: [
      { signal: "SIGUSR1", waitMs: 40_000 },
      { signal: "SIGTERM", waitMs: 5_000 },
    ],
  }).pipe(Effect.raceFirst(tellOfWaiting(join(data.logFolder, "agent.log"), block)))

const keepMonitor = (settled: UpSettings, data: DataFolder, block: LiveBlock) =>
  keep(data, block, {
    name: "monitor",
    words: () => childWords("monitor", settled),
    stops: [{ signal: "SIGTERM", waitMs: 5_000 }],
  })

/** Says every few seconds what the agent's log says, for as long as it is not ready. */
const tellOfWaiting = (logFile: string, block: LiveBlock): Effect.Effect<never> =>
  Effect.sync(() => block.say(`waiting for the agent; ${logFile} ends: ${lastLines(logFile, 1)}`)).pipe(
    Effect.delay("10 seconds"),
    Effect.forever,
  )
