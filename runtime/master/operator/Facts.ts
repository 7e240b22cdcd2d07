import type { MasterState } from "../../../core/master/State.ts"
import type { CachedReplies } from "../../http/CachedReplies.ts"
import type { MasterIdentity } from "../../mesos/SchedulerEvent.ts"

/** A setting in force, in the words of Mesos's flags: `allocation_interval`. */
export interface Flag {
  readonly name: string
  readonly value: string
}

/** All that the operator's questions are answered from. */
export interface OperatorFacts {
  readonly state: MasterState
  readonly identity: MasterIdentity
  /** Null: whoever asks may not see them. */
  readonly flags: ReadonlyArray<Flag> | null
  /** When this master process began to serve. */
  readonly startedWallMs: number
  /** Why nothing becomes durable; undefined = all is well. */
  readonly problem: string | undefined
  /** By Mesos's names (spec/mesos.md §6.1). */
  readonly metrics: () => { readonly [name: string]: number }
  /** Of the state, as text: another one after each step. */
  readonly stateVersion: string
  readonly replies: CachedReplies
  /** Of those from whom something is left out. */
  readonly partialReplies: CachedReplies
}
