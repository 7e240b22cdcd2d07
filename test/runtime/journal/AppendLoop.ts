import { writeSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { Effect } from "effect"
import * as SqliteJournal from "../../../runtime/journal/SqliteJournal.ts"

// Run as a process and killed at any instruction: appends batches of growing number, several at a time, and says on
// stdout which one is acknowledged. Every batch writes the same number into all places.

const [path, workerScript] = process.argv.slice(2) as [string, string]

const loop = Effect.gen(function* () {
  const journal = yield* SqliteJournal.make({
    path,
    workerScript: pathToFileURL(workerScript),
    keepEvents: 500,
  })
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
  yield* Effect.forever(
    Effect.all([appendNext, appendNext, appendNext, appendNext], { concurrency: "unbounded" }),
  )
})

Effect.runFork(Effect.scoped(loop).pipe(Effect.tapErrorCause((cause) => Effect.logError(cause))))
