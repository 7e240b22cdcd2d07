import { Command, ValidationError } from "@effect/cli"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { Cause, Effect, Exit, Option } from "effect"
import { outputBroken } from "./BrokenOutput.ts"
import { reportExit } from "./CommandExit.ts"
import type { CommandFailure } from "./CommandFailure.ts"
import { completedCommands } from "./CompletedCommands.ts"
import { evaluateCommand, spreadVariadicOptions } from "./Evaluate.ts"
import { explainCommand } from "./Explain.ts"
import { journalCommand } from "./Journal.ts"
import { withPlainConsole } from "./PlainConsole.ts"
import { replayCommand } from "./Replay.ts"
import { CommandTail, runCommand } from "./Run.ts"
import { statusCommand } from "./Status.ts"
import { version } from "./Version.ts"

const gleaner = Command.make("gleaner").pipe(
  Command.withSubcommands([
    runCommand,
    statusCommand,
    explainCommand,
    evaluateCommand,
    journalCommand,
    replayCommand,
    ...completedCommands,
  ]),
)

/** Splits at the first `--`: what follows belongs to the task and is not looked at. */
const splitAtTail = (words: ReadonlyArray<string>) => {
  const at = words.indexOf("--")
  return at === -1 ? { own: words, tail: [] } : { own: words.slice(0, at), tail: words.slice(at + 1) }
}

const exitCodeOf = (exit: Exit.Exit<void, CommandFailure | ValidationError.ValidationError>): number => {
  const failure = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
  // The option parser has printed what it did not understand.
  return failure !== undefined && ValidationError.isValidationError(failure) ? 2 : reportExit(exit)
}

/** Runs the command that the words name; resolves with its exit code. */
export const runCommandLine = async (words: ReadonlyArray<string>): Promise<number> => {
  const { own, tail } = splitAtTail(words)
  const exit = await Effect.runPromiseExit(
    Command.run(gleaner, { name: "gleaner", version })([
      process.argv[0] ?? "node",
      process.argv[1] ?? "gleaner",
      ...spreadVariadicOptions(own, ["--trace", "--policy"]),
    ]).pipe(
      withPlainConsole,
      Effect.raceFirst(outputBroken),
      Effect.provideService(CommandTail, tail),
      Effect.provide(NodeContext.layer),
    ),
  )
  return exitCodeOf(exit)
}
