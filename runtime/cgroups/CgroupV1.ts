import { Effect, Layer } from "effect"
import { makeCeilings } from "./Ceilings.ts"
import { discover } from "./CgroupFacts.ts"
import { CgroupKernel, ifGone, isGone, type Kernel, KernelRefused } from "./CgroupKernel.ts"
import { isContainerId, makeCgroupLayout, reasonsAgainst } from "./CgroupLayout.ts"
import { readStatistics } from "./CgroupStatistics.ts"
import { Cgroups, type ContainerLimits, InvalidContainerId, NoSuchContainer, ParentInUse } from "./Cgroups.ts"
import { readUsage } from "./CgroupUsage.ts"
import { makeContainerCreation } from "./ContainerCreation.ts"
import { makeControlFiles } from "./ControlFiles.ts"
import { makeDestruction } from "./Destruction.ts"
import { harvestCpuShares } from "./Limits.ts"

export interface CgroupV1Options {
  /** Name of the parent group, directly below the root of each hierarchy; default `gleaner`. */
  readonly parent?: string
  /** Whether tasks are accepted where only `cpu.shares` limits them; default `required`. */
  readonly cpuQuota?: "required" | "if-present"
  /** Default 60 s, as Mesos's `cgroups_destroy_timeout`. */
  readonly destroyWaitMs?: number
  /** Default 10 s (spec/mesos.md §3.10). */
  readonly freezeWaitMs?: number
}

/** Cgroups over v1 hierarchies: whatever exists is used, whatever is missing is in `facts.missing`. */
export const make = (options: CgroupV1Options = {}): Effect.Effect<Cgroups["Type"], never, CgroupKernel> =>
  Effect.gen(function* () {
    const kernel = yield* CgroupKernel
    const parent = options.parent ?? "gleaner"
    const facts = yield* discover(kernel, parent)
    const files = makeControlFiles(kernel)
    const layout = makeCgroupLayout(facts, parent)
    const limitsById = new Map<string, ContainerLimits>()
    const ceilings = makeCeilings({ kernel, files, layout, limitsById })
    const creation = makeContainerCreation(kernel, files, layout, ceilings)
    const destruction = makeDestruction({
      kernel,
      totalWaitMs: options.destroyWaitMs ?? 60_000,
      freezeWaitMs: options.freezeWaitMs ?? 10_000,
    })

    const requireIsolation = Effect.suspend(() => {
      const unavailable = reasonsAgainst(facts, options.cpuQuota ?? "required")
      return unavailable === undefined ? Effect.void : Effect.fail(unavailable)
    })

    const groups = (containerId: string) =>
      isContainerId(containerId)
        ? Effect.succeed(layout.groupsOf(containerId))
        : Effect.fail(new InvalidContainerId({ containerId }))

    /** Runs on a container that must exist. */
    const onContainer = <A, E>(containerId: string, run: Effect.Effect<A, E>) =>
      Effect.andThen(groups(containerId), run).pipe(
        Effect.mapError((error): E | InvalidContainerId | NoSuchContainer =>
          isGone(error) ? new NoSuchContainer({ containerId, path: error.path }) : error,
        ),
      )

    const onFreezer = <A>(containerId: string, run: (freezer: string) => Effect.Effect<A, KernelRefused>) => {
      const { freezer } = layout.groupsOf(containerId)
      return freezer === undefined
        ? Effect.andThen(groups(containerId), Effect.fail(noFreezer(containerId)))
        : onContainer(containerId, Effect.andThen(destruction.freezerState(freezer), run(freezer)))
    }

    /** Known before they are written, so that a ceiling that grows meanwhile already counts them. */
    const remembering = <A, E>(containerId: string, limits: ContainerLimits, run: Effect.Effect<A, E>) =>
      Effect.suspend(() => {
        const before = limitsById.get(containerId)
        limitsById.set(containerId, limits)
        return Effect.onExit(run, (exit) =>
          Effect.sync(() => {
            if (exit._tag === "Success") return
            if (before === undefined) limitsById.delete(containerId)
            else limitsById.set(containerId, before)
          }),
        )
      })

    const list = Effect.gen(function* () {
      const names = new Set<string>()
      for (const folder of layout.parents)
        for (const name of yield* kernel.groups(folder).pipe(ifGone([]))) names.add(name)
      return [...names].sort()
    })

    return {
      facts,
      parent,

      ensureParent: (ceiling) =>
        Effect.gen(function* () {
          yield* requireIsolation
          for (const folder of layout.parents) yield* creation.ensureGroup(folder)
          if (layout.parentOf.memory !== undefined) yield* chargeWholeTree(kernel, layout.parentOf.memory)
          if (layout.parentOf.cpu !== undefined)
            yield* files.writeExact(`${layout.parentOf.cpu}/cpu.shares`, harvestCpuShares)
          return yield* ceilings.apply(ceiling)
        }),
      setCeiling: ceilings.apply,
      ceiling: ceilings.read,
      removeParent: Effect.gen(function* () {
        const containers = yield* list
        if (containers.length > 0) return yield* new ParentInUse({ parent, containers })
        for (const folder of layout.parents)
          if (!(yield* destruction.removeTree(folder))) return yield* new ParentInUse({ parent, containers })
      }),

      create: (containerId, limits) =>
        Effect.gen(function* () {
          yield* requireIsolation
          yield* groups(containerId)
          yield* remembering(containerId, limits, creation.create(containerId, limits))
        }),
      setLimits: (containerId, limits) =>
        onContainer(containerId, remembering(containerId, limits, creation.applyLimits(containerId, limits))),
      joinPaths: (containerId) =>
        Effect.map(groups(containerId), ({ all }) => all.map((group) => `${group}/tasks`)),
      usage: (containerId) => onContainer(containerId, readUsage(kernel, files, layout, containerId)),
      statistics: (containerId) =>
        onContainer(containerId, readStatistics(kernel, files, layout, containerId)),

      members: (containerId) => Effect.flatMap(groups(containerId), destruction.members),
      signal: (containerId, signal) =>
        Effect.flatMap(groups(containerId), (found) => destruction.signalAll(found, signal)),

      freeze: (containerId) =>
        onFreezer(containerId, (freezer) =>
          Effect.flatMap(destruction.freeze(freezer), (isFrozen) =>
            isFrozen
              ? Effect.void
              : Effect.andThen(destruction.thaw(freezer), Effect.fail(notFrozenInTime(freezer))),
          ),
        ),
      thaw: (containerId) => onFreezer(containerId, destruction.thaw),
      freezerState: (containerId) => onFreezer(containerId, destruction.freezerState),

      destroy: (containerId) =>
        Effect.gen(function* () {
          const found = yield* groups(containerId)
          limitsById.delete(containerId)
          yield* destruction.destroy(containerId, found)
        }),
      list,
    }
  })

/** Needs a `CgroupKernel`: `LinuxKernel.layer` on a host, a `MemoryKernel` in tests. */
export const layer = (options: CgroupV1Options = {}): Layer.Layer<Cgroups, never, CgroupKernel> =>
  Layer.effect(Cgroups, make(options))

/** Without it a parent's limit does not count its children: 0 is the default of every kernel before systemd hosts. */
const chargeWholeTree = (kernel: Kernel, group: string): Effect.Effect<void, KernelRefused> =>
  Effect.gen(function* () {
    const path = `${group}/memory.use_hierarchy`
    if (!(yield* kernel.exists(path))) return
    if ((yield* kernel.read(path)).trim() !== "1") yield* kernel.write(path, "1")
  })

const noFreezer = (containerId: string) =>
  new KernelRefused({
    operation: "write",
    path: `${containerId}/freezer.state`,
    errno: "ENODEV",
    detail: "no freezer controller is mounted",
  })

const notFrozenInTime = (freezer: string) =>
  new KernelRefused({
    operation: "write",
    path: `${freezer}/freezer.state`,
    errno: "ETIMEDOUT",
    detail: "not frozen in time, thawed again",
  })
