import * as fs from "node:fs"
import { type KernelOperation, KernelRefused } from "./KernelErrors.ts"
import type { PlainKernel } from "./PlainKernel.ts"

// Most control files are answered from kernel memory within microseconds, so they are read and written at once: a
// ceiling over fifty containers must move within the guard loop's period.

export const toKernelRefused = (operation: KernelOperation, path: string, error: unknown): KernelRefused => {
  const { code, message } = error as NodeJS.ErrnoException
  return code === undefined
    ? new KernelRefused({ operation, path, errno: "EIO", detail: String(message) })
    : new KernelRefused({ operation, path, errno: code })
}

const attempt = <A>(operation: KernelOperation, path: string, run: () => A): A => {
  try {
    return run()
  } catch (error) {
    throw toKernelRefused(operation, path, error)
  }
}

export const linuxPlainKernel: PlainKernel = {
  read: (path) => attempt("read", path, () => fs.readFileSync(path, "utf8")),
  // O_CREAT would turn a missing control file into a misleading EACCES.
  write: (path, text) =>
    attempt("write", path, () => {
      const fd = fs.openSync(path, fs.constants.O_WRONLY)
      try {
        fs.writeSync(fd, text)
      } finally {
        fs.closeSync(fd)
      }
    }),
  groups: (path) =>
    attempt("list", path, () =>
      fs
        .readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name),
    ),
}

/** Memory limits reclaim when they are lowered, which may take seconds. */
export const isMemoryFile = (path: string): boolean => /\/memory\.[^/]*$/.test(path)

/** One write(2) in libuv's pool: the caller goes on meanwhile. */
export const writeInPool = (
  path: string,
  text: string,
  done: (error: NodeJS.ErrnoException | null) => void,
): void => {
  fs.open(path, fs.constants.O_WRONLY, (openError, fd) => {
    if (openError) return done(openError)
    fs.write(fd, text, (writeError) => {
      fs.close(fd, (closeError) => done(writeError ?? closeError ?? null))
    })
  })
}

/** Pages are 4 KiB on x86; arm64 and ppc64 kernels of distributions go up to 64 KiB. */
export const pageBytes = process.arch === "x64" || process.arch === "ia32" ? 4096 : 65_536
