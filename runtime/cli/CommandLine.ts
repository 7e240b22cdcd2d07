import { Command, ValidationError } from "@effect/cli"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { Cause, Effect, Exit, Option } from "effect"
import { agentCommand } from "./Agent.ts"
import { outputBroken } from "./BrokenOutput.ts"
import { CommandFailure } from "./CommandFailure.ts"
import { evaluateCommand, spreadVariadicOptions } from "./Evaluate.ts"
import { masterCommand } from "./Master.ts"
import { withPlainConsole } from "./PlainConsole.ts"
import { CommandTail, runCommand } from "./Run.ts"
import { statusCommand } from "./Status.ts"
import { upCommand } from "./Up.ts"
import { version } from "./Version.ts"

const gleaner = Command.make("gleaner").pipe(
  Command.withSubcommands([
    upCommand,
    runCommand,
    statusCommand,
    evaluateCommand,
    masterCommand,
    agentCommand,
  ]),
)

/** Splits at the first `--`: what follows belongs to the task and is not looked at. */
const splitAtTail = (words: ReadonlyArray<string>) => {
  const at = words.indexOf("--")
  return at === -1 ? { own: words, tail: [] } : { own: words.slice(0, at), tail: words.slice(at + 1) }
}

/** 0 = done, 1 = the world refused, 2 = the request is wrong; a task's own code passes through. */
const exitCodeOf = (exit: Exit.Exit<void, CommandFailure | ValidationError.ValidationError>): number => {
  if (Exit.isSuccess(exit)) return 0
  const failure = Option.getOrUndefined(Cause.failureOption(exit.cause))
  if (failure instanceof CommandFailure) {
    if (failure.message !== "") process.stderr.write(`gleaner: ${failure.message}\n`)
    return failure.exitCode
  }
  // The option parser has printed what it did not understand.
  if (failure !== undefined && ValidationError.isValidationError(failure)) return 2
  if (Cause.isInterruptedOnly(exit.cause)) return 130
  process.stderr.write(`gleaner: a defect of gleaner itself, please report it\n${Cause.pretty(exit.cause)}\n`)
  return 1
}

/** Runs the command that the words name, and ends the process with its exit code. */
export const runCommandLine = async (words: ReadonlyArray<string>): Promise<void> => {
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
  process.exitCode = exitCodeOf(exit)
  // Pipes may still be draining; sockets and timers must not keep a finished command alive.
  setImmediate(() => process.exit())
}
