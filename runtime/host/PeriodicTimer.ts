export interface PeriodicTimerOptions {
  readonly periodMs: number
  /** Monotonic ms with fractions. */
  readonly nowMs: () => number
  /** Once per period. `lateMs`: how much later than due; `skipped`: periods that passed without a call. */
  readonly run: (lateMs: number, skipped: number) => void
}

/**
 * A timer that does not drift: each call is due a whole number of periods after the first, however long the calls take. A
 * process that was stopped or starved goes on with the next due time instead of making up for what it missed.
 */
export const startPeriodicTimer = ({
  periodMs,
  nowMs,
  run,
}: PeriodicTimerOptions): { readonly stop: () => void } => {
  let dueMs = nowMs() + periodMs
  let isStopped = false
  let timer: NodeJS.Timeout

  const schedule = () => {
    // Timers of Node round to whole ms and may come up to one early.
    timer = setTimeout(fire, Math.max(0, Math.ceil(dueMs - nowMs())))
  }

  const fire = () => {
    const lateMs = nowMs() - dueMs
    if (lateMs < -0.5) return schedule()
    const skipped = Math.max(0, Math.floor(lateMs / periodMs))
    dueMs += (skipped + 1) * periodMs
    try {
      run(Math.max(0, lateMs), skipped)
    } finally {
      if (!isStopped) schedule()
    }
  }

  schedule()
  return {
    stop: () => {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
