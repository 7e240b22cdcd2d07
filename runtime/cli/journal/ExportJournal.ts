import { once } from "node:events"
import { createWriteStream } from "node:fs"
import type { Writable } from "node:stream"
import { readJournal } from "../../journal/JournalReading.ts"
import { readSegments } from "../../journal/SegmentLog.ts"
import { iterateEvents } from "../../journal/SqliteReading.ts"
import { iterateEntities } from "../../journal/SqliteState.ts"
import { CommandFailure, refuseInput } from "../CommandFailure.ts"

export interface ExportWish {
  readonly path: string
  readonly from: number | undefined
  readonly to: number | undefined
  readonly isRows: boolean
  /** Undefined = standard output. */
  readonly out: string | undefined
}

/** Text that is written at once. */
const chunkSize = 64 * 1024

/** What is read at once: the journal is not held open while a slow reader takes its time. */
const linesMax = 2_000

type Line = readonly [position: number | null, text: string]

/** Writes a journal's events or rows as lines. */
export const exportJournal = async (wish: ExportWish, progress: (text: string) => void): Promise<void> => {
  const target = wish.out === undefined ? process.stdout : createWriteStream(wish.out, { mode: 0o600 })
  if (wish.isRows) {
    await writeAll(target, readRowLines(wish.path))
  } else {
    if (wish.from !== undefined && wish.to !== undefined && wish.from > wish.to)
      throw refuseInput(`--from ${wish.from} comes after --to ${wish.to}`)
    const first = firstEvent(wish)
    let next = first
    for (;;) {
      // Where nothing is written yet and no beginning was asked for, what is left is all that there is.
      const mayBegin = next === first && wish.from === undefined
      const lines = readEventLines(wish, next, mayBegin)
      if (lines.length === 0) break
      await writeAll(target, lines)
      next = lines[lines.length - 1]![0]! + 1
      progress(`event ${next - 1}`)
    }
  }
  if (target !== process.stdout) {
    target.end()
    await once(target, "close")
  }
}

/** Lines with a gap would look like the whole log. */
const trimmed = (missing: number, found: number): CommandFailure =>
  new CommandFailure({
    message: `events ${missing} to ${found - 1} were trimmed off the log while it was being exported; what was written ends with event ${missing - 1}: export a copy instead, which \`gleaner journal backup\` makes`,
    exitCode: 1,
  })

const firstEvent = ({ path, from }: ExportWish): number =>
  readJournal(path, ({ database, format }) => {
    const first = format === 1 ? 1 : (readSegments(database)[0]?.firstSeq ?? 1)
    if (from !== undefined && from < first)
      throw refuseInput(`event ${from} is not kept any more: the log begins with event ${first}`)
    return from ?? first
  })

/** Format 1 holds events in the same form. */
const readEventLines = (
  { path, to }: ExportWish,
  from: number,
  mayBeginLater: boolean,
): ReadonlyArray<Line> =>
  readJournal(path, ({ database }) => {
    const lines: Array<Line> = []
    const events = iterateEvents(database, from)
    for (const [seq, , event, actionsDigest] of events) {
      if (lines.length === 0 && seq !== from && !mayBeginLater) throw trimmed(from, seq)
      if (lines.length === linesMax || (to !== undefined && seq > to)) break
      lines.push([seq, eventLine(seq, event, actionsDigest)])
    }
    return lines
  })

/** The event is JSON already, and stays byte for byte what it was. */
const eventLine = (seq: number, event: string, actionsDigest: string): string => {
  const { wallMs } = JSON.parse(event) as { readonly wallMs?: number }
  const time = typeof wallMs === "number" ? `"time":"${new Date(wallMs).toISOString()}",` : ""
  return `{"seq":${seq},${time}"event":${event},"actionsDigest":${JSON.stringify(actionsDigest)}}\n`
}

const readRowLines = (path: string): ReadonlyArray<Line> =>
  readJournal(path, ({ database }) => {
    const lines: Array<Line> = []
    for (const [kind, key, value] of iterateEntities(database))
      lines.push([null, `{"kind":${JSON.stringify(kind)},"key":${JSON.stringify(key)},"value":${value}}\n`])
    return lines
  })

const writeAll = async (target: Writable, lines: ReadonlyArray<Line>): Promise<void> => {
  let chunk = ""
  const flush = async () => {
    const text = chunk
    chunk = ""
    if (text !== "" && !target.write(text)) await once(target, "drain")
  }
  for (const [, text] of lines) {
    chunk += text
    if (chunk.length >= chunkSize) await flush()
  }
  await flush()
}
