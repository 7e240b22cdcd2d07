import { chooseLocalIp } from "../AdvertisedAddress.ts"
import type { SettledSettings } from "../config/ReadSettings.ts"
import type { monitorSection } from "../config/sections/MonitorSection.ts"
import { dataFolderAt } from "../DataLayout.ts"
import { httpUrl } from "../http/HttpUrl.ts"
import { type MonitorDaemon, startMonitor } from "../monitor/MonitorDaemon.ts"
import { announceReady, onEndAsked, plainLog } from "./PlainDaemon.ts"
import { readPolicyFileText } from "./PolicyFileText.ts"
import { version } from "./Version.ts"

/** Runs the monitor until a signal; SIGHUP reads its policy file again. Plain code: it is a small process. */
export const runMonitor = async ({
  values,
}: SettledSettings<typeof monitorSection.settings>): Promise<number> => {
  const log = plainLog("monitor")
  const refuse = (message: string, code: number): number => {
    log("error", message)
    process.stderr.write(`gleaner: ${message}\n`)
    return code
  }
  const policyText = readPolicyFileText(values.policy)
  if (policyText instanceof Error) return refuse(policyText.message, 2)
  const { agentFolder, monitorFolder } = dataFolderAt(values.data)
  // Signals first: whoever is told that it is ready may send one at once.
  let daemon: MonitorDaemon | undefined
  let isEndAsked = false
  onEndAsked(values.withParent, () => {
    isEndAsked = true
    void daemon?.stop()
  })
  process.on("SIGHUP", () => {
    if (daemon !== undefined) reload(daemon, values.policy, log)
  })
  try {
    daemon = await startMonitor({
      agentFolder,
      folder: monitorFolder,
      policyText,
      guardPeriodMs: values.guardPeriod,
      host: values.host,
      port: values.port,
      version,
      onReady: ({ port }) => {
        const url = httpUrl(chooseLocalIp(values.host), port)
        log("info", "monitor serves", { url, policy: policyText === null ? "default" : policyText.path })
        // Not before the daemon can be told to stop or to read its policy again.
        setImmediate(() => announceReady({ url }))
      },
      log,
    })
  } catch (error) {
    const { message, _tag } = error as Error & { readonly _tag?: string }
    return refuse(message, _tag === "MonitorRefused" ? 2 : 1)
  }
  if (isEndAsked) void daemon.stop()
  const cause = await daemon.ended
  if (cause !== undefined) return refuse(`the monitor ended: ${cause.message}`, 1)
  log("info", "monitor stopped")
  return 0
}

/** What cannot be used changes nothing. */
const reload = (daemon: MonitorDaemon, path: string | null, log: ReturnType<typeof plainLog>): void => {
  const policyText = readPolicyFileText(path)
  const problem = policyText instanceof Error ? policyText.message : daemon.reloadPolicy(policyText)
  if (problem === undefined) log("info", "policy read again", { policy: path === null ? "default" : path })
  else log("error", "the policy stays as it was", { why: problem })
}
