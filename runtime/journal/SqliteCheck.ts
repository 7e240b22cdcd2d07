import type Database from "better-sqlite3"
import {
  addDigest,
  chainAfter,
  changesOf,
  type DigestSum,
  digestChanges,
  digestOutboxItem,
  digestRow,
  digestRun,
  type Head,
  noDigests,
  sameSum,
} from "./BatchChain.ts"
import { type LateChanges, textToChanges } from "./LateChanges.ts"
import { readSegments, type Segment } from "./SegmentLog.ts"
import {
  iterateBatches,
  iterateEvents,
  iterateRowsBefore,
  iterateWholeEntities,
  iterateWholeOutbox,
  readChains,
  readHead,
  readHeadAfter,
  readHeadBefore,
  readRunDigests,
  readRuns,
} from "./SqliteReading.ts"
import { lateRows, readLate } from "./SqliteState.ts"
import type { StateListener } from "./StateParts.ts"

// Whether a database is what was written into it. Each check answers with what is wrong, the first of its kind, or with
// undefined. SQLite itself keeps no checksums in the file: it finds broken trees, and everything else is found here.

/** SQLite's own look at every page, and whether what finds a row by its name finds each. */
export const checkStructure = (database: Database.Database): string | undefined => {
  const answers = database.pragma("integrity_check(1)") as ReadonlyArray<{ readonly integrity_check: string }>
  const first = answers[0]?.integrity_check
  return first === "ok" ? undefined : `SQLite finds its structure broken: ${first}`
}

const sumRows = (rows: IterableIterator<[string, string, string]>): DigestSum => {
  let sum = noDigests
  for (const [kind, key, value] of rows) sum = addDigest(sum, digestRow(kind, key, value))
  return sum
}

/** What is in the tables that a master starts from, and what waits to be entered into them. `listener` hears what that comes to. */
export const checkState = (database: Database.Database, listener?: StateListener): string | undefined => {
  const problem = checkLate(database)
  if (problem !== undefined) return problem
  const head = readHead(database)
  const late = readLate(database)
  const broken = checkEntities(database, head, late, listener) ?? checkOutbox(database, head, late, listener)
  if (broken !== undefined || listener === undefined) return broken
  late.forEachRow((kind, key, value) => {
    if (value !== null) listener.row(kind, key, value)
  })
  late.forEachItem(listener.item)
  listener.end()
  return undefined
}

// What is kept beside each row counts as well: the next change of a row takes the digest beside it off the sum.

const checkEntities = (
  database: Database.Database,
  head: Head,
  late: LateChanges,
  listener: StateListener | undefined,
): string | undefined => {
  const segments = readSegments(database)
  const newest = segments[segments.length - 1]?.number ?? 0
  let sum = noDigests
  for (const [kind, key, value, written, left, right] of iterateWholeEntities(database)) {
    const digest = digestRow(kind, key, value)
    if (digest.left !== left || digest.right !== right)
      return `its row ${kind} ${key} is not what was written`
    if (written < 0 || written > newest) return `its row ${kind} ${key} says it is of segment ${written}`
    sum = addDigest(sum, digest)
    if (!late.hasRow(kind, key)) listener?.row(kind, key, value)
  }
  return sameSum(sum, head.rows) ? undefined : `its rows do not add up to what batch ${head.batch} left`
}

const checkOutbox = (
  database: Database.Database,
  head: Head,
  late: LateChanges,
  listener: StateListener | undefined,
): string | undefined => {
  let sum = noDigests
  for (const [id, receiver, message, left, right] of iterateWholeOutbox(database)) {
    const digest = digestOutboxItem(id, receiver, message)
    if (digest.left !== left || digest.right !== right)
      return `message ${id} of its outbox is not what was written`
    sum = addDigest(sum, digest)
    if (!late.isDelivered(receiver, id)) listener?.item(id, receiver, message)
  }
  return sameSum(sum, head.outbox) ? undefined : `its outbox does not add up to what batch ${head.batch} left`
}

/** What processes said of themselves, also those whose batches are not kept any more. */
const checkRuns = (database: Database.Database): string | undefined => {
  const digests = new Map(readRunDigests(database))
  for (const { firstBatch, firstSeq, facts } of readRuns(database)) {
    const digest = digests.get(firstBatch)
    if (digest !== undefined && digest !== digestRun(firstBatch, firstSeq, facts))
      return `the run that begins with batch ${firstBatch} is not what was written`
    digests.delete(firstBatch)
  }
  const [missing] = Array.from(digests.keys())
  return missing === undefined ? undefined : `the run that begins with batch ${missing} is missing`
}

/** The newest batches have left what they changed as it was written, as many of them as the very newest says. */
const checkLate = (database: Database.Database): string | undefined => {
  const rows = lateRows(database)
  const newest = readHead(database)
  const chains = rows.length === 0 ? new Map<number, string>() : readChains(database, rows[0]![0])
  const broken = rows.find(([batch, changes]) => {
    const chain = chains.get(batch)
    return chain === undefined || digestChanges(changes) !== changesOf({ chain })
  })
  if (broken !== undefined) return `what batch ${broken[0]} changed is not what was written`
  if (changesOf(newest) === "")
    return rows.length === 0
      ? undefined
      : `what batch ${rows[0]![0]} changed was entered, and waits all the same`
  const [number, text] = rows[rows.length - 1] ?? [0, ""]
  const isAll = number === newest.batch && number - rows.length + 1 === textToChanges(text).firstWaiting
  return isAll ? undefined : `what waits to be entered is not all that batch ${newest.batch} has left`
}

const checkSegments = (segments: ReadonlyArray<Segment>): string | undefined => {
  const oldest = segments[0]
  if (oldest === undefined) return "it has no segment of the log"
  const broken = segments.find(
    ({ number, firstBatch, firstSeq }, index) =>
      number !== oldest.number + index ||
      firstBatch < (segments[index - 1]?.firstBatch ?? 1) ||
      firstSeq < (segments[index - 1]?.firstSeq ?? 1),
  )
  return broken === undefined ? undefined : `segment ${broken.number} of its log is out of order`
}

/** The batch before the newest ones that make at least so many events together; or before so many batches, if those are fewer. */
const findAnchor = (database: Database.Database, oldest: Segment, newest: number): Head | undefined => {
  const { batch, lastSeq } = readHead(database)
  const first = oldest.firstBatch - 1
  const from = Math.max(first, batch - newest)
  return readHeadBefore(database, from, lastSeq - newest) ?? readHeadAfter(database, from)
}

export interface LogCheckOptions {
  /** Only the newest batches: so many of them, or so many events, whichever is less. */
  readonly newestEvents?: number
  /** Hears which batch is done. */
  readonly progress?: (batch: number) => void
  /** Called between two parts of the log, when no statement is under way: see `ReadJournal`. */
  readonly refresh?: () => void
}

/** Events, and batches, that are looked at before `refresh` is called. */
const partOfLog = 20_000

/** Follows the chain over the log, up to where it ended at first. What is trimmed meanwhile is passed over. */
export const checkLog = (
  database: Database.Database,
  { newestEvents = Number.MAX_SAFE_INTEGER, progress = () => {}, refresh = () => {} }: LogCheckOptions = {},
): string | undefined => {
  const end = readHead(database).batch
  for (let done: Head | undefined; ; ) {
    const all = readSegments(database)
    const disorder = checkSegments(all) ?? checkRuns(database)
    if (disorder !== undefined) return disorder
    const oldest = all[0]!.firstBatch - 1
    const isKept = done !== undefined && done.batch >= oldest
    const from = isKept ? done : findAnchor(database, all[0]!, newestEvents)
    if (from === undefined) return `batch ${oldest} of its log is missing`
    const reached = followLog(database, from, all)
    if (typeof reached === "string") return reached
    progress(reached.head.batch)
    if (reached.isEnd || reached.head.batch >= end) return undefined
    done = reached.head
    refresh()
  }
}

interface Reached {
  readonly head: Head
  readonly isEnd: boolean
}

/** A part of the log; or what is wrong with it. */
const followLog = (
  database: Database.Database,
  from: Head,
  segments: ReadonlyArray<Segment>,
): Reached | string => {
  const runs = new Map(readRuns(database).map((run) => [run.firstBatch, run]))
  const firstSeqs = new Map(segments.map((segment) => [segment.firstBatch, segment.firstSeq]))
  const events = iterateEvents(database, from.lastSeq + 1)
  try {
    let before = from
    for (const head of iterateBatches(database, from.batch + 1)) {
      if (head.batch !== before.batch + 1) return `batch ${before.batch + 1} of its log is missing`
      const begins = firstSeqs.get(head.batch)
      if (begins !== undefined && begins !== before.lastSeq + 1)
        return `the segment that begins with batch ${head.batch} is not where it says`
      const run = runs.get(head.batch)
      const log: Array<string | number> = [run?.facts ?? ""]
      if (run !== undefined && run.firstSeq !== before.lastSeq + 1)
        return `the run that begins with batch ${head.batch} is not where it says`
      for (let seq = before.lastSeq + 1; seq <= head.lastSeq; seq++) {
        const row = events.next().value
        if (row?.[0] !== seq) return `event ${seq} of its log is missing`
        log.push(row[1], row[2], row[3])
      }
      if (chainAfter(before.chain, head, log, changesOf(head)) !== head.chain)
        return `batch ${head.batch} of its log (events ${before.lastSeq + 1} to ${head.lastSeq}) is not what was written`
      before = head
      const isEnough = head.lastSeq - from.lastSeq >= partOfLog || head.batch - from.batch >= partOfLog
      if (isEnough) return { head, isEnd: false }
    }
    const following = events.next()
    return following.done === true
      ? { head: before, isEnd: true }
      : `event ${following.value[0]} of its log belongs to no batch`
  } finally {
    // An open iterator would keep the database busy.
    events.return?.()
  }
}

/** The rows at the beginning of each segment, from which the log can be replayed. `refresh` as in {@link LogCheckOptions}. */
export const checkBeginnings = (
  database: Database.Database,
  progress: (segment: number, of: number) => void = () => {},
  refresh: () => void = () => {},
): string | undefined => {
  const segments = readSegments(database)
  for (const [index, { number, firstBatch }] of segments.entries()) {
    progress(index + 1, segments.length)
    refresh()
    const oldest = readSegments(database)[0]
    if (oldest !== undefined && oldest.number > number) continue
    const head = readHeadAfter(database, firstBatch - 1)
    if (head === undefined) return `batch ${firstBatch - 1} of its log is missing`
    if (changesOf(head) !== "")
      return `not all that came before segment ${number} had been entered when it began`
    if (!sameSum(sumRows(iterateRowsBefore(database, number)), head.rows))
      return `the rows at the beginning of segment ${number} do not add up to what batch ${head.batch} left`
  }
  return undefined
}
