import { Effect, type Scope } from "effect"

/** SIGINT and SIGTERM, counted while the scope lives; the process no longer dies of them. */
export interface Signals {
  readonly count: () => number
  /** Completes when so many have arrived. */
  readonly reached: (number: number) => Effect.Effect<void>
}

export const countSignals: Effect.Effect<Signals, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    let count = 0
    const waiting: Array<{ readonly number: number; readonly resume: () => void }> = []
    const onSignal = () => {
      count++
      for (const { number, resume } of waiting) if (count >= number) resume()
    }
    process.on("SIGINT", onSignal)
    process.on("SIGTERM", onSignal)
    return {
      onSignal,
      count: () => count,
      reached: (number: number) =>
        Effect.async<void>((resume) => {
          if (count >= number) resume(Effect.void)
          else waiting.push({ number, resume: () => resume(Effect.void) })
        }),
    }
  }),
  ({ onSignal }) =>
    Effect.sync(() => {
      process.removeListener("SIGINT", onSignal)
      process.removeListener("SIGTERM", onSignal)
    }),
)

/**
 * Runs a daemon until SIGINT or SIGTERM, then interrupts it and waits for its finalizers: a clean stop is a success.
 * A second signal changes nothing; the finalizers have bounds of their own.
 */
export const untilSignal = <A, E, R>(daemon: Effect.Effect<A, E, R>): Effect.Effect<void, E, R> =>
  Effect.scoped(
    Effect.flatMap(countSignals, ({ reached }) => Effect.raceFirst(Effect.asVoid(daemon), reached(1))),
  )

/** Completes when stdin ends: the process that started this daemon is gone. */
export const stdinEnd: Effect.Effect<void> = Effect.async<void>((resume) => {
  process.stdin.on("end", () => resume(Effect.void))
  process.stdin.on("error", () => resume(Effect.void))
  process.stdin.resume()
})
