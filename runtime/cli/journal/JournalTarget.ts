import { Args, Options } from "@effect/cli"
import { Effect, Option } from "effect"
import { readSettings } from "../../config/ReadSettings.ts"
import { section } from "../../config/Section.ts"
import { dataSetting } from "../../config/sections/SharedSettings.ts"
import { dataFolderAt } from "../../DataFolder.ts"
import { JournalError } from "../../journal/Journal.ts"
import { BackupRefused } from "../../journal/JournalBackup.ts"
import { noSuchFile } from "../../journal/JournalReading.ts"
import { CommandFailure, refuseInput } from "../CommandFailure.ts"
import { createProgress } from "../Progress.ts"

// Which journal a command is about, and what they all have in common.

export const dataOption = Options.directory("data").pipe(
  Options.withDescription("Data folder of the master; default $GLEANER_DATA, else /var/lib/gleaner for root"),
  Options.optional,
)

export const fileArgument = Args.text({ name: "JOURNAL" }).pipe(
  Args.withDescription(
    "The journal's file, or a backup of it; default: that of the master with the data folder",
  ),
  Args.optional,
)

export const jsonOption = (what: string) =>
  Options.boolean("json").pipe(Options.withDescription(`Print ${what} as JSON`))

export const journalOf = (data: Option.Option<string>): string =>
  dataFolderAt(Option.getOrElse(data, dataFolderInForce)).journalFile

/** What file and environment say to every command. */
const dataFolderInForce = (): string => {
  const client = { name: "client", command: "", summary: "", examples: [], settings: { data: dataSetting } }
  const reading = readSettings(section(client), [])
  if (reading._tag === "Settled") return reading.settled.values.data
  throw refuseInput(reading._tag === "Refused" ? reading.problems.join("\n") : "")
}

export const targetOf = (args: {
  readonly file: Option.Option<string>
  readonly data: Option.Option<string>
}): string => Option.getOrElse(args.file, () => journalOf(args.data))

/** Runs what reads and writes files, with progress on stderr; its refusals become the command's. */
export const withProgress = <A>(
  run: (progress: (text: string) => void) => Promise<A>,
): Effect.Effect<A, CommandFailure> => {
  const progress = createProgress(process.stderr, () => performance.now())
  return Effect.tryPromise({ try: () => run(progress.show), catch: (error) => error }).pipe(
    Effect.catchAll((error) => {
      const known = knownFailure(error)
      return known === undefined ? Effect.die(error) : Effect.fail(known)
    }),
    Effect.ensuring(Effect.sync(progress.clear)),
  )
}

const knownFailure = (error: unknown): CommandFailure | undefined => {
  if (error instanceof CommandFailure) return error
  if (error instanceof JournalError && error.detail === noSuchFile)
    return refuseInput(`there is no journal at ${error.path}: name its file, or the data folder with --data`)
  if (error instanceof JournalError)
    return new CommandFailure({
      message: error.message,
      exitCode: ["CannotOpen", "NotAJournal"].includes(error.reason) ? 2 : 1,
    })
  if (error instanceof BackupRefused) return new CommandFailure({ message: error.message, exitCode: 1 })
  const { code, message } = error as NodeJS.ErrnoException
  return typeof code === "string" ? new CommandFailure({ message, exitCode: 1 }) : undefined
}

/** A whole number of an event, from 1 on. */
export const readSeq = (
  flag: string,
  given: Option.Option<number>,
): Effect.Effect<number | undefined, CommandFailure> => {
  const number = Option.getOrUndefined(given)
  return number === undefined || number >= 1
    ? Effect.succeed(number)
    : refuseInput(`${flag} ${number} must be at least 1: events are numbered from 1 on`)
}
