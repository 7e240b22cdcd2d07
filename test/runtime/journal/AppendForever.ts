import { writeSync } from "node:fs"
import { Effect, type Scope } from "effect"
import type { Journal, JournalError } from "../../../runtime/journal/Journal.ts"

/**
 * For a process that is killed at any instruction: appends batches of growing number, several at a time, and says on
 * stdout which one is acknowledged. Every batch writes the same number into all places.
 */
export const appendForever = (
  open: Effect.Effect<Journal["Type"], JournalError, Scope.Scope>,
): Effect.Effect<never, JournalError, Scope.Scope> =>
  Effect.gen(function* () {
    const journal = yield* open
    const { lastEventSeq } = yield* journal.recover
    let next = lastEventSeq
    const appendNext = Effect.suspend(() => {
      const number = ++next
      return Effect.tap(
        journal.append({
          events: [{ atMs: number, event: { number }, actionsDigest: String(number) }],
          changes: [
            { kind: "counter", key: "last", value: number },
            { kind: "number", key: String(number), value: { number, filler: "x".repeat(number % 700) } },
            { kind: "number", key: String(number - 100), value: undefined },
          ],
          outbox: [{ id: number, to: `receiver-${number % 3}`, message: { number } }],
          delivered: [{ to: `receiver-${number % 3}`, upToId: number - 30 }],
        }),
        () => Effect.sync(() => writeSync(1, `${number}\n`)),
      )
    })
    // Concurrent appends share transactions, single ones do not: both are on their way when the kill comes.
    return yield* Effect.forever(
      Effect.all([appendNext, appendNext, appendNext, appendNext], { concurrency: "unbounded" }),
    )
  })

export const runUntilKilled = (loop: Effect.Effect<never, JournalError, Scope.Scope>): void => {
  Effect.runFork(Effect.scoped(loop).pipe(Effect.tapErrorCause((cause) => Effect.logError(cause))))
}
