import { Effect } from "effect"
import { layerDaemonLog } from "../DaemonLog.ts"
import { outputBroken } from "./BrokenOutput.ts"
import { reportExit } from "./CommandExit.ts"
import { CommandFailure } from "./CommandFailure.ts"
import { stdinEnd, untilSignal } from "./Signals.ts"

/** Runs a daemon until a signal or its parent's end, logging as it goes; answers with the exit code. */
export const runDaemon = async <A, E extends { readonly message: string }>(
  name: string,
  withParent: boolean,
  daemon: Effect.Effect<A, E>,
): Promise<number> => {
  const ending = withParent ? Effect.raceFirst(Effect.asVoid(daemon), stdinEnd) : Effect.asVoid(daemon)
  const exit = await Effect.runPromiseExit(
    untilSignal(ending).pipe(
      Effect.tapError((error) => Effect.logError(error.message)),
      Effect.zipLeft(Effect.logInfo(`${name} stopped`)),
      Effect.mapError((error) =>
        error instanceof CommandFailure ? error : new CommandFailure({ message: error.message, exitCode: 1 }),
      ),
      Effect.provide(layerDaemonLog(name)),
      Effect.raceFirst(outputBroken),
    ),
  )
  return reportExit(exit)
}
