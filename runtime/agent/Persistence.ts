import { Cause, Effect, Schedule } from "effect"

export const causeToMessage = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

/** Until it works, whatever stands in the way; each failure is logged with the complaint. */
export const persistently = <A, E, R>(
  complaint: string,
  containerId: string,
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<A, never, R> =>
  effect.pipe(
    Effect.sandbox,
    Effect.tapError((cause) =>
      Effect.logError(complaint).pipe(Effect.annotateLogs({ containerId, why: causeToMessage(cause) })),
    ),
    Effect.retry(Schedule.spaced("1 second")),
    Effect.orDie,
  )

/** A defect of a moment, such as no free descriptor, must not cost a task: it gets a minute to pass. */
export const patientWithDefects = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  effect.pipe(
    Effect.sandbox,
    Effect.retry({ while: Cause.isDie, schedule: Schedule.spaced("1 second"), times: 60 }),
    Effect.unsandbox,
  )
