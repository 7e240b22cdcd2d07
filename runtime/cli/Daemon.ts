import { Options } from "@effect/cli"
import { Effect } from "effect"
import { layerDaemonLog } from "../DaemonLog.ts"
import { CommandFailure } from "./CommandFailure.ts"
import { stdinEnd, untilSignal } from "./Signals.ts"

/** `gleaner up` holds its daemons by a pipe: when it is gone, whatever the reason, they stop cleanly. */
export const withParentOption = Options.boolean("with-parent").pipe(
  Options.withDescription("Stop when stdin ends: for a supervisor that holds the other end of the pipe"),
)

/** One line on stdout, so that whoever started the daemon knows it serves and where. */
export const announceReady = (facts: { readonly [name: string]: string }): void => {
  process.stdout.write(`${JSON.stringify({ ready: true, ...facts })}\n`)
}

/** Runs a daemon until a signal or its parent's end, logging as it goes; its failure becomes the command's. */
export const runDaemon = <A, E extends { readonly message: string }, R>(
  name: string,
  withParent: boolean,
  daemon: Effect.Effect<A, E, R>,
): Effect.Effect<void, CommandFailure, R> =>
  untilSignal(withParent ? Effect.raceFirst(Effect.asVoid(daemon), stdinEnd) : Effect.asVoid(daemon)).pipe(
    Effect.tapError((error) => Effect.logError(error.message)),
    Effect.zipLeft(Effect.logInfo(`${name} stopped`)),
    Effect.mapError((error) => new CommandFailure({ message: error.message, exitCode: 1 })),
    Effect.provide(layerDaemonLog(name)),
  )
