import { closeSync, fstatSync, openSync, readSync } from "node:fs"

// SQLite follows its write-ahead log up to the first frame that is not whole and drops the rest without a word
// (sqlite.org/fileformat2.html §4). After a crash that is right: what was not whole had not been synchronised, so nobody
// was told. But it is the same when a frame in the middle is damaged, with acknowledged transactions behind it. So
// this looks first, at the bytes alone. A transaction is written only when the one before it is durable: whatever lies
// behind the end of a damaged transaction was not torn by a crash.

export type WalReading =
  /** `tornBytes` belong to a transaction that did not come to its end. */
  | { readonly type: "Whole"; readonly commits: number; readonly tornBytes: number }
  | { readonly type: "Damaged"; readonly offset: number; readonly detail: string }

const headerSize = 32
const frameHeaderSize = 24

interface WalHeader {
  readonly pageSize: number
  readonly isLittleEndian: boolean
  readonly salt: string
  readonly checksum: readonly [number, number]
}

/** Continues SQLite's checksum over whole pairs of 32-bit words. */
const checksumOver = (
  bytes: Buffer,
  from: number,
  to: number,
  isLittleEndian: boolean,
  [first, second]: readonly [number, number],
): readonly [number, number] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let s0 = first
  let s1 = second
  for (let at = from; at < to; at += 8) {
    s0 = (s0 + view.getUint32(at, isLittleEndian) + s1) >>> 0
    s1 = (s1 + view.getUint32(at + 4, isLittleEndian) + s0) >>> 0
  }
  return [s0, s1]
}

/** Undefined when it is not whole. */
const readHeader = (bytes: Buffer): WalHeader | undefined => {
  const magic = bytes.readUInt32BE(0)
  if (magic !== 0x377f0682 && magic !== 0x377f0683) return undefined
  const isLittleEndian = magic === 0x377f0682
  const checksum = checksumOver(bytes, 0, 24, isLittleEndian, [0, 0])
  if (checksum[0] !== bytes.readUInt32BE(24) || checksum[1] !== bytes.readUInt32BE(28)) return undefined
  return {
    pageSize: bytes.readUInt32BE(8),
    isLittleEndian,
    salt: bytes.toString("hex", 16, 24),
    checksum,
  }
}

/** Reads the log `<path>-wal`; one that does not exist is whole. */
export const readWal = (path: string): WalReading => {
  let file: number
  try {
    file = openSync(`${path}-wal`, "r")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { type: "Whole", commits: 0, tornBytes: 0 }
    throw error
  }
  try {
    return readWalFile(file)
  } finally {
    closeSync(file)
  }
}

const readWalFile = (file: number): WalReading => {
  const { size } = fstatSync(file)
  const first = Buffer.alloc(headerSize)
  if (size < headerSize || readSync(file, first, 0, headerSize, 0) < headerSize)
    return { type: "Whole", commits: 0, tornBytes: size }
  // The header is synchronised before the first frame is written, so a crash leaves zeros only where nothing lies behind.
  const isZero = first.every((byte) => byte === 0)
  if (isZero && isZeroFrom(file, headerSize, size)) return { type: "Whole", commits: 0, tornBytes: size }
  const header = isZero ? undefined : readHeader(first)
  if (header === undefined)
    return { type: "Damaged", offset: 0, detail: "its first bytes are not what was written" }
  return readFrames(file, size, header)
}

const isZeroFrom = (file: number, from: number, size: number): boolean => {
  const part = Buffer.alloc(64 * 1024)
  for (let at = from; at < size; ) {
    const count = readSync(file, part, 0, part.length, at)
    if (count === 0) break
    if (part.subarray(0, count).some((byte) => byte !== 0)) return false
    at += count
  }
  return true
}

const readFrames = (file: number, size: number, header: WalHeader): WalReading => {
  const frameSize = frameHeaderSize + header.pageSize
  const frame = Buffer.alloc(frameSize)
  let { checksum } = header
  let commits = 0
  /** End of the last whole transaction. */
  let wholeSize = headerSize
  /** The first frame that is not whole. */
  let brokenAt: number | undefined
  /** Behind it, a transaction came to its end. */
  let hasEndBehind = false
  let lastAt = headerSize
  for (let at = headerSize; at + frameSize <= size; at += frameSize) {
    if (readSync(file, frame, 0, frameSize, at) < frameSize) break
    const isOfThisLog = frame.toString("hex", 8, 16) === header.salt
    const isCommit = isOfThisLog && frame.readUInt32BE(4) !== 0
    if (brokenAt === undefined) {
      const next = checksumOver(frame, 0, 8, header.isLittleEndian, checksum)
      const sums = checksumOver(frame, frameHeaderSize, frameSize, header.isLittleEndian, next)
      const isWhole = isOfThisLog && sums[0] === frame.readUInt32BE(16) && sums[1] === frame.readUInt32BE(20)
      if (isWhole) {
        checksum = sums
        lastAt = at + frameSize
        if (!isCommit) continue
        commits++
        wholeSize = at + frameSize
        continue
      }
      brokenAt = at
    } else if (isOfThisLog && hasEndBehind) {
      const detail = `its write-ahead log is damaged at byte ${brokenAt}, and acknowledged transactions lie behind that`
      return { type: "Damaged", offset: brokenAt, detail }
    }
    if (isOfThisLog) lastAt = at + frameSize
    hasEndBehind = hasEndBehind || isCommit
  }
  return { type: "Whole", commits, tornBytes: lastAt - wholeSize }
}
