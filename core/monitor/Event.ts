import type { Stamp } from "../Machine.ts"

/**
 * What was measured on every host of the block over the time since the sample before, index by host. Milli-cpus and
 * thousandths of MiB; NaN where it could not be measured (a first sample, a file that did not open, a clock that
 * jumped). A host that could be measured has capacity and use of the primary; use of the harvest may be missing. Whoever makes it may use the arrays again after the step.
 */
export interface BlockSample {
  readonly capacityCpuMilli: Float64Array
  readonly capacityMemMilli: Float64Array
  /** Use of the primary = use of the host − use of the harvest; a little below 0 when the two were read apart. */
  readonly primaryCpuMilli: Float64Array
  readonly primaryMemMilli: Float64Array
  readonly harvestCpuMilli: Float64Array
  readonly harvestMemMilli: Float64Array
}

/** What the agent tells of one borrowed task: whom to stop first is decided on it. */
export interface HarvestTask {
  readonly containerId: string
  /** Higher is more important. */
  readonly priority: number
  /** Since its command runs, ms. */
  readonly ageMs: number
  /** Work that is lost when it is stopped now, milli-cpu × ms. */
  readonly lostWork: number
  readonly cpuMilli: number
  readonly memMilli: number
  readonly isFrozen: boolean
}

export type MonitorEvent = Stamp &
  /** Once each guard period. */
  (
    | { readonly type: "Sampled"; readonly sample: BlockSample }
    /** The agent has handed the ceiling over, and this much of the host is lent at most. */
    | {
        readonly type: "LeaseGranted"
        readonly host: number
        readonly lentCpuMilli: number
        readonly lentMemMilli: number
        /** The ceiling in force; null = none. */
        readonly ceilingCpuMilli: number | null
        readonly ceilingMemMilli: number | null
      }
    /** The agent is gone or has taken the ceiling back: nothing may be raised any more. */
    | { readonly type: "LeaseLost"; readonly host: number }
    | { readonly type: "TasksTold"; readonly host: number; readonly tasks: ReadonlyArray<HarvestTask> }
    | { readonly type: "TimePassed" }
  )

export type MonitorEventOf<Type extends MonitorEvent["type"]> = Extract<MonitorEvent, { readonly type: Type }>
