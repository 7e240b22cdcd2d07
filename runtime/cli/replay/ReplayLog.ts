import type Database from "better-sqlite3"
import type { Entity } from "../../../core/Machine.ts"
import type { MasterEvent } from "../../../core/master/Event.ts"
import { addDigest, digestRow, noDigests, sameSum } from "../../journal/BatchChain.ts"
import type { ReadJournal } from "../../journal/JournalReading.ts"
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
  { database, path, refresh }: Pick<ReadJournal, "database" | "path" | "refresh">,
  fromSeq: number | undefined,
  progress: (text: string) => void,
): ReplayLog => {
  const looked = (batch: number) => progress(`looking at batch ${batch}`)
  const problem = checkLog(database, { progress: looked, refresh })
  const { lastSeq } = readHead(database)
  const segments = readSegments(database)
  if (problem !== undefined || segments[0] === undefined) throw damaged(path, problem ?? "it has no log")
  if (fromSeq !== undefined && fromSeq < segments[0].firstSeq)
    throw refuseInput(
      `event ${fromSeq} is not kept any more: the log begins with event ${segments[0].firstSeq}`,
    )
  const segment = segments.filter(({ firstSeq }) => fromSeq === undefined || firstSeq <= fromSeq)
  const { number, firstBatch, firstSeq } = fromSeq === undefined ? segments[0] : segment[segment.length - 1]!
  const runs = runsOf(database)
  const inForce = Math.max(0, ...Array.from(runs.keys()).filter((batch) => batch <= firstBatch))
  const run = runs.get(inForce)
  if (run === undefined)
    throw new CommandFailure({
      message: `${path} holds no event since it was brought to this format: let a master run on it first`,
      exitCode: 1,
    })
  const place = { firstBatch, firstSeq, lastSeq }
  return {
    ...{ firstSeq, lastSeq, run: run() },
    rows: readRows(database, path, number, firstBatch),
    batches: () => iterateLog({ database, path, refresh }, place),
  }
}

/** By the batch that each begins with. */
const runsOf = (database: Database.Database): ReadonlyMap<number, () => RunFacts> =>
  new Map(
    readRuns(database).map(({ firstBatch, firstSeq, facts }) => [firstBatch, readFacts(facts, firstSeq)]),
  )

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

interface Part {
  readonly batches: ReadonlyArray<LoggedBatch & { readonly number: number }>
  readonly nextBatch: number
  readonly nextSeq: number
}

/** Events that are read at once. */
const partMax = 2_000

/**
 * The log to its very end, in parts: a master may write to it. Behind what it was when it was opened no further moment is
 * looked at, so that the rows that are compared in the end are of the same one, and a quick master is not run after for ever.
 */
const iterateLog = function* (
  { database, path, refresh }: Pick<ReadJournal, "database" | "path" | "refresh">,
  { firstBatch, firstSeq, lastSeq }: { firstBatch: number; firstSeq: number; lastSeq: number },
): IterableIterator<LoggedBatch> {
  let at = { nextBatch: firstBatch, nextSeq: firstSeq }
  for (;;) {
    const part = readPart(database, at.nextBatch, at.nextSeq)
    const [first] = part.batches
    if (first === undefined) return
    if (first.number !== at.nextBatch)
      throw new CommandFailure({
        message: `${path}: the log was trimmed behind event ${at.nextSeq} while it was being replayed: replay a copy instead, which \`gleaner journal backup\` makes`,
        exitCode: 1,
      })
    yield* part.batches
    at = part
    if (at.nextSeq <= lastSeq) refresh()
  }
}

const readPart = (database: Database.Database, firstBatch: number, firstSeq: number): Part => {
  const runs = runsOf(database)
  const batches: Array<LoggedBatch & { number: number }> = []
  const rows = iterateEvents(database, firstSeq)
  let nextSeq = firstSeq
  try {
    for (const { batch: number, lastSeq } of iterateBatches(database, firstBatch)) {
      const events: Array<LoggedEvent> = []
      const isTrimmed = batches.length === 0 && number !== firstBatch
      if (isTrimmed) return { batches: [{ number, run: undefined, events }], nextBatch: number, nextSeq }
      for (; nextSeq <= lastSeq; nextSeq++) {
        const [seq, , event, actionsDigest] = rows.next().value
        events.push({ seq, event: JSON.parse(event) as MasterEvent, actionsDigest })
      }
      batches.push({ number, run: runs.get(number)?.(), events })
      if (nextSeq - firstSeq >= partMax || batches.length >= partMax) break
    }
    return { batches, nextBatch: (batches[batches.length - 1]?.number ?? firstBatch) + 1, nextSeq }
  } finally {
    rows.return?.()
  }
}
