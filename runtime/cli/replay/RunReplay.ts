import { type ReadJournal, readJournal } from "../../journal/JournalReading.ts"
import { readHead } from "../../journal/SqliteReading.ts"
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
export const runReplay = (
  wish: ReplayWish,
  progress: (text: string) => void,
  sleep?: (ms: number) => void,
): ReplayReport => {
  const { path, from, to } = wish
  if (from !== undefined && to !== undefined && from > to)
    throw refuseInput(`--from ${from} comes after --to ${to}`)
  const change = readChanges(wish.changes)
  if (change instanceof CommandFailure) throw change
  const replay = (journal: ReadJournal): ReplayReport => {
    const { database, format } = journal
    if (format < firstCheckedFormat)
      throw new CommandFailure({
        message: `${path} has format ${format}, which keeps neither the beginning of its log nor the settings of its masters: what gleaner has recorded since format ${firstCheckedFormat} can be replayed`,
        exitCode: 1,
      })
    const log = openReplayLog(journal, from, progress)
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
    const end = Math.min(to ?? log.lastSeq, log.lastSeq)
    const whatIf = wish.changes.length === 0 ? undefined : new WhatIf(log, (run) => change(run.settings))
    const { rows, ...result } = replayRecord(
      log,
      { fromSeq: from ?? log.firstSeq, toSeq: to ?? Number.MAX_SAFE_INTEGER },
      (seq) => progress(`replaying event ${seq} of ${Math.max(seq, end)}`),
      whatIf?.watch,
    )
    const isToTheEnd = result.difference === null && result.lastSeq === readHead(database).lastSeq
    const last = isToTheEnd ? rows() : null
    const differingRow = last === null ? null : findDifferingRow(database, last)
    const isEqual = result.equal > 0 && result.difference === null && differingRow === null
    return {
      ...{ journal: path, isEqual, replay: result, changes: wish.changes },
      ...{ rows: last === null ? null : last.length, differingRow },
      whatIf: isEqual && whatIf !== undefined ? whatIf.result() : null,
    }
  }
  return readJournal(path, replay, sleep)
}
