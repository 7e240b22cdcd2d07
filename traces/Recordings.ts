import { createReadStream } from "node:fs"
import { open } from "node:fs/promises"
import { pipeline } from "node:stream/promises"
import { createGunzip } from "node:zlib"
import { Parser, type ReadEntry } from "tar"
import type { RecordingPlace } from "./Format.ts"
import type { ByteSink } from "./Lines.ts"
import { accessError, isRecordingName } from "./Paths.ts"
import { BadTraceLine, UnreadableTrace } from "./TraceError.ts"

/** Length of a tar header, which tells an archive from a text. */
const tarBlock = 512

/** Opens the sink of one recording when its first bytes are there. */
export type OpenRecording = (place: RecordingPlace) => ByteSink

/**
 * Streams every recording of a file through a sink of its own: the file itself, or each member of a tar archive, either
 * compressed with gzip or not. What it is, is told by content, never by name. Memory stays bounded by a few chunks.
 */
export const streamRecordings = async (file: string, openRecording: OpenRecording): Promise<void> => {
  // The pipeline answers an error of its last stage with a mere abort of the stages before, so it is kept here.
  let failure: unknown
  const consume = async (source: AsyncIterable<Buffer>) => {
    try {
      await consumeContent(file, source, openRecording)
    } catch (error) {
      failure = error
      throw error
    }
  }
  try {
    if (await isGzip(file)) await pipeline(createReadStream(file), createGunzip(), consume)
    else await pipeline(createReadStream(file), consume)
  } catch (error) {
    throw describeFailure(file, failure ?? error)
  }
}

const isGzip = async (file: string): Promise<boolean> => {
  const handle = await open(file, "r")
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
  } finally {
    await handle.close()
  }
}

const isTar = (head: Buffer): boolean => head.toString("latin1", 257, 262) === "ustar"

const consumeContent = async (
  file: string,
  source: AsyncIterable<Buffer>,
  openRecording: OpenRecording,
): Promise<void> => {
  let head = Buffer.alloc(0)
  let sink: ByteSink | undefined
  const openSink = () =>
    isTar(head) ? createArchiveSink(file, openRecording) : openRecording({ file, member: null })
  for await (const chunk of source) {
    if (sink !== undefined) {
      sink.push(chunk)
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < tarBlock) continue
    sink = openSink()
    sink.push(head)
  }
  if (sink === undefined) {
    sink = openSink()
    sink.push(head)
  }
  sink.end()
}

/** Feeds a tar archive to `tar`'s parser, whose events carry one member after the other. */
const createArchiveSink = (file: string, openRecording: OpenRecording): ByteSink => {
  let failure: unknown
  let members = 0
  const guard = (work: () => void) => {
    if (failure !== undefined) return
    try {
      work()
    } catch (error) {
      failure = error
    }
  }
  const takeMember = (entry: ReadEntry) => {
    if (!isRecordingName(entry.path) || !/File$/.test(entry.type)) {
      entry.resume()
      return
    }
    members++
    let sink: ByteSink | undefined
    guard(() => {
      sink = openRecording({ file, member: entry.path })
    })
    entry.on("data", (chunk) => guard(() => sink?.push(chunk)))
    entry.on("end", () => guard(() => sink?.end()))
  }
  const parser = new Parser({ strict: true, onReadEntry: takeMember })
  parser.on("error", (error: unknown) => {
    failure ??= error
  })
  const check = () => {
    if (failure !== undefined) throw failure
  }
  return {
    push: (chunk) => {
      parser.write(chunk)
      check()
    },
    end: () => {
      parser.end()
      check()
      if (members > 0) return
      throw new UnreadableTrace({
        place: file,
        reason: "the archive holds no recording",
        remedy: "Expected one text file per host",
      })
    },
  }
}

const describeFailure = (file: string, error: unknown): unknown => {
  if (error instanceof BadTraceLine || error instanceof UnreadableTrace) return error
  if (!(error instanceof Error)) return error
  const { code } = error as NodeJS.ErrnoException
  const { tarCode } = error as { tarCode?: string }
  if (code === "Z_BUF_ERROR") {
    return new UnreadableTrace({
      place: file,
      reason: "the gzip data ends too early: the file is truncated",
      remedy: "Copy or download it again",
    })
  }
  if (code?.startsWith("Z_") === true) {
    return new UnreadableTrace({
      place: file,
      reason: `the gzip data is damaged (${error.message})`,
      remedy: "Copy or download it again",
    })
  }
  if (tarCode !== undefined) {
    return new UnreadableTrace({
      place: file,
      reason: `the archive is damaged or truncated (${error.message})`,
      remedy: "Copy or download it again",
    })
  }
  // Everything else that carries a code comes from the system; the rest is a defect of ours and keeps its stack.
  return code === undefined ? error : accessError(file, error)
}
