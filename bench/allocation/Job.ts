import type { CycleTimes, SettingsName } from "./Cluster.ts"
import type { Shape } from "./Shape.ts"
import type { Variant } from "./Workload.ts"

export const modes = ["full", "decline", "quota", "incremental", "memory"] as const
export type Mode = (typeof modes)[number]

/** What one process measures. */
export interface Job {
  readonly mode: Mode
  readonly shape: Shape
  readonly variant: Variant
  readonly settings: SettingsName
  readonly rounds: number
}

/** One figure of a job: the times of a kind of cycle. */
export interface Figure {
  /** Which cycle of the mode. */
  readonly phase: string
  readonly times: CycleTimes
  /** Made by each of these cycles. */
  readonly offers: number
  readonly giveBackMsPer1000: ReadonlyArray<number>
  readonly bytesPerAgent?: number
  readonly bytesPerFilter?: number
  /** Of the process afterwards, in MB of 10⁶ bytes. */
  readonly rssMb: number
}

export const residentMb = (): number => process.memoryUsage.rss() / 1e6
