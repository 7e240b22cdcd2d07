import { Effect } from "effect"
import { readListenerTls } from "../access/TlsFiles.ts"
import { masterSettingsOf } from "../config/MasterProfile.ts"
import type { SettledSettings } from "../config/ReadSettings.ts"
import { settingsAsFlags } from "../config/SettingsText.ts"
import { boundsOf } from "../config/sections/BoundSettings.ts"
import { journalBoundsOf } from "../config/sections/JournalSettings.ts"
import { masterSection } from "../config/sections/MasterSection.ts"
import { dataFolderAt } from "../DataFolder.ts"
import { runDaemon } from "./Daemon.ts"
import { announceReady } from "./PlainDaemon.ts"
import { version } from "./Version.ts"

/** Runs the master until a signal. */
export const runMaster = (settled: SettledSettings<typeof masterSection.settings>): Promise<number> => {
  const { values } = settled
  const daemon = Effect.gen(function* () {
    const { runMasterDaemon } = yield* Effect.promise(() => import("../master/MasterDaemon.ts"))
    return yield* runMasterDaemon({
      data: dataFolderAt(values.data),
      host: values.host,
      port: values.port,
      advertisedIp: values.advertise,
      version,
      settings: masterSettingsOf(values),
      flags: settingsAsFlags(masterSection, settled),
      isAuthenticated: values.authentication,
      credentialsFile: values.credentials,
      aclsFile: values.acls,
      bounds: boundsOf(values),
      journalBounds: journalBoundsOf(values),
      tls: yield* readListenerTls(values, values.tlsRequireClientCert),
      journalWorker: new URL("./journal-worker.js", import.meta.url),
      onReady: announceReady,
    })
  })
  return runDaemon("master", values.withParent, daemon)
}
