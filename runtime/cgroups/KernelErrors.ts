// Plain classes, not `Data.TaggedError`: the monitor throws and catches them on its fast path, without Effect. They
// carry `_tag`, so Effect code fails with them and catches them like every other tagged error.

export type KernelOperation = "read" | "write" | "mkdir" | "rmdir" | "list" | "kill"

interface Refusal {
  readonly operation: KernelOperation
  readonly path: string
  readonly errno: string
  readonly detail?: string
}

const remedyFor = (errno: string): string => {
  switch (errno) {
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

/** The kernel said no. `remedy` says what a person can do about it. */
export class KernelRefused extends Error {
  readonly _tag = "KernelRefused"
  readonly operation: KernelOperation
  readonly path: string
  readonly errno: string
  readonly detail: string | undefined
  readonly remedy: string

  constructor({ operation, path, errno, detail }: Refusal) {
    const remedy = remedyFor(errno)
    super(`${operation} ${path}: ${errno}${detail === undefined ? "" : ` (${detail})`}; ${remedy}`)
    this.name = "KernelRefused"
    this.operation = operation
    this.path = path
    this.errno = errno
    this.detail = detail
    this.remedy = remedy
  }
}

/** The kernel took a write and yet another value is in force: the limit does not hold. */
export class ReadBackMismatch extends Error {
  readonly _tag = "ReadBackMismatch"
  readonly path: string
  readonly written: string
  readonly found: string

  constructor({ path, written, found }: { path: string; written: string; found: string }) {
    super(
      `wrote ${written} to ${path}, but it reads ${found}: another program may manage this cgroup; stop it or choose another --cgroup-parent`,
    )
    this.name = "ReadBackMismatch"
    this.path = path
    this.written = written
    this.found = found
  }
}

/** A memory limit below what is used now and cannot be reclaimed: EBUSY of v1. Free memory first. */
export class MemoryInUse extends Error {
  readonly _tag = "MemoryInUse"
  readonly path: string
  readonly limitBytes: number
  readonly usageBytes: number

  constructor({ path, limitBytes, usageBytes }: { path: string; limitBytes: number; usageBytes: number }) {
    super(`cannot lower ${path} to ${limitBytes} bytes while ${usageBytes} are in use: stop a task first`)
    this.name = "MemoryInUse"
    this.path = path
    this.limitBytes = limitBytes
    this.usageBytes = usageBytes
  }
}

export type WriteError = KernelRefused | ReadBackMismatch | MemoryInUse

export const isWriteError = (error: unknown): error is WriteError =>
  error instanceof KernelRefused || error instanceof ReadBackMismatch || error instanceof MemoryInUse

export const isRefused = (error: unknown, ...errnos: ReadonlyArray<string>): error is KernelRefused =>
  error instanceof KernelRefused && errnos.includes(error.errno)

/** The group vanished between two steps: v1 answers ENOENT for the path, ENODEV through an open file. */
export const isGone = (error: unknown): error is KernelRefused => isRefused(error, "ENOENT", "ENODEV")
