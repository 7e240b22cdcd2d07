import { Data } from "effect"

/** A command cannot do what was asked. The message names the place and the remedy; 2 is for wrong input and usage. */
export class CommandFailure extends Data.TaggedError("CommandFailure")<{
  readonly message: string
  readonly exitCode: number
}> {}

/** Of an agent that its master told to end, because its machine is down or gone: init scripts and units do not start it again. */
export const toldToEndExitCode = 3

/** A failure that the caller of the command can mend: a wrong option, path, spec or input file. */
export const refuseInput = (message: string): CommandFailure => new CommandFailure({ message, exitCode: 2 })
