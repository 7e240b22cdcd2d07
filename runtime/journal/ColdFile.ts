import { closeSync, fstatSync, openSync, readSync } from "node:fs"

// After a reboot nothing of a journal is in memory. SQLite then follows its trees, page by page, through a file in which they
// have grown into each other: a hundred thousand reads of 4 KiB, which takes a disk with heads many minutes. Reading it once from
// its beginning to its end takes such a disk some seconds.

/** Looked at to find out whether the file is in memory. */
const samples = 64
const sampleBytes = 4_096
const pieceBytes = 1024 * 1024

/** Blocks that this process had to fetch from a disk so far. */
const readFromDisk = (): number => process.resourceUsage().fsRead

/** Reads a file through when parts of it are not in memory. Returns how many bytes it has read for that; 0 = none were missing. */
export const fetchColdFile = (path: string): number => {
  let file: number
  try {
    file = openSync(path, "r")
  } catch {
    return 0 // whoever needs it will say why it cannot be opened
  }
  try {
    const { size } = fstatSync(file)
    return isCold(file, size) ? readThrough(file) : 0
  } catch {
    return 0
  } finally {
    closeSync(file)
  }
}

const isCold = (file: number, size: number): boolean => {
  const sample = Buffer.alloc(sampleBytes)
  const before = readFromDisk()
  for (let index = 0; index < samples; index++)
    readSync(file, sample, 0, sampleBytes, Math.floor((size * index) / samples))
  return readFromDisk() > before
}

const readThrough = (file: number): number => {
  const piece = Buffer.alloc(pieceBytes)
  for (let at = 0; ; ) {
    const count = readSync(file, piece, 0, pieceBytes, at)
    if (count === 0) return at
    at += count
  }
}
