import * as fs from "node:fs"
import { basename, dirname, join } from "node:path"

/** A text file that only grows: lines wait in memory for a while and are then written in libuv's pool. */
export interface AppendFile {
  readonly append: (line: string) => void
  /** Written and waiting. */
  readonly bytes: () => number
  /** Waiting only. */
  readonly waitingBytes: () => number
  readonly flush: () => Promise<void>
  /** Writes what waits and closes. */
  readonly close: () => Promise<void>
}

export interface AppendFileOptions {
  readonly path: string
  readonly firstLine: string
  /** How long a line may wait. */
  readonly flushMs: number
  /** The disk failed: what waited is lost, its last line may be cut, and nothing more is taken. */
  readonly onFailure: (error: Error) => void
  /** Lines that were lost because the disk did not keep up. */
  readonly onLost: (lines: number) => void
}

/** Lines that wait for a disk that does not answer; what comes then is lost. */
const waitingBytesMost = 1024 * 1024

/** Begins a file under its own name only when its first line is in it, so that no reader finds it empty. Throws. */
export const beginAppendFile = (options: AppendFileOptions): AppendFile => {
  const draft = join(dirname(options.path), `.${basename(options.path)}`)
  const descriptor = fs.openSync(draft, "w", 0o644)
  fs.writeSync(descriptor, `${options.firstLine}\n`)
  fs.renameSync(draft, options.path)

  let bytes = options.firstLine.length + 1
  let waiting: Array<string> = []
  let waitingBytes = 0
  let lostLines = 0
  let hasFailed = false
  let timer: NodeJS.Timeout | undefined
  let last = Promise.resolve()

  const writeWaiting = async () => {
    if (waiting.length === 0 || hasFailed) return
    const text = `${waiting.join("\n")}\n`
    waiting = []
    waitingBytes = 0
    try {
      await writeAll(descriptor, Buffer.from(text))
    } catch (error) {
      hasFailed = true
      options.onFailure(error as Error)
    }
    if (lostLines > 0) options.onLost(lostLines)
    lostLines = 0
  }

  const flush = () => {
    if (timer !== undefined) clearTimeout(timer)
    timer = undefined
    last = last.then(writeWaiting)
    return last
  }

  return {
    append: (line) => {
      if (hasFailed) return
      if (waitingBytes > waitingBytesMost) {
        lostLines += 1
        return
      }
      waiting.push(line)
      waitingBytes += line.length + 1
      bytes += line.length + 1
      if (timer === undefined) timer = setTimeout(flush, options.flushMs)
    },
    bytes: () => bytes,
    waitingBytes: () => waitingBytes,
    flush,
    close: () =>
      flush().then(
        () => new Promise((resolve) => fs.close(descriptor, () => resolve())), // what is written is written
      ),
  }
}

const writeAll = (descriptor: number, bytes: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const writeFrom = (from: number) =>
      fs.write(descriptor, bytes, from, bytes.length - from, null, (error, written) => {
        if (error) reject(error)
        else if (from + written < bytes.length) writeFrom(from + written)
        else resolve()
      })
    writeFrom(0)
  })
