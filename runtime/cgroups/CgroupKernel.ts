import { Context, Data, Effect } from "effect"

/** The kernel said no. `remedy` says what a person can do about it. */
export class KernelRefused extends Data.TaggedError("KernelRefused")<{
  readonly operation: "read" | "write" | "mkdir" | "rmdir" | "list" | "kill"
  readonly path: string
  readonly errno: string
  readonly detail?: string
}> {
  get remedy(): string {
    switch (this.errno) {
      case "EACCES":
      case "EPERM":
        return "run the agent as root, or have this hierarchy's folder given to its user"
      case "EROFS":
        return "remount the hierarchy read-write"
      case "ENOENT":
      case "ENODEV":
        return "the cgroup or the feature is not there; see gleaner doctor"
      case "EBUSY":
        return "something still uses it; retry, or see which processes are in its tasks file"
      case "ENOSPC":
        return "too many cgroups, or the cpuset of the group is empty"
      case "EINVAL":
        return "the value breaks a rule of the kernel, such as a quota above the parent's"
      default:
        return "see gleaner doctor"
    }
  }
  override get message() {
    const detail = this.detail === undefined ? "" : ` (${this.detail})`
    return `${this.operation} ${this.path}: ${this.errno}${detail}; ${this.remedy}`
  }
}

/**
 * The few things gleaner asks of the kernel about cgroups, so that the same logic runs over real files
 * (`LinuxKernel`) and over a model that refuses like v1 (`MemoryKernel`).
 */
export interface Kernel {
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

/** The group vanished between two steps: v1 answers ENOENT for the path, ENODEV through an open file. */
export const isGone = (error: unknown): error is KernelRefused => isRefused(error, "ENOENT", "ENODEV")

export const isRefused = (error: unknown, ...errnos: ReadonlyArray<string>): error is KernelRefused =>
  error instanceof KernelRefused && errnos.includes(error.errno)

/** Takes a vanished group as an answer: what is gone has no members, no children and needs no removal. */
export const ifGone =
  <B>(fallback: B) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A | B, E, R> =>
    Effect.catchAll(self, (error) => (isGone(error) ? Effect.succeed(fallback) : Effect.fail(error)))
