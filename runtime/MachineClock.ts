/** The two times of an event: the machine's own, and wall time for people. */
export interface MachineClock {
  /** Whole ms; never decreases, goes on after a restart from where the journal stopped, and ignores clock jumps. */
  readonly nowMs: () => number
  /** ms since 1970; only shown, never decided on. */
  readonly wallMs: () => number
}

/** A clock that continues at `startMs`, the last time the machine was stepped with. */
export const startMachineClock = (startMs: number): MachineClock => {
  const startNanos = process.hrtime.bigint()
  return {
    nowMs: () => startMs + Number((process.hrtime.bigint() - startNanos) / 1_000_000n),
    wallMs: () => Date.now(),
  }
}

/**
 * A clock that stands still from the first look at it while `isStopped` to the first one afterwards, and goes on from there:
 * time in which nobody could be heard must not count against those who called.
 */
export const makeStoppingClock = (clock: MachineClock, isStopped: () => boolean): MachineClock => {
  let stoodMs = 0
  let standsAtMs: number | undefined
  return {
    ...clock,
    nowMs: () => {
      const nowMs = clock.nowMs() - stoodMs
      if (isStopped()) {
        standsAtMs ??= nowMs
        return standsAtMs
      }
      if (standsAtMs === undefined) return nowMs
      const wentOnAtMs = standsAtMs
      stoodMs += nowMs - wentOnAtMs
      standsAtMs = undefined
      return wentOnAtMs
    },
  }
}
