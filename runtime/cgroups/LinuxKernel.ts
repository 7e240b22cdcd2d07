import * as fs from "node:fs"
import { Effect, Layer } from "effect"
import { asKernelFailure, CgroupKernel, type Kernel, type KernelRefused } from "./CgroupKernel.ts"
import {
  isMemoryFile,
  linuxPlainKernel,
  pageBytes,
  toKernelRefused,
  writeInPool,
} from "./LinuxPlainKernel.ts"

// What may wait goes through libuv's pool and does not hold up the daemon: memory files (reclaim), mkdir and rmdir (the
// kernel's cgroup lock; on 2.6.32 rmdir also moves charges). Everything else is `LinuxPlainKernel`.

const attempt = <A>(run: () => A): Effect.Effect<A, KernelRefused> =>
  Effect.try({ try: run, catch: (error) => asKernelFailure(error) as KernelRefused })

const inPool = (
  operation: KernelRefused["operation"],
  path: string,
  run: (done: (error: NodeJS.ErrnoException | null) => void) => void,
) =>
  Effect.async<void, KernelRefused>((resume) => {
    run((error) =>
      resume(error === null ? Effect.void : Effect.fail(toKernelRefused(operation, path, error))),
    )
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
  plain: linuxPlainKernel,
  read: (path) => attempt(() => linuxPlainKernel.read(path)),
  write: (path, text) =>
    isMemoryFile(path)
      ? inPool("write", path, (done) => writeInPool(path, text, done))
      : attempt(() => linuxPlainKernel.write(path, text)),
  exists: (path) => canAccess(path, fs.constants.F_OK),
  canWrite: (path) => canAccess(path, fs.constants.W_OK),
  groups: (path) => attempt(() => linuxPlainKernel.groups(path)),
  mkdir: (path) => inPool("mkdir", path, (done) => fs.mkdir(path, 0o755, done)),
  rmdir: (path) => inPool("rmdir", path, (done) => fs.rmdir(path, done)),
  kill: (pid, signal) =>
    Effect.try({
      try: () => {
        process.kill(pid, signal)
      },
      catch: (error) => toKernelRefused("kill", `/proc/${pid}`, error),
    }),
  ownPid: process.pid,
  pageBytes,
}

export const layer: Layer.Layer<CgroupKernel> = Layer.succeed(CgroupKernel, linuxKernel)
