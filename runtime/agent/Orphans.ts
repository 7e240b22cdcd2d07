import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { Data, Effect, Fiber, type Scope } from "effect"
import { Cgroups } from "../cgroups/Cgroups.ts"
import type { KernelRefused } from "../cgroups/KernelErrors.ts"
import { findLockHolder } from "../ProcessLock.ts"
import { persistently } from "./Persistence.ts"

/** Containers below this agent's parent cgroup are those of another agent, and ending them would end its tasks. */
export class CgroupParentTaken extends Data.TaggedError("CgroupParentTaken")<{
  readonly parent: string
  readonly folder: string
  readonly holderPid: number
}> {
  override get message(): string {
    return `cgroup ${this.parent} holds tasks of the agent with the folder ${this.folder} (process ${this.holderPid}): stop that agent, or give this one another --cgroup-parent`
  }
}

/** How long a start waits for orphans to end; one that hangs in the kernel must not keep an agent away for ever. */
const endedWaitMs = 10_000

export const checkpointIn = (folder: string): string => join(folder, "checkpoint")
export const lockOf = (checkpoint: string): string => `${checkpoint}.lock`

/**
 * Ends containers of no task; such are left when a checkpoint was removed. Those of another agent that lives are a
 * refusal: somebody has started two agents on one parent.
 */
export const endOrphans = (
  alive: ReadonlySet<string>,
  runRoot: string,
): Effect.Effect<void, CgroupParentTaken | KernelRefused, Cgroups | Scope.Scope> =>
  Effect.gen(function* () {
    const cgroups = yield* Cgroups
    const orphans = (yield* cgroups.list).filter((containerId) => !alive.has(containerId))
    if (orphans.length === 0) return
    const taken = yield* Effect.sync(() => findOtherAgent(new Set(orphans), runRoot))
    if (taken !== undefined) return yield* new CgroupParentTaken({ parent: cgroups.parent, ...taken })
    const ending = yield* Effect.forEach(orphans, (containerId) =>
      Effect.logWarning("ending a container that belongs to no task").pipe(
        Effect.annotateLogs({ containerId }),
        Effect.zipRight(
          persistently("it resists its destruction; trying again", containerId, cgroups.destroy(containerId)),
        ),
        Effect.forkScoped,
      ),
    )
    yield* Effect.timeoutOption(Fiber.awaitAll(ending), endedWaitMs)
  })

/** The living agent, other than that of `runRoot`, whose launchers have one of these containers. */
const findOtherAgent = (
  containerIds: ReadonlySet<string>,
  runRoot: string,
): { readonly folder: string; readonly holderPid: number } | undefined => {
  for (const { containerId, root } of findLaunchers()) {
    if (!containerIds.has(containerId) || root === resolve(runRoot)) continue
    const folder = dirname(root)
    const holderPid = findLockHolder(lockOf(checkpointIn(folder)))
    if (holderPid !== undefined && holderPid !== process.pid) return { folder, holderPid }
  }
  return undefined
}

/** All launchers of this host, by their command line: `sh …/launch.sh RUN_DIR …`, where RUN_DIR is ROOT/CONTAINER. */
const findLaunchers = (): ReadonlyArray<{ readonly containerId: string; readonly root: string }> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const words = readWords(`/proc/${pid}/cmdline`)
      const runDir = words[1]?.endsWith("/launch.sh") === true ? words[2] : undefined
      if (runDir === undefined || !runDir.startsWith("/")) return []
      return [{ containerId: runDir.slice(dirname(runDir).length + 1), root: dirname(runDir) }]
    })

const readWords = (path: string): ReadonlyArray<string> => {
  try {
    return readFileSync(path, "utf8").split("\0")
  } catch {
    return [] // it has ended
  }
}
