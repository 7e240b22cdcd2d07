import { Effect } from "effect"
import { defaultMasterSettings } from "../../core/master/State.ts"
import type { SettledSettings } from "../config/ReadSettings.ts"
import type { masterSection } from "../config/sections/MasterSection.ts"
import { dataFolderAt } from "../DataFolder.ts"
import { runDaemon } from "./Daemon.ts"
import { announceReady } from "./PlainDaemon.ts"
import { version } from "./Version.ts"

/** Runs the master until a signal. */
export const runMaster = ({ values }: SettledSettings<typeof masterSection.settings>): Promise<number> => {
  const weights: Record<string, number> = {}
  for (const { name, value } of values.weight) weights[name] = value
  const daemon = Effect.gen(function* () {
    const { runMasterDaemon } = yield* Effect.promise(() => import("../master/MasterDaemon.ts"))
    return yield* runMasterDaemon({
      data: dataFolderAt(values.data),
      host: values.host,
      port: values.port,
      advertisedIp: values.advertise,
      version,
      settings: { ...defaultMasterSettings, weights },
      isAuthenticated: values.authentication,
      journalWorker: new URL("./journal-worker.js", import.meta.url),
      onReady: announceReady,
    })
  })
  return runDaemon("master", values.withParent, daemon)
}
