import { Effect } from "effect"
import { CommandFailure } from "./CommandFailure.ts"

/** What a shell reports of a command whose reader has left: 128 + SIGPIPE. */
const brokenPipeCode = 141

/**
 * Never succeeds; fails, with nothing to say, once nobody reads stdout or stderr any more (`gleaner run … | head -1`).
 * What runs beside it is then interrupted and cleans up: a task is killed, daemons stop.
 */
export const outputBroken: Effect.Effect<never, CommandFailure> = Effect.async((resume) => {
  const onError = () => resume(new CommandFailure({ message: "", exitCode: brokenPipeCode }))
  // For good: cleaning up may want to write, too.
  process.stdout.on("error", onError)
  process.stderr.on("error", onError)
})
