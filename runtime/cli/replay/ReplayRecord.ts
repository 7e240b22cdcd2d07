import type { Entity } from "../../../core/Machine.ts"
import type { MasterAction } from "../../../core/master/Action.ts"
import { digestActions } from "../../journal/ActionsDigest.ts"
import type { LoggedBatch, LoggedEvent, ReplayLog } from "./ReplayLog.ts"
import { World } from "./World.ts"

/** The first event after which today's core does something else. */
export interface Difference {
  readonly seq: number
  readonly event: unknown
  /** Digest of what was done then; empty = nothing was. */
  readonly recordedDigest: string
  readonly digest: string
  /** What is done today. */
  readonly actions: ReadonlyArray<unknown>
  /** Why the step could not be made at all. */
  readonly problem: string | null
}

export interface ReplayResult {
  /** Compared, all equal up to the difference. */
  readonly equal: number
  /** Of them, those after which something was done. */
  readonly withActions: number
  /** Stepped before `fromSeq`, without comparing. */
  readonly skipped: number
  readonly restarts: number
  readonly firstSeq: number
  readonly lastSeq: number
  readonly difference: Difference | null
  /** The state after the last event; called at once or never. */
  readonly rows: () => ReadonlyArray<Entity>
}

export interface ReplayRange {
  readonly fromSeq: number
  readonly toSeq: number
}

/** Hears each batch after the recorded world has been stepped through it. */
export type Watcher = (
  batch: LoggedBatch,
  world: World,
  actions: ReadonlyArray<ReadonlyArray<MasterAction>>,
) => void

/** Steps today's core through the record and compares what it does with what was done, until the first difference. */
export const replayRecord = (
  log: ReplayLog,
  { fromSeq, toSeq }: ReplayRange,
  progress: (seq: number) => void,
  watch: Watcher = () => {},
): ReplayResult => {
  const world = new World(log.rows, log.run, (run) => run.settings)
  const counts = { equal: 0, withActions: 0, skipped: 0, restarts: 0 }
  const result = (lastSeq: number, difference: Difference | null): ReplayResult => ({
    ...counts,
    ...{ firstSeq: Math.max(fromSeq, log.firstSeq), lastSeq, difference },
    rows: () => world.rows(),
  })
  let lastSeq = log.firstSeq - 1
  for (const batch of log.batches()) {
    if (batch.run !== undefined) {
      world.restart(batch.run)
      counts.restarts++
    }
    const done: Array<ReadonlyArray<MasterAction>> = []
    for (const logged of batch.events) {
      if (logged.seq > toSeq) return result(lastSeq, null)
      const outcome = stepLogged(world, logged)
      if ("seq" in outcome && logged.seq >= fromSeq) return result(logged.seq, outcome)
      const actions = outcome.actions as ReadonlyArray<MasterAction>
      done.push(actions)
      if (logged.seq < fromSeq) counts.skipped++
      else {
        counts.equal++
        if (actions.length > 0) counts.withActions++
      }
      lastSeq = logged.seq
      progress(lastSeq)
    }
    watch(batch, world, done)
  }
  return result(lastSeq, null)
}

const stepLogged = (
  world: World,
  { seq, event, actionsDigest }: LoggedEvent,
): Difference | { readonly actions: ReadonlyArray<MasterAction> } => {
  const difference = { seq, event, recordedDigest: actionsDigest }
  try {
    const actions = world.step(event)
    const digest = digestActions(actions)
    return digest === actionsDigest ? { actions } : { ...difference, digest, actions, problem: null }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    return { ...difference, digest: "", actions: [], problem }
  }
}
