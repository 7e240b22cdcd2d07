import type { SettledSettings } from "../config/ReadSettings.ts"
import type { recordSection } from "../config/sections/RecordSection.ts"
import { recordHost } from "../recording/RecordHost.ts"
import { announceReady, onEndAsked, plainLog } from "./PlainDaemon.ts"
import { version } from "./Version.ts"

/** Records this host until a signal. */
export const runTraceRecord = async ({
  values,
}: SettledSettings<typeof recordSection.settings>): Promise<number> => {
  const log = plainLog("recorder")
  // Before anybody is told that it is ready.
  const endAsked = new Promise<void>((resolve) => onEndAsked(values.withParent, resolve))
  try {
    const recording = recordHost({
      folder: values.out,
      intervalMs: values.interval,
      cgroupParent: values.cgroupParent,
      version,
      onProblem: (problem) => log("warning", problem),
    })
    announceReady({ folder: values.out })
    await endAsked
    await recording.stop()
    return 0
  } catch (error) {
    process.stderr.write(`gleaner: cannot record to ${values.out}: ${(error as Error).message}\n`)
    return 1
  }
}
