import * as fs from "node:fs"
import { Effect, Layer } from "effect"
import { CgroupKernel, type Kernel, KernelRefused } from "./CgroupKernel.ts"

// Most control files are answered from kernel memory within microseconds, so they are read and written at once: a
// ceiling over fifty containers must move within the guard loop's period. What may wait goes through libuv's pool and
// does not hold up the daemon: memory files (reclaim), mkdir and rmdir (the kernel's cgroup lock; on 2.6.32 rmdir also
// moves charges).

const refuse =
  (operation: KernelRefused["operation"], path: string) =>
  (error: unknown): KernelRefused => {
    const { code, message } = error as NodeJS.ErrnoException
    return code === undefined
      ? new KernelRefused({ operation, path, errno: "EIO", detail: String(message) })
      : new KernelRefused({ operation, path, errno: code })
  }

const attempt = <A>(operation: KernelRefused["operation"], path: string, run: () => A) =>
  Effect.try({ try: run, catch: refuse(operation, path) })

const inPool = (
  operation: KernelRefused["operation"],
  path: string,
  run: (done: (error: NodeJS.ErrnoException | null) => void) => void,
) =>
  Effect.async<void, KernelRefused>((resume) => {
    run((error) => resume(error === null ? Effect.void : Effect.fail(refuse(operation, path)(error))))
  })

const canAccess = (path: string, mode: number): Effect.Effect<boolean> =>
  Effect.sync(() => {
    try {
      fs.accessSync(path, mode)
      return true
    } catch {
      return false
    }
  })

export const linuxKernel: Kernel = {
  read: (path) => attempt("read", path, () => fs.readFileSync(path, "utf8")),
  // O_CREAT would turn a missing control file into a misleading EACCES.
  write: (path, text) =>
    /\/memory\.[^/]*$/.test(path)
      ? inPool("write", path, (done) => {
          fs.open(path, fs.constants.O_WRONLY, (openError, fd) => {
            if (openError) return done(openError)
            fs.write(fd, text, (writeError) => {
              fs.close(fd, (closeError) => done(writeError ?? closeError ?? null))
            })
          })
        })
      : attempt("write", path, () => {
          const fd = fs.openSync(path, fs.constants.O_WRONLY)
          try {
            fs.writeSync(fd, text)
          } finally {
            fs.closeSync(fd)
          }
        }),
  exists: (path) => canAccess(path, fs.constants.F_OK),
  canWrite: (path) => canAccess(path, fs.constants.W_OK),
  groups: (path) =>
    attempt("list", path, () =>
      fs
        .readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name),
    ),
  mkdir: (path) => inPool("mkdir", path, (done) => fs.mkdir(path, 0o755, done)),
  rmdir: (path) => inPool("rmdir", path, (done) => fs.rmdir(path, done)),
  kill: (pid, signal) =>
    attempt("kill", `/proc/${pid}`, () => {
      process.kill(pid, signal)
    }),
  ownPid: process.pid,
  // Pages are 4 KiB on x86; arm64 and ppc64 kernels of distributions go up to 64 KiB.
  pageBytes: process.arch === "x64" || process.arch === "ia32" ? 4096 : 65_536,
}

export const layer: Layer.Layer<CgroupKernel> = Layer.succeed(CgroupKernel, linuxKernel)
