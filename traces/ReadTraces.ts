import { sep } from "node:path"
import { printPlace, type RecordingPlace, type TraceBuilder, type TraceFormat } from "./Format.ts"
import { type BadLines, createImportLog, type ImportLog } from "./ImportLog.ts"
import { type ByteSink, createLineSplitter, type LineSink, lineLengthMost } from "./Lines.ts"
import { resolvePaths } from "./Paths.ts"
import { streamRecordings } from "./Recordings.ts"
import { bitbrains } from "./readers/Bitbrains.ts"
import { planetLab } from "./readers/PlanetLab.ts"
import { recording } from "./readers/Recording.ts"
import type { Trace } from "./Trace.ts"
import { UnreadableTrace } from "./TraceError.ts"

const formats: ReadonlyArray<TraceFormat> = [recording, bitbrains, planetLab]

export interface ReadOptions {
  readonly badLines: BadLines
  /** Called before each file, and once more when all are done. */
  readonly onProgress?: (filesDone: number, files: number) => void
}

/** The recordings of one folder and format on their way to a trace. */
interface Group {
  readonly folder: string
  readonly format: TraceFormat
  readonly log: ImportLog
  readonly builder: TraceBuilder
}

/**
 * Reads recordings in their original files (plain, .gz, .tar, .tar.gz) from files, folders and globs; one trace per
 * folder. Formats are told by content. Rejects with a `TraceError` that names the place and the remedy.
 */
export const readTraces = async (
  paths: ReadonlyArray<string>,
  options: ReadOptions,
): Promise<ReadonlyArray<Trace>> => {
  const files = await resolvePaths(paths)
  const groups = new Map<string, Group>()
  for (const [index, file] of files.entries()) {
    options.onProgress?.(index, files.length)
    const counted = new Set<Group>()
    await streamRecordings(file, (place) =>
      openDetected(place, (format) => {
        const group = findGroup(groups, format, format.folderOf(place), options.badLines)
        if (!counted.has(group)) group.log.files++
        counted.add(group)
        return group.builder.openRecording(place)
      }),
    )
  }
  options.onProgress?.(files.length, files.length)
  return buildTraces([...groups.values()])
}

const findGroup = (
  groups: Map<string, Group>,
  format: TraceFormat,
  folder: string,
  badLines: BadLines,
): Group => {
  const key = `${format.name}\n${folder}`
  const known = groups.get(key)
  if (known !== undefined) return known
  const log = createImportLog(badLines)
  const group: Group = { folder, format, log, builder: format.createBuilder(log) }
  groups.set(key, group)
  return group
}

/** Lets the first line decide the format, then hands every line on. */
const openDetected = (place: RecordingPlace, openReader: (format: TraceFormat) => LineSink): ByteSink => {
  let reader: LineSink | undefined
  const takeLine = (text: string, number: number) => {
    reader ??= openReader(detectFormat(place, text))
    reader.line(text, number)
  }
  const finish = (lines: number) => {
    if (reader === undefined) {
      throw new UnreadableTrace({
        place: printPlace(place),
        reason: "the file is empty",
        remedy: "Leave it out, or copy it again",
      })
    }
    reader.end(lines)
  }
  return createLineSplitter({ line: takeLine, end: finish }, (line) => {
    throw new UnreadableTrace({
      place: printPlace(place),
      reason: `line ${line} is longer than ${lineLengthMost} characters: not a text recording`,
      remedy: supportedFormats(),
    })
  })
}

const detectFormat = (place: RecordingPlace, firstLine: string): TraceFormat => {
  const format = formats.find((candidate) => candidate.isFirstLine(firstLine))
  if (format !== undefined) return format
  const shown = [...firstLine.slice(0, 60)].map((letter) => (/[ -~]/.test(letter) ? letter : "·")).join("")
  throw new UnreadableTrace({
    place: printPlace(place),
    reason: `unknown format; the first line is "${shown}${firstLine.length > 60 ? "…" : ""}"`,
    remedy: supportedFormats(),
  })
}

const supportedFormats = (): string => {
  const list = formats.map((format) => `${format.name}, first line: ${format.firstLine}`).join("; ")
  return `Supported are: ${list}; each plain, .gz, .tar or .tar.gz`
}

const buildTraces = (groups: ReadonlyArray<Group>): ReadonlyArray<Trace> => {
  const shortNames = groups.map((group) => group.folder.split(sep).filter(Boolean).slice(-2).join("/"))
  return groups.map((group, index) => {
    const short = shortNames[index]!
    const isUnique = shortNames.indexOf(short) === shortNames.lastIndexOf(short)
    const { files } = group.log
    return group.builder.build({
      // Two folders that end alike keep their whole path; two formats in one folder are told apart by name.
      name: isUnique ? short : uniqueName(group, groups),
      folder: group.folder,
      provenance: `${files} ${files === 1 ? "file" : "files"} in ${group.folder}, ${group.format.name}`,
    })
  })
}

const uniqueName = (group: Group, groups: ReadonlyArray<Group>): string =>
  groups.filter((other) => other.folder === group.folder).length === 1
    ? group.folder
    : `${group.folder} (${group.format.name})`
