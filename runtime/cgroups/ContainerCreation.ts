import { Effect } from "effect"
import type { Ceilings } from "./Ceilings.ts"
import { isRefused, type Kernel, type KernelRefused } from "./CgroupKernel.ts"
import type { CgroupLayout } from "./CgroupLayout.ts"
import { ContainerExists, type ContainerLimits, type WriteError } from "./Cgroups.ts"
import type { ControlFiles } from "./ControlFiles.ts"
import { cpuMilliToQuotaMicros, cpuMilliToShares } from "./Limits.ts"

export interface ContainerCreation {
  readonly create: (
    containerId: string,
    limits: ContainerLimits,
  ) => Effect.Effect<void, WriteError | ContainerExists>
  readonly applyLimits: (containerId: string, limits: ContainerLimits) => Effect.Effect<void, WriteError>
  /** Makes one group, or takes the one that is there. */
  readonly ensureGroup: (group: string) => Effect.Effect<void, KernelRefused>
}

export const makeContainerCreation = (
  kernel: Kernel,
  files: ControlFiles,
  layout: CgroupLayout,
  ceilings: Ceilings,
): ContainerCreation => {
  /** A child of a co-mounted cpuset starts empty on old kernels and takes no process then (ENOSPC). */
  const copyCpuset = (group: string) =>
    Effect.forEach(
      ["cpuset.cpus", "cpuset.mems"],
      (file) =>
        Effect.gen(function* () {
          if (!(yield* kernel.exists(`${group}/${file}`))) return
          if ((yield* kernel.read(`${group}/${file}`)).trim() !== "") return
          const from = group.slice(0, group.lastIndexOf("/"))
          yield* kernel.write(`${group}/${file}`, (yield* kernel.read(`${from}/${file}`)).trim())
        }),
      { discard: true },
    )

  const ensureGroup: ContainerCreation["ensureGroup"] = (group) =>
    kernel.mkdir(group).pipe(
      Effect.catchIf(
        (error) => isRefused(error, "EEXIST"),
        () => Effect.void,
      ),
      Effect.andThen(copyCpuset(group)),
    )

  const applyLimits: ContainerCreation["applyLimits"] = (containerId, limits) =>
    Effect.gen(function* () {
      const { cpu, memory, pids } = layout.parentOf
      if (cpu !== undefined)
        yield* files.writeExact(`${cpu}/${containerId}/cpu.shares`, cpuMilliToShares(limits.cpuMilli))
      yield* ceilings.applyOwnQuota(containerId, cpuMilliToQuotaMicros(limits.cpuMilli))
      if (memory !== undefined) {
        yield* files.writeMemLimit(`${memory}/${containerId}`, limits.memBytes)
        // el6 refuses it below a group with use_hierarchy; the memsw limit holds without it.
        yield* Effect.ignore(kernel.write(`${memory}/${containerId}/memory.swappiness`, "0"))
      }
      if (pids !== undefined && limits.pidsMax !== undefined)
        yield* files.writeExact(`${pids}/${containerId}/pids.max`, limits.pidsMax)
    })

  const create: ContainerCreation["create"] = (containerId, limits) =>
    Effect.suspend(() => {
      const made: Array<string> = []
      const makeGroup = (group: string) =>
        kernel.mkdir(group).pipe(
          // Making and noting must not be torn apart, or an interruption would leave the group behind.
          Effect.tap(() => Effect.sync(() => made.push(group))),
          Effect.uninterruptible,
          Effect.catchIf(
            (error) => isRefused(error, "EEXIST"),
            () => Effect.fail(new ContainerExists({ containerId, path: group })),
          ),
          Effect.andThen(copyCpuset(group)),
        )
      return Effect.forEach(layout.groupsOf(containerId).all, makeGroup, { discard: true }).pipe(
        Effect.andThen(applyLimits(containerId, limits)),
        Effect.onExit((exit) =>
          exit._tag === "Success"
            ? Effect.void
            : Effect.forEach(made, (group) => Effect.ignore(kernel.rmdir(group)), { discard: true }),
        ),
      )
    })

  return { create, applyLimits, ensureGroup }
}
