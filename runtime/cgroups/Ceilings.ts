import { Effect } from "effect"
import { asKernelFailure, type Kernel, type KernelRefused } from "./CgroupKernel.ts"
import type { CgroupLayout } from "./CgroupLayout.ts"
import type { Ceiling, ContainerLimits, WriteError } from "./Cgroups.ts"
import type { ControlFiles } from "./ControlFiles.ts"
import { applyContainerQuota, moveCeilingQuota, readCpuQuota } from "./QuotaOrder.ts"

/** The parent's ceiling and the quotas below it. */
export interface Ceilings {
  readonly read: Effect.Effect<Ceiling, KernelRefused>
  /** Applies the cpu part first, then memory; answers with what is in force. */
  readonly apply: (change: Partial<Ceiling>) => Effect.Effect<Ceiling, WriteError>
  /** Gives a container the smaller of its own quota and the ceiling in force. */
  readonly applyOwnQuota: (containerId: string, ownQuotaMicros: number) => Effect.Effect<void, WriteError>
}

export interface CeilingOptions {
  readonly kernel: Kernel
  readonly files: ControlFiles
  readonly layout: CgroupLayout
  /** Own limits of the containers known here: how far growth may raise them. */
  readonly limitsById: ReadonlyMap<string, ContainerLimits>
}

/**
 * `QuotaOrder` as Effects. Each move is one synchronous call, so no two of this process ever mix; memory takes its own
 * time beside them, because reclaim may last seconds and must not hold up the quota.
 */
export const makeCeilings = ({ kernel, files, layout, limitsById }: CeilingOptions): Ceilings => {
  const { quotaParent } = layout
  const memParent = layout.parentOf.memory
  const move = (run: () => void): Effect.Effect<void, WriteError> =>
    Effect.try({ try: run, catch: asKernelFailure })

  const read: Ceilings["read"] = Effect.gen(function* () {
    return {
      cpuQuotaMicros:
        quotaParent === undefined
          ? "unlimited"
          : yield* Effect.try({
              try: () => readCpuQuota(kernel.plain, quotaParent),
              catch: (error) => asKernelFailure(error) as KernelRefused,
            }),
      memBytes: memParent === undefined ? "unlimited" : yield* files.memLimit(memParent),
    }
  })

  return {
    read,

    apply: ({ cpuQuotaMicros, memBytes }) =>
      Effect.gen(function* () {
        if (cpuQuotaMicros !== undefined && quotaParent !== undefined)
          yield* move(() => moveCeilingQuota(kernel.plain, quotaParent, cpuQuotaMicros, limitsById))
        // Memory has no such order: the parent's limit counts for the whole tree by use_hierarchy.
        if (memBytes !== undefined && memParent !== undefined) yield* files.writeMemLimit(memParent, memBytes)
        return yield* read
      }),

    applyOwnQuota: (containerId, ownQuotaMicros) =>
      quotaParent === undefined
        ? Effect.void
        : move(() => applyContainerQuota(kernel.plain, quotaParent, containerId, ownQuotaMicros)),
  }
}
