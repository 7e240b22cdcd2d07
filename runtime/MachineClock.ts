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
