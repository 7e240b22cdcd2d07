import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer, Schedule } from "effect"
import { type CgroupFacts, controllerNames } from "./CgroupFacts.ts"
import { KernelRefused } from "./CgroupKernel.ts"
import { isContainerId } from "./CgroupLayout.ts"
import {
  Cgroups,
  ContainerExists,
  type ContainerStatistics,
  type ContainerUsage,
  DestroyTimeout,
  type FreezerState,
  InvalidContainerId,
  NoSuchContainer,
  ParentInUse,
} from "./Cgroups.ts"
import { type ContainerNames, makeContainerNames } from "./unconfined/ContainerNames.ts"
import { type Found, findMembers, type Member, readProcesses } from "./unconfined/Processes.ts"

export interface UnconfinedOptions {
  /** As for cgroups: containers of different parents do not know each other; default `gleaner`. */
  readonly parent?: string
  /**
   * Where the containers' names are kept; default below the folder for temporary files, by user and parent. Give one in
   * the agent's own folder where something sweeps /tmp: a name that is lost is a container that nobody ends.
   */
  readonly folder?: string
  /** Default 60 s, as for cgroups. */
  readonly destroyWaitMs?: number
}

const backOff = Schedule.union(Schedule.exponential("1 millis", 2), Schedule.spaced("100 millis"))
/** Rounds of SIGSTOP until nothing new turns up; each catches what was forked during the one before. */
const stopRoundsMax = 50

const facts: CgroupFacts = {
  version: "none",
  controllers: controllerNames.map((name) => ({ name, found: "missing", writable: false, files: {} })),
  hierarchies: [],
  hasCpuQuota: false,
  hasSwapLimit: false,
  hasOomKillCount: false,
  hasFreezer: false,
  hasPidsLimit: false,
  missing: [
    {
      feature: "isolation",
      means: "asked for by --unconfined: no limit on cpu, memory or processes, and a task may escape its end",
      remedy: "run as root on a host with cgroup v1, without --unconfined; see gleaner doctor",
    },
  ],
}

const noCeiling = { cpuQuotaMicros: "unlimited", memBytes: "unlimited" } as const

/** What outlives a look at a container, because its processes do not tell it once they have ended. */
interface Seen {
  cpuNanos: number
  systemNanos: number
  memMaxBytes: number
  isFrozen: boolean
}

/**
 * The place of cgroups on a host without root or without cgroups: a container is a name, its processes are found by
 * MESOS_CONTAINER_ID in their first environment, as descendants of such, and in the session of their launcher. Nothing
 * is limited. A task that clears its environment and starts a session of its own, or whose launcher has gone before
 * anybody looked, escapes: therefore this must be asked for (`--unconfined`), never chosen silently.
 */
export const make = (options: UnconfinedOptions = {}): Effect.Effect<Cgroups["Type"]> =>
  Effect.sync(() => {
    const parent = options.parent ?? "gleaner"
    const folder = options.folder ?? join(tmpdir(), `gleaner-${process.getuid?.() ?? "none"}`, parent)
    const names = makeContainerNames(folder)
    const destroyWaitMs = options.destroyWaitMs ?? 60_000
    const seenById = new Map<string, Seen>()
    const seen = (containerId: string): Seen => {
      const known = seenById.get(containerId) ?? {
        cpuNanos: 0,
        systemNanos: 0,
        memMaxBytes: 0,
        isFrozen: false,
      }
      seenById.set(containerId, known)
      return known
    }

    const checked = (containerId: string) =>
      isContainerId(containerId)
        ? Effect.succeed(containerId)
        : Effect.fail(new InvalidContainerId({ containerId }))

    const existing = (containerId: string) =>
      Effect.flatMap(checked(containerId), () =>
        Effect.flatMap(
          attempt("read", folder, () => names.has(containerId)),
          (isThere) =>
            isThere
              ? Effect.void
              : Effect.fail(new NoSuchContainer({ containerId, path: join(folder, containerId) })),
        ),
      )

    const lookAround = (containerId: string) =>
      attempt("read", "/proc", () => findIn(names, containerId, seen(containerId)))
    const look = (containerId: string) => Effect.map(lookAround(containerId), ({ members }) => members)

    const sendAll = (found: ReadonlyArray<Member>, signal: NodeJS.Signals) =>
      Effect.forEach(found, ({ pid }) => send(pid, signal), { discard: true })

    /**
     * SIGSTOP, again and again, until whatever forked away in between has stopped as well: whole process groups first,
     * because only the kernel is quicker than what forks and ends all the time. Bystanders go on at once.
     */
    const stopAll = (containerId: string) =>
      Effect.gen(function* () {
        for (let round = 0; round < stopRoundsMax; round++) {
          const { members, groups, bystanders } = yield* lookAround(containerId)
          yield* sendAll(
            bystanders.filter((one) => one.isStopped),
            "SIGCONT",
          )
          const moving = members.filter((member) => !member.isStopped)
          if (moving.length === 0) return
          for (const group of groups) yield* Effect.ignore(send(-group, "SIGSTOP"))
          yield* sendAll(moving, "SIGSTOP")
        }
      })

    const stateOf = (containerId: string): Effect.Effect<FreezerState, KernelRefused> =>
      Effect.map(look(containerId), (found) => {
        if (found.length === 0) return seen(containerId).isFrozen ? "FROZEN" : "THAWED"
        if (found.every((member) => member.isStopped)) return "FROZEN"
        return seen(containerId).isFrozen ? "FREEZING" : "THAWED"
      })

    const killRound = (containerId: string) =>
      Effect.gen(function* () {
        yield* stopAll(containerId)
        // Unlike a frozen cgroup, a stopped process dies of SIGKILL at once.
        yield* sendAll(yield* look(containerId), "SIGKILL")
        return (yield* look(containerId)).length === 0
      })

    return {
      facts,
      parent,
      ensureParent: () => Effect.as(attempt("mkdir", folder, names.ensure), noCeiling),
      setCeiling: () => Effect.succeed(noCeiling),
      ceiling: Effect.succeed(noCeiling),
      removeParent: Effect.gen(function* () {
        const containers = yield* attempt("list", folder, names.list)
        if (containers.length > 0) return yield* new ParentInUse({ parent, containers })
        yield* attempt("rmdir", folder, names.remove)
      }),

      create: (containerId) =>
        Effect.flatMap(checked(containerId), () =>
          Effect.flatMap(
            attempt("mkdir", join(folder, containerId), () => names.add(containerId)),
            (isNew) =>
              isNew
                ? Effect.void
                : Effect.fail(new ContainerExists({ containerId, path: join(folder, containerId) })),
          ),
        ),
      setLimits: existing,
      joinPaths: (containerId) => Effect.as(checked(containerId), []),
      usage: (containerId) =>
        Effect.zipRight(
          existing(containerId),
          Effect.map(look(containerId), (found) => usageOf(found, seen(containerId))),
        ),
      statistics: (containerId) =>
        Effect.zipRight(
          existing(containerId),
          Effect.map(look(containerId), (found) => statisticsOf(found, seen(containerId))),
        ),
      members: (containerId) =>
        Effect.flatMap(checked(containerId), () =>
          Effect.map(look(containerId), (found) => found.map(({ pid }) => pid)),
        ),
      signal: (containerId, signal) =>
        Effect.flatMap(checked(containerId), () =>
          Effect.flatMap(look(containerId), (found) => sendAll(found, signal)),
        ),
      freeze: (containerId) =>
        Effect.zipRight(
          existing(containerId),
          Effect.suspend(() => {
            seen(containerId).isFrozen = true
            return stopAll(containerId)
          }),
        ),
      thaw: (containerId) =>
        Effect.zipRight(
          existing(containerId),
          Effect.suspend(() => {
            seen(containerId).isFrozen = false
            return Effect.flatMap(look(containerId), (found) => sendAll(found, "SIGCONT"))
          }),
        ),
      freezerState: (containerId) => Effect.zipRight(existing(containerId), stateOf(containerId)),
      destroy: (containerId) =>
        Effect.gen(function* () {
          yield* checked(containerId)
          const isDone = yield* Effect.repeat(killRound(containerId), {
            until: (isEmpty) => isEmpty,
            schedule: backOff,
          }).pipe(Effect.timeoutOption(destroyWaitMs))
          if (isDone._tag === "None") {
            const survivors = (yield* look(containerId)).map(({ pid }) => pid)
            return yield* new DestroyTimeout({ containerId, survivors, waitedMs: destroyWaitMs })
          }
          seenById.delete(containerId)
          yield* attempt("rmdir", join(folder, containerId), () => names.delete(containerId))
        }),
      list: attempt("list", folder, names.list),
    }
  })

/** In the place of `CgroupV1.layer` with its kernel. */
export const layer = (options: UnconfinedOptions = {}): Layer.Layer<Cgroups> =>
  Layer.effect(Cgroups, make(options))

const attempt = <A>(
  operation: KernelRefused["operation"],
  path: string,
  run: () => A,
): Effect.Effect<A, KernelRefused> =>
  Effect.try({
    try: run,
    catch: (error) => {
      const { code, syscall, message } = error as NodeJS.ErrnoException
      const detail = syscall === undefined ? { detail: message } : {}
      return new KernelRefused({ operation, path, errno: code ?? "EIO", ...detail })
    },
  })

const send = (pid: number, signal: NodeJS.Signals): Effect.Effect<void, KernelRefused> =>
  Effect.catchIf(
    attempt("kill", `/proc/${pid}`, () => {
      process.kill(pid, signal)
    }),
    ({ errno }) => errno === "ESRCH",
    () => Effect.void,
  )

/** What is there now, with what it tells remembered: a launcher's session for later looks, and the highest usage. */
const findIn = (names: ContainerNames, containerId: string, seen: Seen): Found => {
  const session = names.session(containerId)
  const found = findMembers(readProcesses(), containerId, session)
  if (found.session !== undefined && session === undefined) names.noteSession(containerId, found.session)
  const sum = (of: (member: Member) => number) => found.members.reduce((all, one) => all + of(one), 0)
  seen.cpuNanos = Math.max(
    seen.cpuNanos,
    sum((one) => one.cpuNanos),
  )
  seen.systemNanos = Math.max(
    seen.systemNanos,
    sum((one) => one.systemNanos),
  )
  seen.memMaxBytes = Math.max(
    seen.memMaxBytes,
    sum((one) => one.rssBytes),
  )
  return found
}

/** From /proc, so what ended between two looks is missing, and memory shared between processes counts for each. */
const usageOf = (members: ReadonlyArray<Member>, seen: Seen): ContainerUsage => ({
  cpuNanos: seen.cpuNanos,
  memBytes: members.reduce((sum, member) => sum + member.rssBytes, 0),
  memMaxBytes: seen.memMaxBytes,
  nrPeriods: 0,
  nrThrottled: 0,
  oom: { by: "none", count: 0 },
  pids: members.length,
})

const statisticsOf = (members: ReadonlyArray<Member>, seen: Seen): ContainerStatistics => {
  const rssBytes = members.reduce((sum, member) => sum + member.rssBytes, 0)
  return {
    cpuUserNanos: Math.max(0, seen.cpuNanos - seen.systemNanos),
    cpuSystemNanos: seen.systemNanos,
    ...{ cpuLimitMilli: null, nrPeriods: null, nrThrottled: null, throttledNanos: null },
    processes: members.length,
    threads: members.reduce((sum, member) => sum + member.threads, 0),
    memory: {
      ...{ totalBytes: rssBytes, rssBytes },
      ...{ limitBytes: null, cacheBytes: null, mappedFileBytes: null, swapBytes: null },
      ...{ unevictableBytes: null, kernelBytes: null, kernelTcpBytes: null },
    },
  }
}
