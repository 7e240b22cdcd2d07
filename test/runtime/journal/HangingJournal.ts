import { pathToFileURL } from "node:url"
import { Effect, Fiber } from "effect"
import * as SqliteJournal from "../../../runtime/journal/SqliteJournal.ts"

// A process that is told to stop while its journal's thread hangs in the kernel.

const [path, workerScript] = process.argv.slice(2) as [string, string]

const opening = Effect.runFork(
  Effect.scoped(SqliteJournal.make({ path, workerScript: pathToFileURL(workerScript), closeWaitMs: 200 })),
)
setTimeout(() => Effect.runFork(Fiber.interrupt(opening)), 300)
