import { Effect, Schedule } from "effect"
import { asKernelFailure, ifGone, isRefused, type Kernel, type KernelRefused } from "./CgroupKernel.ts"
import type { ContainerGroups } from "./CgroupLayout.ts"
import { DestroyTimeout, type FreezerState } from "./Cgroups.ts"
import { minCpuQuotaMicros } from "./Limits.ts"
import { descendants } from "./PlainKernel.ts"

/** 1, 2, 4 … at most 100 ms apart: most containers are empty within 5 ms, a stuck one must not cost CPU. */
const backOff = Schedule.union(Schedule.exponential("1 millis", 2), Schedule.spaced("100 millis"))

export interface DestructionOptions {
  readonly kernel: Kernel
  /** Bound of the whole, then `DestroyTimeout`; Mesos's `cgroups_destroy_timeout` is 60 s. */
  readonly totalWaitMs: number
  /** How long to wait for FROZEN before killing unfrozen and trying anew. */
  readonly freezeWaitMs: number
}

export interface Destruction {
  readonly members: (groups: ContainerGroups) => Effect.Effect<ReadonlyArray<number>, KernelRefused>
  readonly signalAll: (groups: ContainerGroups, signal: NodeJS.Signals) => Effect.Effect<void, KernelRefused>
  readonly freezerState: (freezer: string) => Effect.Effect<FreezerState, KernelRefused>
  /** Asks for FROZEN and waits at most `freezeWaitMs`; tells whether everything stands still. */
  readonly freeze: (freezer: string) => Effect.Effect<boolean, KernelRefused>
  readonly thaw: (freezer: string) => Effect.Effect<void, KernelRefused>
  readonly destroy: (
    containerId: string,
    groups: ContainerGroups,
  ) => Effect.Effect<void, KernelRefused | DestroyTimeout>
  /** Removes a tree bottom-up; false while something in it is busy. */
  readonly removeTree: (group: string) => Effect.Effect<boolean, KernelRefused>
}

/**
 * Ending a container for good, as in spec/mesos.md §3.10: freeze, so that nothing can fork away between listing and
 * killing; SIGKILL everything; thaw, because v1 delivers the signal only then; wait until empty; remove bottom-up.
 * Any step that does not work out in time starts the round again, which also kills unfrozen what could not be frozen.
 */
export const makeDestruction = ({ kernel, totalWaitMs, freezeWaitMs }: DestructionOptions): Destruction => {
  const pidsOf = (group: string) =>
    Effect.gen(function* () {
      // cgroup.procs can be read everywhere, though not written on el6; tasks would list every thread.
      const text = yield* kernel.read(`${group}/cgroup.procs`).pipe(ifGone(""))
      // 0 stands for a process outside our pid namespace, and kill(0) would hit the agent's own group.
      return text
        .split("\n")
        .map(Number)
        .filter((pid) => pid > 1 && pid !== kernel.ownPid)
    })

  const withNested = (group: string) =>
    Effect.try({
      try: () => [...descendants(kernel.plain, group), group],
      catch: (error) => asKernelFailure(error) as KernelRefused,
    })

  const members: Destruction["members"] = (groups) =>
    Effect.gen(function* () {
      const pids = new Set<number>()
      // All hierarchies, because a failed launch may have joined only some of them.
      for (const root of groups.all)
        for (const group of yield* withNested(root)) for (const pid of yield* pidsOf(group)) pids.add(pid)
      return [...pids].sort((a, b) => a - b)
    })

  const signalAll: Destruction["signalAll"] = (groups, signal) =>
    Effect.flatMap(members(groups), (pids) =>
      Effect.forEach(
        pids,
        (pid) =>
          Effect.catchIf(
            kernel.kill(pid, signal),
            (error) => isRefused(error, "ESRCH"),
            () => Effect.void,
          ),
        { discard: true },
      ),
    )

  const stateOf = (group: string) =>
    Effect.map(kernel.read(`${group}/freezer.state`), (text) => text.trim() as FreezerState)

  // Old kernels do not freeze nested groups with their parent, so each is asked; parents first, that nothing runs
  // which could make another group below.
  const statesOf = (freezer: string) =>
    Effect.flatMap(withNested(freezer), (groups) =>
      Effect.forEach(groups, (group) => stateOf(group).pipe(ifGone<FreezerState>("FROZEN"))),
    )

  const freezerState: Destruction["freezerState"] = (freezer) =>
    Effect.gen(function* () {
      const own = yield* stateOf(freezer)
      if (own !== "FROZEN") return own
      return (yield* statesOf(freezer)).every((state) => state === "FROZEN") ? own : "FREEZING"
    })

  const writeStates = (groups: ReadonlyArray<string>, state: "FROZEN" | "THAWED") =>
    Effect.forEach(groups, (group) => kernel.write(`${group}/freezer.state`, state).pipe(ifGone(undefined)), {
      discard: true,
    })

  const freeze: Destruction["freeze"] = (freezer) =>
    Effect.gen(function* () {
      yield* writeStates([...(yield* withNested(freezer))].reverse(), "FROZEN")
      return (yield* statesOf(freezer)).every((state) => state === "FROZEN")
    }).pipe(
      Effect.repeat({ until: (isFrozen) => isFrozen, schedule: backOff }),
      Effect.timeoutTo({ duration: freezeWaitMs, onTimeout: () => false, onSuccess: () => true }),
    )

  const thaw: Destruction["thaw"] = (freezer) =>
    Effect.flatMap(withNested(freezer), (groups) => writeStates(groups, "THAWED"))

  // A removed group stays among its parent's children until the kernel has released it, up to half a second later; with a
  // quota above the new ceiling it would make that EINVAL, and nobody could see why. Not while anything is left in it:
  // what is being killed needs its cpu to end.
  const giveUpQuota = (group: string) =>
    Effect.flatMap(pidsOf(group), (pids) =>
      pids.length > 0
        ? Effect.void
        : Effect.ignore(kernel.write(`${group}/cpu.cfs_quota_us`, String(minCpuQuotaMicros))),
    )

  const removeTree: Destruction["removeTree"] = (root) =>
    Effect.gen(function* () {
      if (!(yield* kernel.exists(root))) return true
      for (const group of yield* withNested(root)) {
        yield* giveUpQuota(group)
        yield* kernel.rmdir(group).pipe(ifGone(undefined))
      }
      return true
    }).pipe(
      // EBUSY also comes for a moment after the last exit (spec/stack.md §5).
      Effect.catchIf(
        (error) => isRefused(error, "EBUSY"),
        () => Effect.succeed(false),
      ),
    )

  const killRound = (groups: ContainerGroups) =>
    Effect.gen(function* () {
      const { freezer } = groups
      const thawed = freezer === undefined ? Effect.void : Effect.ignore(thaw(freezer))
      yield* Effect.gen(function* () {
        if (freezer !== undefined && (yield* kernel.exists(freezer))) yield* freeze(freezer)
        yield* signalAll(groups, "SIGKILL")
      }).pipe(Effect.ensuring(thawed))
      yield* Effect.repeat(members(groups), { until: (pids) => pids.length === 0, schedule: backOff }).pipe(
        Effect.timeoutOption("1 second"),
      )
    })

  const round = (groups: ContainerGroups) =>
    Effect.gen(function* () {
      if ((yield* members(groups)).length > 0) yield* killRound(groups)
      const removed = yield* Effect.forEach(groups.all, removeTree)
      return removed.every((isRemoved) => isRemoved)
    })

  const destroy: Destruction["destroy"] = (containerId, groups) =>
    Effect.repeat(round(groups), { until: (isDone) => isDone, schedule: backOff }).pipe(
      Effect.timeoutOption(totalWaitMs),
      Effect.flatMap((done) =>
        done._tag === "Some"
          ? Effect.void
          : Effect.flatMap(members(groups), (survivors) =>
              Effect.fail(new DestroyTimeout({ containerId, survivors, waitedMs: totalWaitMs })),
            ),
      ),
    )

  return { members, signalAll, freezerState, freeze, thaw, destroy, removeTree }
}
