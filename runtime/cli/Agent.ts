import { Effect } from "effect"
import { readListenerTls } from "../access/TlsFiles.ts"
import type { SettledSettings } from "../config/ReadSettings.ts"
import { settingsAsFlags } from "../config/SettingsText.ts"
import { agentSection } from "../config/sections/AgentSection.ts"
import { dataFolderAt } from "../DataFolder.ts"
import { findCluster } from "./ClusterAccess.ts"
import { CommandFailure, toldToEndExitCode } from "./CommandFailure.ts"
import { runDaemon } from "./Daemon.ts"
import { milliOf } from "./Milli.ts"
import { announceReady } from "./PlainDaemon.ts"
import { version } from "./Version.ts"

/** Runs the agent until a signal. `endTasks` resolves when its tasks are to end before it does. */
export const runAgent = (
  settled: SettledSettings<typeof agentSection.settings>,
  endTasks: Promise<void>,
): Promise<number> => {
  const { values } = settled
  const data = dataFolderAt(values.data)
  const daemon = Effect.gen(function* () {
    const master = yield* findCluster({
      data,
      master: values.master,
      secretFile: values.secretFile,
      tls: values,
    })
    const told = unwatchedText(values)
    if (told !== undefined) yield* Effect.logWarning(told)
    const { runAgentDaemon } = yield* Effect.promise(() => import("../agent/AgentDaemon.ts"))
    return yield* runAgentDaemon({
      folder: data.agentFolder,
      credentialsFile: values.credentials,
      aclsFile: values.acls,
      tls: yield* readListenerTls(values, values.tlsRequireClientCert),
      master,
      host: values.host,
      port: values.port,
      version,
      flags: settingsAsFlags(agentSection, settled),
      advertisedIp: values.advertise,
      cpuMilli: milliOf(values.cpus),
      memMilli: milliOf(values.mem),
      resources: values.resources,
      defaultUser: values.taskUser,
      allowRootTasks: values.allowRootTasks,
      cgroupParent: values.cgroupParent,
      attributes: values.attribute,
      monitor: values.withoutMonitor ? "none" : "required",
      confinement: values.unconfined ? "none" : "required",
      endTasksWhen: Effect.promise(() => endTasks),
      onReady: announceReady,
    }).pipe(
      Effect.catchTag("ToldToEndByMaster", ({ message }) =>
        Effect.fail(new CommandFailure({ message, exitCode: toldToEndExitCode })),
      ),
    )
  })
  return runDaemon("agent", values.withParent, daemon)
}

/** What a reader of the log must not miss, when it was asked for. */
const unwatchedText = ({
  unconfined,
  withoutMonitor,
}: {
  readonly unconfined: boolean
  readonly withoutMonitor: boolean
}): string | undefined =>
  unconfined
    ? "tasks run without any limit, and what is lent does not follow the primary: --unconfined was asked for"
    : withoutMonitor
      ? "what is lent does not follow the primary's load: --without-monitor was asked for"
      : undefined
