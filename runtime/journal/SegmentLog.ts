import type Database from "better-sqlite3"
import type { Head } from "./BatchChain.ts"
import type { LogBounds } from "./LogBounds.ts"

// The log is kept in segments, and each can be replayed from its beginning: the rows of that moment can be put together.
// No copy is made for that. A row that is changed for the first time in a segment leaves its old value behind in
// `old_rows`, in the same transaction; what was not changed since is still in `entities`. So
//
//   rows at the beginning of segment S = entities written before S + old rows of S and later that were written before S
//
// For that, no change waits to be entered (LateChanges.ts) when a segment begins. Where some do, as the bounds were larger before a
// restart, the next batch enters them, and the segment begins after it.
// A beginning costs nothing, however many tasks there are, and there is no instant at which a crash could find half of one.
// Trimming drops the oldest segment: from then on the log begins where the next one does.

/** A segment is this part of what is kept: so much more than the bounds there may be. */
const segmentShare = 8

/** Of trimmed segments, deleted in one transaction at most: a commit must not wait for a million rows. */
const sweepStride = 2_048

/** Beginning of a segment. */
export interface Segment {
  readonly number: number
  readonly firstBatch: number
  readonly firstSeq: number
  /** The log's size before it. */
  readonly sizeBefore: number
}

const segmentColumns = `segments.number, first_batch, first_seq, log_size FROM segments
  LEFT JOIN batches ON batches.number = first_batch - 1`

const toSegment = (row: ReadonlyArray<number>): Segment => ({
  ...{ number: row[0]!, firstBatch: row[1]!, firstSeq: row[2]!, sizeBefore: row[3]! },
})

export const readSegments = (database: Database.Database): ReadonlyArray<Segment> =>
  (
    database.prepare(`SELECT ${segmentColumns} ORDER BY segments.number`).raw().all() as Array<Array<number>>
  ).map(toSegment)

export interface SegmentLog {
  /** The newest one. */
  readonly current: () => Segment
  /** Of the oldest one: everything before is trimmed. */
  readonly firstSeq: () => number
  /** How much of the current segment is left after this head, 0 to 1; at 0 the next batch begins another one. */
  readonly roomShare: (head: Pick<Head, "lastSeq" | "logSize">) => number
  /** Before a batch: begins a segment, unless changes wait to be entered, trims the oldest one, when it is time. */
  readonly advance: (head: Head, isAllEntered: boolean) => void
  /** After a batch: deletes some of what was trimmed. */
  readonly sweep: (added: number) => void
  /** What is in memory is what the database says again, after a transaction was rolled back. */
  readonly reload: () => void
}

export const makeSegmentLog = (database: Database.Database, bounds: LogBounds): SegmentLog => {
  const insert = database.prepare("INSERT INTO segments VALUES (?, ?, ?)")
  const remove = database.prepare("DELETE FROM segments WHERE number = ?")
  const sweepEvents = database.prepare("DELETE FROM events WHERE seq < ?")
  // The one before the oldest segment stays: the chain begins with it.
  const sweepBatches = database.prepare("DELETE FROM batches WHERE number < ?")
  const sweepOldRows = database.prepare(
    "DELETE FROM old_rows WHERE rowid IN (SELECT rowid FROM old_rows WHERE segment < ? LIMIT ?)",
  )
  const sweepRuns = database.prepare(
    "DELETE FROM runs WHERE first_batch < (SELECT max(first_batch) FROM runs WHERE first_batch <= ?)",
  )
  const sweepRunDigests = database.prepare(
    "DELETE FROM meta WHERE name GLOB 'run *' AND CAST(substr(name, 5) AS INTEGER) NOT IN (SELECT first_batch FROM runs)",
  )
  const oldestSeq = database.prepare("SELECT min(seq) FROM events").pluck()
  const oldestBatch = database.prepare("SELECT min(number) FROM batches").pluck()

  let segments: Array<Segment> = []
  /** Up to here nothing is left of what was trimmed. */
  let sweptSeq = 0
  let sweptBatch = 0
  let areOldRowsLeft = true
  const reload = () => {
    segments = [...readSegments(database)]
    sweptSeq = (oldestSeq.get() as number | null) ?? segments[0]!.firstSeq
    sweptBatch = oldestBatch.get() as number
    areOldRowsLeft = true
  }
  reload()

  const keepEvents = Math.max(1, bounds.keepEvents)
  const segmentEvents = Math.ceil(keepEvents / segmentShare)
  const segmentSize = Math.max(1, Math.ceil(bounds.keepSize / segmentShare))
  const roomShare: SegmentLog["roomShare"] = ({ lastSeq, logSize }) => {
    const { firstSeq, sizeBefore } = current()
    const used = Math.max((lastSeq + 1 - firstSeq) / segmentEvents, (logSize - sizeBefore) / segmentSize)
    return Math.max(0, 1 - used)
  }
  /** Whether what begins here is enough. */
  const isEnough = ({ firstSeq, sizeBefore }: Segment, { lastSeq, logSize }: Head) =>
    lastSeq + 1 - firstSeq >= keepEvents || logSize - sizeBefore >= bounds.keepSize

  const current = () => segments[segments.length - 1]!

  return {
    current,
    roomShare,
    firstSeq: () => segments[0]!.firstSeq,
    advance: (head, isAllEntered) => {
      if (isAllEntered && roomShare(head) === 0) {
        const next: Segment = {
          number: current().number + 1,
          firstBatch: head.batch + 1,
          firstSeq: head.lastSeq + 1,
          sizeBefore: head.logSize,
        }
        insert.run(next.number, next.firstBatch, next.firstSeq)
        segments.push(next)
      }
      while (segments.length > 1 && isEnough(segments[1]!, head)) {
        remove.run(segments.shift()!.number)
        sweepRuns.run(segments[0]!.firstBatch)
        sweepRunDigests.run()
        areOldRowsLeft = true
      }
    },
    sweep: (added) => {
      const { number, firstSeq, firstBatch } = segments[0]!
      const stride = Math.max(sweepStride, 2 * added)
      if (sweptSeq < firstSeq) {
        sweptSeq = Math.min(firstSeq, sweptSeq + stride)
        sweepEvents.run(sweptSeq)
      }
      if (sweptBatch < firstBatch - 1) {
        sweptBatch = Math.min(firstBatch - 1, sweptBatch + stride)
        sweepBatches.run(sweptBatch)
      }
      if (areOldRowsLeft) areOldRowsLeft = sweepOldRows.run(number, stride).changes === stride
    },
    reload,
  }
}
