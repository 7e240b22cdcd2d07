import { Effect } from "effect"
import { ifGone, type KernelRefused } from "../../cgroups/CgroupKernel.ts"
import { type Ceiling, Cgroups, type CgroupsUnavailable, type WriteError } from "../../cgroups/Cgroups.ts"
import { isAbove, type Limit, smallerLimit } from "../../cgroups/ControlFiles.ts"
import type { CeilingInForce, HostAmounts } from "../../protocol/MonitorProtocol.ts"
import { ceilingToInForce, floorCeiling, lentCeiling } from "./LendableShare.ts"

type CgroupService = Cgroups["Type"]

/** Memory in use below the ceiling, bytes: what lowering must not go below. */
const usedMemBytes = (cgroups: CgroupService): Effect.Effect<number, KernelRefused> =>
  Effect.gen(function* () {
    let usedBytes = 0
    for (const containerId of yield* cgroups.list) {
      usedBytes += yield* cgroups.usage(containerId).pipe(
        Effect.map(({ memBytes }) => memBytes),
        // Ended meanwhile, or never one of ours.
        Effect.catchTags({
          NoSuchContainer: () => Effect.succeed(0),
          InvalidContainerId: () => Effect.succeed(0),
        }),
      )
    }
    return usedBytes
  })

/**
 * Makes the parent cgroup at an agent's start, raising nothing: a new one begins at the floor, one of an earlier agent
 * keeps its ceiling up to what is lent. Without a monitor the ceiling is what is lent.
 */
export const prepareCeiling = (
  lent: HostAmounts,
  isMonitored: boolean,
): Effect.Effect<void, WriteError | CgroupsUnavailable, Cgroups> =>
  Effect.gen(function* () {
    const cgroups = yield* Cgroups
    const most = lentCeiling(lent)
    const found = yield* cgroups.ceiling.pipe(ifGone(undefined))
    let ceiling: Ceiling = most
    if (isMonitored && found === undefined) ceiling = floorCeiling(lent, yield* usedMemBytes(cgroups))
    if (isMonitored && found !== undefined) {
      ceiling = {
        cpuQuotaMicros: smallerLimit(found.cpuQuotaMicros, most.cpuQuotaMicros),
        memBytes: smallerLimit(found.memBytes, most.memBytes),
      }
    }
    yield* cgroups.ensureParent(ceiling).pipe(
      // Tasks of an earlier agent that lent more; it shrinks once they end.
      Effect.catchTag("MemoryInUse", (error) =>
        Effect.logWarning("the memory ceiling stays where it is").pipe(
          Effect.annotateLogs({ why: error.message }),
        ),
      ),
    )
  })

/** The ceiling while no monitor holds it. Only ever lowers; its callers run one operation at a time. */
export interface CeilingKeeper {
  /** Lowers the ceiling to its floor, whatever memory is used now. */
  readonly floor: Effect.Effect<void>
  /** Lowers it again if someone has raised it since. */
  readonly keep: Effect.Effect<void>
  /** How often someone had raised it. */
  readonly rewrites: () => number
  /** As it was last read. */
  readonly inForce: () => CeilingInForce
}

interface Floor {
  readonly cpuQuotaMicros: number
  readonly memBytes: Limit
}

/** What of a ceiling is above the floor, with what it is to become. */
const whatIsAbove = (found: Ceiling, floor: Floor): Partial<Ceiling> => ({
  ...(isAbove(found.cpuQuotaMicros, floor.cpuQuotaMicros) ? { cpuQuotaMicros: floor.cpuQuotaMicros } : {}),
  ...(isAbove(found.memBytes, floor.memBytes) ? { memBytes: floor.memBytes } : {}),
})
const isNothing = (change: Partial<Ceiling>) => Object.keys(change).length === 0

/** `promisedMemBytes`: what the tasks were promised together. A ceiling below it could kill one that keeps within its own
 * limit, and the loss of a monitor kills nothing (law L6). */
export const makeCeilingKeeper = (
  lent: HostAmounts,
  promisedMemBytes: () => number,
): Effect.Effect<CeilingKeeper, KernelRefused, Cgroups> =>
  Effect.gen(function* () {
    const cgroups = yield* Cgroups
    let inForce = ceilingToInForce(yield* cgroups.ceiling)
    let rewrites = 0
    /** As the last loss left it; undefined while that has not come to its end. */
    let kept: Floor | undefined
    /** As the kernel told it when it refused a lower limit; more than the containers' own, such as cache they left. */
    let usedAtLeastBytes = 0
    let lastWarning: string | undefined

    /** Once for each reason, not each second. */
    const warn = (why: string) =>
      Effect.suspend(() => {
        if (why === lastWarning) return Effect.void
        lastWarning = why
        return Effect.logError("the harvest's ceiling could not be lowered").pipe(
          Effect.annotateLogs({ why }),
        )
      })

    /** Answers whether something was above the floor and no longer is. */
    const lowerTo = (floor: Floor) =>
      Effect.gen(function* () {
        const found = yield* cgroups.ceiling
        inForce = ceilingToInForce(found)
        const change = whatIsAbove(found, floor)
        if (isNothing(change)) return false
        const after = yield* cgroups.setCeiling(change)
        inForce = ceilingToInForce(after)
        if (isNothing(whatIsAbove(after, floor))) return true
        yield* warn("this host has no control for it; see gleaner doctor")
        return false
      })

    const lowerToFloor = Effect.gen(function* () {
      kept = undefined
      // Cpu at once, it hurts the primary first; memory when it is known what is used.
      yield* lowerTo({ ...floorCeiling(lent, 0), memBytes: "unlimited" })
      const usedBytes = Math.max(usedAtLeastBytes, promisedMemBytes(), yield* usedMemBytes(cgroups))
      const floor = floorCeiling(lent, usedBytes)
      yield* lowerTo(floor)
      kept = floor
    })

    const lowerAgain = (floor: Floor) =>
      Effect.gen(function* () {
        if (!(yield* lowerTo(floor))) return
        rewrites += 1
        yield* Effect.logWarning("someone had raised the ceiling; it is lowered again")
      })

    const retryable = (run: Effect.Effect<void, WriteError>) =>
      Effect.catchAll(run, (error) => {
        kept = undefined
        if (error._tag === "MemoryInUse") usedAtLeastBytes = error.usageBytes
        return warn(error.message)
      })

    return {
      floor: retryable(
        Effect.suspend(() => {
          lastWarning = undefined
          usedAtLeastBytes = 0
          return lowerToFloor
        }),
      ),
      keep: retryable(Effect.suspend(() => (kept === undefined ? lowerToFloor : lowerAgain(kept)))),
      rewrites: () => rewrites,
      inForce: () => inForce,
    }
  })
