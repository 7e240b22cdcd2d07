import type { Log } from "./LeaseClient.ts"

/** How often the same message of the guard loop is said at most. */
const againMs = 60_000
/** Messages told apart; beyond it all are forgotten and may be said again. */
const messagesMost = 100

/** A log for what may happen ten times a second: each message once a minute, with how often it was left out. */
export const createQuietLog = (log: Log, nowMs: () => number): Log => {
  const saidByMessage = new Map<string, { atMs: number; leftOut: number }>()
  return (level, message, fields) => {
    const said = saidByMessage.get(message)
    if (said !== undefined && nowMs() - said.atMs < againMs) {
      said.leftOut += 1
      return
    }
    if (saidByMessage.size >= messagesMost) saidByMessage.clear()
    saidByMessage.set(message, { atMs: nowMs(), leftOut: 0 })
    const leftOut = said?.leftOut ?? 0
    log(level, message, leftOut === 0 ? fields : { ...fields, alsoSince: leftOut })
  }
}
