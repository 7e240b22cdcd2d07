import { Context, Effect } from "effect"
import { isGone, isWriteError, type KernelRefused, type WriteError } from "./KernelErrors.ts"
import type { PlainKernel } from "./PlainKernel.ts"

export { isGone, isRefused, KernelRefused } from "./KernelErrors.ts"

/**
 * The few things gleaner asks of the kernel about cgroups, so that the same logic runs over real files
 * (`LinuxKernel`) and over a model that refuses like v1 (`MemoryKernel`).
 */
export interface Kernel {
  /** What is answered at once, without Effect. */
  readonly plain: PlainKernel
  /** Whole text of a control file or of /proc/mounts. */
  readonly read: (path: string) => Effect.Effect<string, KernelRefused>
  /** One write(2) to an existing file. */
  readonly write: (path: string, text: string) => Effect.Effect<void, KernelRefused>
  readonly exists: (path: string) => Effect.Effect<boolean>
  readonly canWrite: (path: string) => Effect.Effect<boolean>
  /** Names of the groups directly below a group. */
  readonly groups: (path: string) => Effect.Effect<ReadonlyArray<string>, KernelRefused>
  readonly mkdir: (path: string) => Effect.Effect<void, KernelRefused>
  readonly rmdir: (path: string) => Effect.Effect<void, KernelRefused>
  readonly kill: (pid: number, signal: NodeJS.Signals) => Effect.Effect<void, KernelRefused>
  /** The caller itself, which must never be a victim. */
  readonly ownPid: number
  readonly pageBytes: number
}

export class CgroupKernel extends Context.Tag("gleaner/CgroupKernel")<CgroupKernel, Kernel>() {}

/** Takes a vanished group as an answer: what is gone has no members, no children and needs no removal. */
export const ifGone =
  <B>(fallback: B) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A | B, E, R> =>
    Effect.catchAll(self, (error) => (isGone(error) ? Effect.succeed(fallback) : Effect.fail(error)))

/** For `Effect.try` around plain calls: what the kernel refused is a failure, everything else a defect. */
export const asKernelFailure = (error: unknown): WriteError => {
  if (isWriteError(error)) return error
  throw error
}
