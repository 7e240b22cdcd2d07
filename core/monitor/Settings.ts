/** What the monitor's decisions rest on. Shares are of the host's capacity, 0 to 1. */
export interface MonitorSettings {
  /** How often the shell samples. The machine takes time from events only; the bounds below must suit this period. */
  readonly guardPeriodMs: number
  /**
   * The guard believes the highest use of the last so many ms (counted in tenths of it, so up to a tenth longer): load that
   * comes in bursts shorter than this does not move the ceiling. 1 s: Koordinator judges on one-second samples
   * (spec/policies.md §3.3).
   */
  readonly holdMs: number
  /**
   * Idle part that is never given to the harvest, so that the primary can grow within one period. 10 %: no rise beyond it
   * within 15 s in the only series fine enough, 0.04 % of rises beyond 5 % (spec/policies.md §9.3). Koordinator leaves
   * 35 % (§3.3) and takes 2 s where this takes one period.
   */
  readonly headroomShare: number
  /** Ceiling that is always left: 2,000 µs per 100 ms, Koordinator's least quota (spec/policies.md §3.3). */
  readonly floorCpuMilli: number
  /** The same for memory, thousandths of MiB: a launcher and a shell fit into 64 MiB. */
  readonly floorMemMilli: number
  /** How long the ceiling must have been too low before it rises: two of Koordinator's rounds, and twice `holdMs`. */
  readonly raiseAfterMs: number
  /** How fast it then rises: Koordinator's 10 % of the host per one-second round (spec/policies.md §3.3). */
  readonly raiseSharePerSecond: number
  /**
   * How much too low it must be to start rising. A load that varies by less than this lets the ceiling turn once at most.
   * 5 %: one tick of 10 ms in a sample of 100 ms is 5 % of a host with two processors.
   */
  readonly raiseBandShare: number
  /** Moves smaller than this are not said: Koordinator's least change of 1 % (spec/policies.md §3.3). */
  readonly stepShare: number
  /** A raise taken back within this time was a mistake: the next one waits `raiseWaitFactor` times as long, up to
   * `raiseWaitMsMost`. At the top a cycle takes a minute: two turns, goal B5 (spec/policies.md §11.2). */
  readonly regretMs: number
  readonly raiseWaitFactor: number
  readonly raiseWaitMsMost: number
  /** Without a sample for this long the ceiling falls to its floor: goal B4, 1 s (spec/policies.md §11.2). Also the
   * longest time that one sample may stand for; a longer one is a gap (a suspended host, a clock that jumped). */
  readonly staleMs: number
  /** Without a sample for this long everything is reserved: goal B4, 3 s (spec/policies.md §11.2). */
  readonly reserveAllAfterMs: number
  /** A reserve that shrinks is said this often at most; one that grows is said at once. */
  readonly sayAgainMs: number
  /** Length of the short windows whose mean lifts the reserve between two steps of the policy. */
  readonly runningMs: number
  /** How much of the newest short window must have been measured before its mean counts. */
  readonly runningMsLeast: number
  /** Intervals without any sample that the policy is told of after a gap. At the bound its window ages less than it
   * should, which keeps old peaks. */
  readonly emptyStepsMost: number
  /** Tasks remembered per host; further ones are not considered for freezing and eviction. */
  readonly tasksMost: number
}

export const defaultMonitorSettings: MonitorSettings = {
  guardPeriodMs: 100,
  holdMs: 1_000,
  headroomShare: 0.1,
  floorCpuMilli: 20,
  floorMemMilli: 64_000,
  raiseAfterMs: 2_000,
  raiseSharePerSecond: 0.1,
  raiseBandShare: 0.05,
  stepShare: 0.01,
  regretMs: 60_000,
  raiseWaitFactor: 8,
  raiseWaitMsMost: 60_000,
  staleMs: 1_000,
  reserveAllAfterMs: 3_000,
  sayAgainMs: 1_000,
  runningMs: 10_000,
  runningMsLeast: 1_000,
  emptyStepsMost: 10_000,
  tasksMost: 1_000,
}

/** The defaults for a sampling period: two samples in a row may be lost, however long it is. */
export const monitorSettingsFor = (guardPeriodMs: number): MonitorSettings => {
  const staleMs = Math.max(defaultMonitorSettings.staleMs, 3 * guardPeriodMs)
  return {
    ...defaultMonitorSettings,
    guardPeriodMs,
    staleMs,
    reserveAllAfterMs: Math.max(defaultMonitorSettings.reserveAllAfterMs, staleMs),
    runningMsLeast: Math.max(defaultMonitorSettings.runningMsLeast, guardPeriodMs),
    runningMs: Math.max(defaultMonitorSettings.runningMs, guardPeriodMs),
  }
}
