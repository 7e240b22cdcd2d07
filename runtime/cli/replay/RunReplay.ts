import { readJournal } from "../../journal/JournalReading.ts"
import { firstCheckedFormat } from "../../journal/SqliteSchema.ts"
import { CommandFailure, refuseInput } from "../CommandFailure.ts"
import { readChanges } from "./ChangedSettings.ts"
import { openReplayLog } from "./ReplayLog.ts"
import { type ReplayResult, replayRecord } from "./ReplayRecord.ts"
import { type DifferingRow, findDifferingRow } from "./RowComparison.ts"
import { WhatIf, type WhatIfResult } from "./WhatIf.ts"

export interface ReplayWish {
  readonly path: string
  readonly from: number | undefined
  readonly to: number | undefined
  readonly changes: ReadonlyArray<string>
}

export interface ReplayReport {
  readonly journal: string
  readonly isEqual: boolean
  readonly replay: Omit<ReplayResult, "rows">
  /** Rows that were compared at the end of the journal; null = the replay did not come to it. */
  readonly rows: number | null
  readonly differingRow: DifferingRow | null
  readonly changes: ReadonlyArray<string>
  readonly whatIf: WhatIfResult | null
}

/** Replays a journal, and beside it a world with other settings where some are given. */
export const runReplay = (wish: ReplayWish, progress: (text: string) => void): ReplayReport => {
  const { path, from, to } = wish
  if (from !== undefined && to !== undefined && from > to)
    throw refuseInput(`--from ${from} comes after --to ${to}`)
  const change = readChanges(wish.changes)
  if (change instanceof CommandFailure) throw change
  return readJournal(path, ({ database, format }) => {
    if (format < firstCheckedFormat)
      throw new CommandFailure({
        message: `${path} has format ${format}, which keeps neither the beginning of its log nor the settings of its masters: what gleaner has recorded since format ${firstCheckedFormat} can be replayed`,
        exitCode: 1,
      })
    const log = openReplayLog(database, path, from, progress)
    if (from !== undefined && from > log.lastSeq)
      throw refuseInput(`--from ${from}: the log ends with event ${log.lastSeq}`)
    // Nothing that was compared must not be called equal.
    if (to !== undefined && to < log.firstSeq)
      throw refuseInput(`--to ${to}: the log begins with event ${log.firstSeq}`)
    if (log.lastSeq < log.firstSeq)
      throw new CommandFailure({
        message: `${path} holds no event to replay: let a master run on it first`,
        exitCode: 1,
      })
    const toSeq = Math.min(to ?? log.lastSeq, log.lastSeq)
    const whatIf = wish.changes.length === 0 ? undefined : new WhatIf(log, (run) => change(run.settings))
    const { rows, ...replay } = replayRecord(
      log,
      { fromSeq: from ?? log.firstSeq, toSeq },
      (seq) => progress(`replaying event ${seq} of ${toSeq}`),
      whatIf?.watch,
    )
    const isToTheEnd = replay.difference === null && toSeq === log.lastSeq && replay.lastSeq === toSeq
    const last = isToTheEnd ? rows() : null
    const differingRow = last === null ? null : findDifferingRow(database, last)
    const isEqual = replay.equal > 0 && replay.difference === null && differingRow === null
    return {
      ...{ journal: path, isEqual, replay, changes: wish.changes },
      ...{ rows: last === null ? null : last.length, differingRow },
      whatIf: isEqual && whatIf !== undefined ? whatIf.result() : null,
    }
  })
}
