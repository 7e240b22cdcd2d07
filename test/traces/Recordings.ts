import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { create } from "tar"
import { afterAll } from "vitest"

/** Small recordings in the original formats, written to a folder that is removed after the test file. */
export const createRecordings = () => {
  const root = mkdtempSync(join(tmpdir(), "gleaner-traces-"))
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  const place = (path: string): string => {
    const file = join(root, path)
    mkdirSync(dirname(file), { recursive: true })
    return file
  }
  return {
    root,
    write: (path: string, content: string | Buffer): string => {
      const file = place(path)
      writeFileSync(file, content)
      return file
    },
    /** Packs files that lie below `folder` into `path`. */
    pack: (path: string, folder: string, members: ReadonlyArray<string>, gzip: boolean): string => {
      const file = place(path)
      create({ file, cwd: join(root, folder), gzip, sync: true }, [...members])
      return file
    },
  }
}

export const gzip = (text: string): Buffer => gzipSync(text)

export const bitbrainsHeader = [
  "Timestamp [ms]",
  "CPU cores",
  "CPU capacity provisioned [MHZ]",
  "CPU usage [MHZ]",
  "CPU usage [%]",
  "Memory capacity provisioned [KB]",
  "Memory usage [KB]",
  "Disk read throughput [KB/s]",
  "Disk write throughput [KB/s]",
  "Network received throughput [KB/s]",
  "Network transmitted throughput [KB/s]",
].join(";\t")

/** 2013-08-01 00:00 UTC in seconds, a multiple of 300. */
export const august = 1_375_315_200

export interface BitbrainsRow {
  readonly seconds: number
  readonly percent: number
  readonly cores?: number
  readonly memoryKb?: number | string
  readonly usedKb?: number
}

export const bitbrainsRow = ({
  seconds,
  percent,
  cores = 4,
  memoryKb = 1_048_576,
  usedKb = 262_144,
}: BitbrainsRow): string =>
  [seconds, cores, cores * 2600, 1, percent, memoryKb, usedKb, 0, 0, 0, 0].join(";\t")

export const bitbrainsText = (rows: ReadonlyArray<BitbrainsRow>): string =>
  `${[bitbrainsHeader, ...rows.map(bitbrainsRow)].join("\n")}\n`

/** A PlanetLab day: 288 percentages. */
export const planetLabText = (percentAt: (step: number) => number): string =>
  Array.from({ length: 288 }, (_, step) => percentAt(step)).join("\n")
