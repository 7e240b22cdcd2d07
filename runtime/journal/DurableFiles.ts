import * as fs from "node:fs"
import { promisify } from "node:util"

/** The few file operations that a journal in plain files is made of; replaced in tests by a disk that forgets. */
export interface DurableFiles {
  /** Undefined when there is no such file. */
  readonly read: (path: string) => Promise<Buffer | undefined>
  /** An empty file, readable by its owner only, in the place of any other. */
  readonly create: (path: string) => Promise<OpenFile>
  readonly open: (path: string) => Promise<OpenFile>
  readonly rename: (from: string, to: string) => Promise<void>
  readonly remove: (path: string) => Promise<void>
  /** Makes names in a folder durable: without it a file that was created or renamed may be gone after a crash. */
  readonly syncFolder: (path: string) => Promise<void>
}

export interface OpenFile {
  /** All of it, or it fails. */
  readonly write: (bytes: Buffer, position: number) => Promise<void>
  readonly truncate: (size: number) => Promise<void>
  /** Data and size are durable afterwards. */
  readonly sync: () => Promise<void>
  readonly close: () => Promise<void>
}

const open = promisify(fs.open)
const close = promisify(fs.close)
const write = promisify(fs.write)
const readFile = promisify(fs.readFile)
const fdatasync = promisify(fs.fdatasync)
const fsync = promisify(fs.fsync)
const ftruncate = promisify(fs.ftruncate)

const openedFile = (fd: number): OpenFile => ({
  write: async (bytes, position) => {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await write(fd, bytes, done, bytes.length - done, position + done)
      done += bytesWritten
    }
  },
  truncate: (size) => ftruncate(fd, size),
  sync: () => fdatasync(fd),
  close: () => close(fd),
})

export const realFiles: DurableFiles = {
  read: async (path) => {
    try {
      return await readFile(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
      throw error
    }
  },
  create: async (path) => openedFile(await open(path, "w", 0o600)),
  open: async (path) => openedFile(await open(path, "r+")),
  rename: promisify(fs.rename),
  remove: promisify(fs.unlink),
  syncFolder: async (path) => {
    const fd = await open(path, "r")
    try {
      await fsync(fd)
    } finally {
      await close(fd)
    }
  },
}
