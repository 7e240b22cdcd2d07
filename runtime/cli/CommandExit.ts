import { Cause, type Exit, Option } from "effect"
import { CommandFailure } from "./CommandFailure.ts"

/**
 * Says on stderr why a command did not do what was asked, and gives its exit code: 0 = done, 1 = the world refused,
 * 2 = the request is wrong, 130 = interrupted; a task's own code passes through.
 */
export const reportExit = (exit: Exit.Exit<unknown, unknown>): number => {
  if (exit._tag === "Success") return 0
  const failure = Option.getOrUndefined(Cause.failureOption(exit.cause))
  if (failure instanceof CommandFailure) {
    if (failure.message !== "") process.stderr.write(`gleaner: ${failure.message}\n`)
    return failure.exitCode
  }
  if (Cause.isInterruptedOnly(exit.cause)) return 130
  process.stderr.write(`gleaner: a defect of gleaner itself, please report it\n${Cause.pretty(exit.cause)}\n`)
  return 1
}
