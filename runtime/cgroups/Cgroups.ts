import { Context, Data, type Effect } from "effect"
import type { CgroupFacts } from "./CgroupFacts.ts"
import type { KernelRefused, WriteError } from "./KernelErrors.ts"

export { MemoryInUse, ReadBackMismatch, type WriteError } from "./KernelErrors.ts"

/** What one container may use, as the agent's core counts it: thousandths of a cpu, bytes. */
export interface ContainerLimits {
  readonly cpuMilli: number
  readonly memBytes: number
  /** Threads and processes together; left out: no limit of its own. */
  readonly pidsMax?: number
}

/** What everything below the parent cgroup may use together (design §5). */
export interface Ceiling {
  /** Microseconds of cpu time per period of 100 ms; the kernel's floor is 1000. */
  readonly cpuQuotaMicros: number | "unlimited"
  readonly memBytes: number | "unlimited"
}

/** What is written for a container or is in force for it. */
export interface ContainerUsage {
  readonly cpuNanos: number
  readonly memBytes: number
  readonly memMaxBytes: number
  /** Periods of 100 ms in force so far and how many of them hit the quota; 0 where the kernel has no quota. */
  readonly nrPeriods: number
  readonly nrThrottled: number
  readonly oom: OomEvidence
  /** Processes, not threads. */
  readonly pids: number
}

/** Memory of one container, bytes; null = this kernel does not say. */
export interface MemoryStatistics {
  readonly totalBytes: number | null
  /** In force; null = there is none. */
  readonly limitBytes: number | null
  readonly cacheBytes: number | null
  readonly rssBytes: number | null
  readonly mappedFileBytes: number | null
  readonly swapBytes: number | null
  readonly unevictableBytes: number | null
  readonly kernelBytes: number | null
  readonly kernelTcpBytes: number | null
}

/** What one container has used, for people and exporters; null = this host does not say. */
export interface ContainerStatistics {
  readonly cpuUserNanos: number | null
  readonly cpuSystemNanos: number | null
  /** The quota in force, which a ceiling may have lowered. */
  readonly cpuLimitMilli: number | null
  readonly nrPeriods: number | null
  readonly nrThrottled: number | null
  readonly throttledNanos: number | null
  readonly processes: number
  readonly threads: number
  readonly memory: MemoryStatistics | null
}

/**
 * How sure an OOM kill is. `kill` counts kills (`memory.oom_control`, kernel ≥ 4.13). `failcnt` is what older kernels
 * leave: how often the limit was hit, which reclaimed page cache raises as well; it proves a kill only together with
 * a death by SIGKILL that gleaner did not send.
 */
export interface OomEvidence {
  readonly by: "kill" | "failcnt" | "none"
  readonly count: number
}

export type FreezerState = "THAWED" | "FREEZING" | "FROZEN"

/** The host cannot isolate at all; `reasons` and `remedy` are what `gleaner doctor` shows. */
export class CgroupsUnavailable extends Data.TaggedError("CgroupsUnavailable")<{
  readonly reasons: ReadonlyArray<string>
  readonly remedy: string
}> {
  override get message() {
    return `this host cannot isolate tasks: ${this.reasons.join("; ")}. ${this.remedy}`
  }
}

export class InvalidContainerId extends Data.TaggedError("InvalidContainerId")<{
  readonly containerId: string
}> {
  override get message() {
    return `${JSON.stringify(this.containerId)} cannot name a cgroup: use 1 to 200 letters, digits, "-", "_" and inner "."`
  }
}

export class ContainerExists extends Data.TaggedError("ContainerExists")<{
  readonly containerId: string
  readonly path: string
}> {
  override get message() {
    return `${this.path} exists already: destroy container ${this.containerId} before creating it anew`
  }
}

export class NoSuchContainer extends Data.TaggedError("NoSuchContainer")<{
  readonly containerId: string
  readonly path: string
}> {
  override get message() {
    return `${this.path} does not exist: container ${this.containerId} was never created or is destroyed`
  }
}

/** Processes that SIGKILL did not end in time (usually in uninterruptible I/O). Destroying again is safe. */
export class DestroyTimeout extends Data.TaggedError("DestroyTimeout")<{
  readonly containerId: string
  readonly survivors: ReadonlyArray<number>
  readonly waitedMs: number
}> {
  override get message() {
    return `container ${this.containerId} is not gone after ${this.waitedMs} ms; left: ${
      this.survivors.length === 0 ? "no process, but a busy cgroup" : `pids ${this.survivors.join(", ")}`
    }. See /proc/PID/stack for what they wait for, then destroy again`
  }
}

export class ParentInUse extends Data.TaggedError("ParentInUse")<{
  readonly parent: string
  readonly containers: ReadonlyArray<string>
}> {
  override get message() {
    return `parent cgroup ${this.parent} still holds ${this.containers.join(", ") || "processes"}: destroy them first`
  }
}

export type LookupError = KernelRefused | NoSuchContainer | InvalidContainerId

/**
 * The cgroups of one host: a parent that holds the harvest ceiling, below it one group per container in every
 * hierarchy in use. Every write to a limit is read back. All operations may be called concurrently; another process
 * (the monitor) may move the ceiling at the same time, because the kernel's files, not this service, are the truth.
 */
export class Cgroups extends Context.Tag("gleaner/Cgroups")<
  Cgroups,
  {
    readonly facts: CgroupFacts
    readonly parent: string

    /**
     * Creates the parent where it is missing, with a weight far below the primary's (a ceiling that nobody keeps any
     * more still yields to a busy primary), and applies the ceiling. Idempotent.
     */
    readonly ensureParent: (ceiling: Ceiling) => Effect.Effect<Ceiling, WriteError | CgroupsUnavailable>
    /**
     * Moves the ceiling; fields left out stay. The quota is raised to the kernel's floor of 1000. Order on v1: first
     * every descendant above it, then the parent, then containers whose own limit has become reachable again.
     * Returns what is in force. `MemoryInUse`: the cpu part is applied, the memory part is unchanged.
     */
    readonly setCeiling: (change: Partial<Ceiling>) => Effect.Effect<Ceiling, WriteError>
    readonly ceiling: Effect.Effect<Ceiling, KernelRefused>
    /** Removes the empty parent. `ParentInUse` while a container is left. Idempotent. */
    readonly removeParent: Effect.Effect<void, KernelRefused | ParentInUse>

    /** A group in every hierarchy with its limits; after a failure or an interruption nothing of it is left. */
    readonly create: (
      containerId: string,
      limits: ContainerLimits,
    ) => Effect.Effect<void, WriteError | ContainerExists | InvalidContainerId | CgroupsUnavailable>
    /**
     * Changes the limits of a container, or tells them again after the agent's restart: only limits known here can
     * be given back when the ceiling grows.
     */
    readonly setLimits: (
      containerId: string,
      limits: ContainerLimits,
    ) => Effect.Effect<void, WriteError | LookupError>
    /** The `tasks` files into which a process writes 0 to enter the container; the freezer's first. */
    readonly joinPaths: (containerId: string) => Effect.Effect<ReadonlyArray<string>, InvalidContainerId>
    readonly usage: (containerId: string) => Effect.Effect<ContainerUsage, LookupError>
    readonly statistics: (containerId: string) => Effect.Effect<ContainerStatistics, LookupError>
    /** Pids in any hierarchy of the container, nested groups included, ascending. */
    readonly members: (
      containerId: string,
    ) => Effect.Effect<ReadonlyArray<number>, KernelRefused | InvalidContainerId>
    /** Sends the signal to every process; one that has just ended is no error. */
    readonly signal: (
      containerId: string,
      signal: NodeJS.Signals,
    ) => Effect.Effect<void, KernelRefused | InvalidContainerId>
    /** Resolves when the container stands still; fails with `KernelRefused` where there is no freezer. */
    readonly freeze: (containerId: string) => Effect.Effect<void, LookupError>
    readonly thaw: (containerId: string) => Effect.Effect<void, LookupError>
    readonly freezerState: (containerId: string) => Effect.Effect<FreezerState, LookupError>
    /** Ends every process and removes every group of the container. Idempotent. */
    readonly destroy: (
      containerId: string,
    ) => Effect.Effect<void, KernelRefused | DestroyTimeout | InvalidContainerId>
    /** Containers found below the parent in any hierarchy, sorted; empty when there is no parent. */
    readonly list: Effect.Effect<ReadonlyArray<string>, KernelRefused>
  }
>() {}
