import type Database from "better-sqlite3"
import type { Entity } from "../../../core/Machine.ts"
import type { MasterEvent } from "../../../core/master/Event.ts"
import { addDigest, digestRow, noDigests, sameSum } from "../../journal/BatchChain.ts"
import { readSegments } from "../../journal/SegmentLog.ts"
import { checkLog } from "../../journal/SqliteCheck.ts"
import {
  iterateBatches,
  iterateEvents,
  iterateRowsBefore,
  readHead,
  readHeadAfter,
  readRuns,
} from "../../journal/SqliteReading.ts"
import { type RunFacts, recordingVersion } from "../../master/RunFacts.ts"
import { CommandFailure, refuseInput } from "../CommandFailure.ts"

export interface LoggedEvent {
  readonly seq: number
  readonly event: MasterEvent
  readonly actionsDigest: string
}

/** What a master took in one transaction. */
export interface LoggedBatch {
  /** Set when a process began with it. */
  readonly run: RunFacts | undefined
  readonly events: ReadonlyArray<LoggedEvent>
}

/** A journal's log from a place on at which it can be replayed. */
export interface ReplayLog {
  readonly firstSeq: number
  readonly lastSeq: number
  /** The state before `firstSeq`; empty in a journal that begins there. */
  readonly rows: ReadonlyArray<Entity>
  /** The process that wrote there. */
  readonly run: RunFacts
  readonly batches: () => IterableIterator<LoggedBatch>
}

const damaged = (path: string, problem: string): CommandFailure =>
  new CommandFailure({
    message: `${path} is damaged: ${problem}; \`gleaner journal verify\` says more`,
    exitCode: 1,
  })

/** The log from the last place before event `fromSeq` on; it is looked at first, since wrong events would be our fault. */
export const openReplayLog = (
  database: Database.Database,
  path: string,
  fromSeq: number | undefined,
  progress: (text: string) => void,
): ReplayLog => {
  const { lastSeq } = readHead(database)
  const segments = readSegments(database)
  const problem = checkLog(database, { progress: (batch) => progress(`looking at batch ${batch}`) })
  if (problem !== undefined || segments[0] === undefined) throw damaged(path, problem ?? "it has no log")
  if (fromSeq !== undefined && fromSeq < segments[0].firstSeq)
    throw refuseInput(
      `event ${fromSeq} is not kept any more: the log begins with event ${segments[0].firstSeq}`,
    )
  const segment = segments.filter(({ firstSeq }) => fromSeq === undefined || firstSeq <= fromSeq)
  const { number, firstBatch, firstSeq } = fromSeq === undefined ? segments[0] : segment[segment.length - 1]!
  const runs = new Map(
    readRuns(database).map(({ firstBatch: batch, firstSeq: seq, facts }) => [batch, readFacts(facts, seq)]),
  )
  const inForce = Math.max(0, ...Array.from(runs.keys()).filter((batch) => batch <= firstBatch))
  const run = runs.get(inForce)
  if (run === undefined)
    throw new CommandFailure({
      message: `${path} holds no event since it was brought to this format: let a master run on it first`,
      exitCode: 1,
    })
  return {
    ...{ firstSeq, lastSeq, run: run() },
    rows: readRows(database, path, number, firstBatch),
    batches: () => iterateLog(database, firstBatch, firstSeq, runs),
  }
}

/** Read when it is needed: of a process that is not replayed any shape will do. */
const readFacts = (text: string, firstSeq: number) => (): RunFacts => {
  const facts = JSON.parse(text) as RunFacts
  if (facts.recordingVersion === recordingVersion) return facts
  throw new CommandFailure({
    message: `from event ${firstSeq} on, gleaner ${facts.version} has recorded in version ${facts.recordingVersion}, this one replays version ${recordingVersion}: use gleaner ${facts.version} for it, or --from a later event`,
    exitCode: 1,
  })
}

const readRows = (
  database: Database.Database,
  path: string,
  segment: number,
  firstBatch: number,
): ReadonlyArray<Entity> => {
  const rows: Array<Entity> = []
  let sum = noDigests
  for (const [kind, key, value] of iterateRowsBefore(database, segment)) {
    sum = addDigest(sum, digestRow(kind, key, value))
    rows.push({ kind, key, value: JSON.parse(value) })
  }
  if (!sameSum(sum, readHeadAfter(database, firstBatch - 1)!.rows))
    throw damaged(path, `the rows at the beginning of segment ${segment} are not what was written`)
  return rows
}

const iterateLog = function* (
  database: Database.Database,
  firstBatch: number,
  firstSeq: number,
  runs: ReadonlyMap<number, () => RunFacts>,
): IterableIterator<LoggedBatch> {
  const rows = iterateEvents(database, firstSeq)
  let next = firstSeq
  try {
    for (const { batch, lastSeq } of iterateBatches(database, firstBatch)) {
      const events: Array<LoggedEvent> = []
      for (; next <= lastSeq; next++) {
        const [seq, , event, actionsDigest] = rows.next().value
        events.push({ seq, event: JSON.parse(event) as MasterEvent, actionsDigest })
      }
      yield { run: runs.get(batch)?.(), events }
    }
  } finally {
    rows.return?.()
  }
}
