import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { restoreMaster, snapshotMaster } from "../../core/master/Snapshot.ts"
import { dataFolderAt } from "../../runtime/DataFolder.ts"
import { decodeState } from "../../runtime/journal/EncodedBatch.ts"
import { defaultKeepEvents, defaultKeepSize } from "../../runtime/journal/LogBounds.ts"
import { openSqliteStore } from "../../runtime/journal/SqliteStore.ts"
import { type ClusterSize, type MadeJournal, makeFullJournal } from "./FullJournal.ts"

export interface RestartFigure extends ClusterSize {
  readonly events: number
  readonly rows: number
  readonly journalBytes: number
  /** Of `gleaner master`, from its start to its first answer, one for each run. */
  readonly readyMs: ReadonlyArray<number>
  /** What of it is opening the journal, its check included; of one run in this process. */
  readonly openMs: number
  readonly checkMs: number
  readonly readMs: number
  readonly restoreMs: number
}

const bounds = { keepEvents: defaultKeepEvents, keepSize: defaultKeepSize }
const program = fileURLToPath(new URL("../../dist/gleaner.js", import.meta.url))

/** Makes a journal, has it verified, and starts masters on it. */
export const measureRestart = async (
  size: ClusterSize,
  runs: number,
  say: (text: string) => void,
): Promise<RestartFigure> => {
  const folder = mkdtempSync(join(tmpdir(), "gleaner-bench-restart-"))
  try {
    const path = dataFolderAt(folder).journalFile
    mkdirSync(join(folder, "master"), { mode: 0o700 })
    say(`making the journal of ${size.agents} agents and ${size.tasks} tasks`)
    const made = makeFullJournal(path, size)
    const journalBytes = statSync(path).size
    const parts = verifyRestored(path, made, size)
    const readyMs: Array<number> = []
    for (let run = 1; run <= runs; run++) {
      say(`start ${run} of ${runs}`)
      readyMs.push(await timeStart(folder))
    }
    return { ...size, events: made.events, rows: made.rows, journalBytes, readyMs, ...parts }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What is restored is what was stored, to the byte; before that no time is believed. */
const verifyRestored = (path: string, made: MadeJournal, size: ClusterSize) => {
  const marks = [performance.now()]
  const mark = () => marks.push(performance.now())
  const store = openSqliteStore({ path, ...bounds })
  mark()
  const recovered = decodeState(store.recover())
  mark()
  const restored = restoreMaster(recovered.entities, made.state.settings)
  mark()
  store.close()
  if (restored === undefined) throw new Error("the journal holds no master")
  if (restored.tasks.size !== size.tasks || restored.agents.size !== size.agents)
    throw new Error(`${restored.tasks.size} tasks and ${restored.agents.size} agents were restored`)
  const [found, expected] = [snapshotMaster(restored), snapshotMaster(made.state)]
  const differs = expected.findIndex((row, index) => JSON.stringify(row) !== JSON.stringify(found[index]))
  if (differs !== -1 || found.length !== expected.length)
    throw new Error(`row ${differs} is restored as ${JSON.stringify(found[differs])}`)
  if (recovered.outbox.length !== made.outbox)
    throw new Error(`${recovered.outbox.length} messages were restored instead of ${made.outbox}`)
  const [start, opened, read, end] = marks as [number, number, number, number]
  return {
    openMs: opened - start,
    checkMs: store.report.checkMs,
    readMs: read - opened,
    restoreMs: end - read,
  }
}

const timeStart = async (folder: string): Promise<number> => {
  const startMs = performance.now()
  const child = spawn(process.execPath, [program, "master", "--data", folder, "--port", "0"], {
    stdio: ["ignore", "pipe", "pipe"],
  })
  try {
    const url = await readyUrl(child)
    const { status } = await fetch(`${url}/health`)
    const tookMs = performance.now() - startMs
    if (status !== 200) throw new Error(`the master answers ${status}`)
    return tookMs
  } finally {
    const ended = new Promise((resolve) => child.once("close", resolve))
    child.kill("SIGKILL")
    await ended
  }
}

const readyUrl = async ({ stdout, stderr }: ChildProcess): Promise<string> => {
  let log = ""
  stderr!.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString("utf8")).slice(-2_000)
  })
  for await (const line of createInterface({ input: stdout! })) {
    const said = JSON.parse(line) as { readonly ready?: boolean; readonly url?: string }
    if (said.ready === true && said.url !== undefined) return said.url
  }
  throw new Error(`the master did not start: ${log}`)
}
