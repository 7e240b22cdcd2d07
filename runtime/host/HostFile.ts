import { closeSync, openSync, readSync } from "node:fs"

/** A file of /proc or a cgroup whose content is not what every known kernel writes. */
export class HostFileUnreadable extends Error {
  readonly _tag = "HostFileUnreadable"
  readonly path: string
  readonly reason: string

  constructor(path: string, reason: string) {
    super(
      `cannot use ${path}: ${reason}; nothing is lent on what it should tell. Please report this with the file's text`,
    )
    this.name = "HostFileUnreadable"
    this.path = path
    this.reason = reason
  }
}

/** A file that is read again and again: opened once, into one buffer that grows with it. */
export interface HostFile {
  readonly path: string
  /** The whole text; undefined when there is no such file (now). Throws {@link HostFileUnreadable}. */
  readonly read: () => string | undefined
  readonly close: () => void
}

/** Files of /proc stay below this on hosts of any size that gleaner has met; a cgroup's are a tenth of it. */
const bytesMost = 4 * 1024 * 1024

export const openHostFile = (path: string): HostFile => {
  let buffer = Buffer.alloc(8 * 1024)
  let descriptor: number | undefined

  const readAt0 = (): string => {
    descriptor = descriptor === undefined ? openSync(path, "r") : descriptor
    for (;;) {
      const length = readSync(descriptor, buffer, 0, buffer.length, 0)
      if (length < buffer.length) return buffer.toString("latin1", 0, length)
      if (buffer.length >= bytesMost) throw new HostFileUnreadable(path, `longer than ${bytesMost} bytes`)
      buffer = Buffer.alloc(buffer.length * 2)
    }
  }

  const close = () => {
    if (descriptor !== undefined) closeSync(descriptor)
    descriptor = undefined
  }

  const read = (): string | undefined => {
    const wasOpen = descriptor !== undefined
    try {
      return readAt0()
    } catch (error) {
      if (error instanceof HostFileUnreadable) throw error
      close()
      // A removed cgroup answers ENODEV through its open file; another may have its name by now.
      if (wasOpen) return read()
      const { code, message } = error as NodeJS.ErrnoException
      if (code === "ENOENT" || code === "ENODEV") return undefined
      throw new HostFileUnreadable(path, code ?? message)
    }
  }

  return { path, read, close }
}
