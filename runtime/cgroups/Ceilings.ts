import { Effect } from "effect"
import { ifGone, isRefused, type Kernel, type KernelRefused } from "./CgroupKernel.ts"
import type { CgroupLayout } from "./CgroupLayout.ts"
import type { Ceiling, ContainerLimits, WriteError } from "./Cgroups.ts"
import {
  type ControlFiles,
  cpuMilliToQuotaMicros,
  type Limit,
  minCpuQuotaMicros,
  smallerLimit,
} from "./ControlFiles.ts"

/** How often a move is tried again when another process changed a quota in between. */
const raceRetries = 5

/** Every group below one, children before parents. */
export const descendants = (
  kernel: Kernel,
  group: string,
): Effect.Effect<ReadonlyArray<string>, KernelRefused> =>
  Effect.gen(function* () {
    const found: Array<string> = []
    const names = yield* kernel.groups(group).pipe(ifGone([]))
    for (const name of names) {
      const child = `${group}/${name}`
      found.push(...(yield* descendants(kernel, child)), child)
    }
    return found
  })

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
 * On v1 a group's quota may not exceed its parent's: EINVAL, from both sides. So every descendant above the target is
 * lowered first, then the parent is set, then containers get back what their own limit allows (design §5). The three
 * steps are right for a shrink and for growth alike.
 */
export const makeCeilings = ({
  kernel,
  files,
  layout,
  limitsById,
}: CeilingOptions): Effect.Effect<Ceilings> =>
  Effect.gen(function* () {
    const { quotaParent } = layout
    const memParent = layout.parentOf.memory
    // One mover of quotas at a time. Memory takes no turn: reclaim may last seconds and must not hold up the quota.
    const inTurn = (yield* Effect.makeSemaphore(1)).withPermits(1)

    const lowerTo = (group: string, target: Limit) =>
      Effect.gen(function* () {
        if (target === "unlimited") return
        for (const below of yield* descendants(kernel, group)) {
          // Without a quota of its own a group takes its parent's, and no order applies.
          yield* Effect.gen(function* () {
            const quota = yield* files.cpuQuota(below)
            if (quota !== "unlimited" && quota > target) yield* files.writeCpuQuota(below, target)
          }).pipe(ifGone(undefined))
        }
      })

    const raiseOwn = (target: Limit) =>
      Effect.forEach(
        [...limitsById],
        ([id, { cpuMilli }]) =>
          Effect.gen(function* () {
            const group = `${quotaParent}/${id}`
            const wanted = smallerLimit(cpuMilliToQuotaMicros(cpuMilli), target)
            if ((yield* files.cpuQuota(group)) !== wanted) yield* files.writeCpuQuota(group, wanted)
          }).pipe(ifGone(undefined)),
        { discard: true },
      )

    // The monitor may lower the ceiling between our read and our write, and the agent may create a container between
    // the monitor's two steps; each sees EINVAL and looks again.
    const moveQuota = <A>(move: Effect.Effect<A, WriteError>) =>
      inTurn(Effect.retry(move, { times: raceRetries, while: (error) => isRefused(error, "EINVAL") }))

    const applyQuota = (parent: string, quota: Limit) =>
      Effect.gen(function* () {
        const target = quota === "unlimited" ? quota : Math.max(minCpuQuotaMicros, Math.floor(quota))
        yield* lowerTo(parent, target)
        yield* files.writeCpuQuota(parent, target)
        yield* raiseOwn(target)
      })

    const read: Ceilings["read"] = Effect.gen(function* () {
      return {
        cpuQuotaMicros: quotaParent === undefined ? "unlimited" : yield* files.cpuQuota(quotaParent),
        memBytes: memParent === undefined ? "unlimited" : yield* files.memLimit(memParent),
      }
    })

    return {
      read,

      apply: ({ cpuQuotaMicros, memBytes }) =>
        Effect.gen(function* () {
          if (cpuQuotaMicros !== undefined && quotaParent !== undefined)
            yield* moveQuota(applyQuota(quotaParent, cpuQuotaMicros))
          // Memory has no such order: the parent's limit counts for the whole tree by use_hierarchy.
          if (memBytes !== undefined && memParent !== undefined)
            yield* files.writeMemLimit(memParent, memBytes)
          return yield* read
        }),

      applyOwnQuota: (containerId, ownQuotaMicros) =>
        Effect.gen(function* () {
          if (quotaParent === undefined) return
          const group = `${quotaParent}/${containerId}`
          yield* moveQuota(
            Effect.gen(function* () {
              const wanted = smallerLimit(ownQuotaMicros, yield* files.cpuQuota(quotaParent))
              yield* lowerTo(group, wanted)
              yield* files.writeCpuQuota(group, wanted)
            }),
          )
        }),
    }
  })
