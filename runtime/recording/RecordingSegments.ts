import { mkdirSync, readdirSync, statSync, unlinkSync } from "node:fs"
import { join } from "node:path"

/** One file of a recording: `<host>.<number>.rec`, numbered in the order in which they were begun. */
export interface RecordingSegment {
  readonly path: string
  readonly number: number
  readonly bytes: number
}

/** A host's name as part of a file name. */
const fileNameOf = (host: string): string => host.replace(/[^A-Za-z0-9.-]/g, "_").slice(0, 200)

export const segmentPath = (folder: string, host: string, number: number): string =>
  join(folder, `${fileNameOf(host)}.${String(number).padStart(8, "0")}.rec`)

/** The segments of one host, oldest first; none where there is no folder. */
export const listSegments = (folder: string, host: string): ReadonlyArray<RecordingSegment> => {
  const prefix = `${fileNameOf(host)}.`
  let names: ReadonlyArray<string>
  try {
    names = readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
    throw error
  }
  return names
    .filter((name) => name.startsWith(prefix) && /^\d{8,12}\.rec$/.test(name.slice(prefix.length)))
    .map((name) => {
      const path = join(folder, name)
      return { path, number: Number(name.slice(prefix.length).split(".")[0]), bytes: statSync(path).size }
    })
    .sort((a, b) => a.number - b.number)
}

/** Removes the oldest segments until no more than `keepBytes` are left; returns the number for the next one. */
export const makeRoom = (folder: string, host: string, keepBytes: number): number => {
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const segments = listSegments(folder, host)
  let bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  for (const segment of segments) {
    if (bytes <= keepBytes) break
    unlinkSync(segment.path)
    bytes -= segment.bytes
  }
  return (segments[segments.length - 1]?.number ?? 0) + 1
}
