import { Args, Command, Options } from "@effect/cli"
import { Console, Effect, Option } from "effect"
import type { JournalVerdict } from "../journal/JournalVerdict.ts"
import { CommandFailure } from "./CommandFailure.ts"
import {
  dataOption,
  fileArgument,
  journalOf,
  jsonOption,
  readSeq,
  targetOf,
  withProgress,
} from "./journal/JournalTarget.ts"

// Only the description lives here: what reads journals is loaded when a command really runs.

const verifyCommand = Command.make(
  "verify",
  { file: fileArgument, data: dataOption, json: jsonOption("what was found") },
  (args) =>
    Effect.gen(function* () {
      const verdict = yield* withProgress(async (progress) =>
        (await import("../journal/JournalVerdict.ts")).verifyJournal(targetOf(args), progress),
      )
      yield* Console.log(args.json ? JSON.stringify(verdict) : verdictText(verdict))
      if (!verdict.isWhole) {
        return yield* new CommandFailure({
          message: `${verdict.path} is damaged: put a backup in its place with \`gleaner journal restore BACKUP --force\`, which keeps it beside`,
          exitCode: 1,
        })
      }
    }),
).pipe(
  Command.withDescription(`Look at all of a journal: its pages, its rows, its log. Also while a master writes to it.
Examples: gleaner journal verify
gleaner journal verify /backup/journal.db --json
Exit codes: 0 whole, 1 damaged, 2 wrong usage or no journal`),
)

const exportCommand = Command.make(
  "export",
  {
    file: fileArgument,
    data: dataOption,
    from: Options.integer("from").pipe(
      Options.withDescription("The first event, by its number"),
      Options.optional,
    ),
    to: Options.integer("to").pipe(Options.withDescription("The last event"), Options.optional),
    rows: Options.boolean("rows").pipe(
      Options.withDescription("The rows as they are now, instead of the events that led to them"),
    ),
    out: Options.text("out").pipe(
      Options.withPseudoName("FILE"),
      Options.withDescription("Write there instead of to standard output"),
      Options.optional,
    ),
  },
  (args) =>
    Effect.gen(function* () {
      const from = yield* readSeq("--from", args.from)
      const to = yield* readSeq("--to", args.to)
      yield* withProgress(async (progress) => {
        const { exportJournal } = await import("./journal/ExportJournal.ts")
        const wish = { path: targetOf(args), from, to, isRows: args.rows }
        await exportJournal({ ...wish, out: Option.getOrUndefined(args.out) }, progress)
      })
    }),
).pipe(
  Command.withDescription(`Print the events of a journal, one JSON object a line, oldest first; {"seq","time","event","actionsDigest"}.
Examples: gleaner journal export > events.jsonl
gleaner journal export --from 1200 --to 1300
gleaner journal export --rows --out rows.jsonl
Exit codes: 0 done, 1 not possible now, 2 wrong usage or no journal`),
)

const forceOption = (meaning: string) => Options.boolean("force").pipe(Options.withDescription(meaning))

const backupCommand = Command.make(
  "backup",
  {
    backup: Args.text({ name: "BACKUP" }).pipe(Args.withDescription("The file to make")),
    from: Options.text("from").pipe(
      Options.withPseudoName("JOURNAL"),
      Options.withDescription("The journal's file; default: that of the master with the data folder"),
      Options.optional,
    ),
    data: dataOption,
    force: forceOption("Replace a file that is there"),
    json: jsonOption("what the backup holds"),
  },
  (args) =>
    Effect.gen(function* () {
      const verdict = yield* withProgress(async (progress) => {
        const { backupJournal } = await import("../journal/JournalBackup.ts")
        return backupJournal(
          Option.getOrElse(args.from, () => journalOf(args.data)),
          args.backup,
          args.force,
          progress,
        )
      })
      yield* Console.log(
        args.json ? JSON.stringify(verdict) : `backup       ${verdict.path}\n${factsText(verdict)}`,
      )
    }),
).pipe(
  Command.withDescription(`Copy the journal into one file, also while the master runs. The copy is looked at before it gets its name.
Examples: gleaner journal backup /backup/journal.db
gleaner journal backup --data /srv/gleaner --force /backup/latest.db
Exit codes: 0 done, 1 not possible now, 2 wrong usage or no journal`),
)

const restoreCommand = Command.make(
  "restore",
  {
    backup: Args.text({ name: "BACKUP" }).pipe(
      Args.withDescription("A file that `gleaner journal backup` made"),
    ),
    to: Options.text("to").pipe(
      Options.withPseudoName("JOURNAL"),
      Options.withDescription(
        "The file to put it at; default: the journal of the master with the data folder",
      ),
      Options.optional,
    ),
    data: dataOption,
    force: forceOption("Also where a journal is: that one is kept beside"),
    json: jsonOption("what was restored"),
  },
  (args) =>
    Effect.gen(function* () {
      const { verdict, keptAt } = yield* withProgress(async (progress) => {
        const { restoreBackup } = await import("./journal/RestoreBackup.ts")
        const path = Option.getOrElse(args.to, () => journalOf(args.data))
        return restoreBackup({ backup: args.backup, path, isReplacing: args.force }, progress)
      })
      const kept = keptAt === null ? "" : `\nkept         what was there: ${keptAt}`
      yield* Console.log(
        args.json
          ? JSON.stringify({ ...verdict, keptAt })
          : `restored     ${verdict.path}\n${factsText(verdict)}${kept}`,
      )
    }),
).pipe(
  Command.withDescription(`Put a backup in the journal's place. Refuses while a master runs, and where a journal is without --force.
Examples: gleaner journal restore /backup/journal.db --force
gleaner journal restore --to /srv/gleaner/master/journal.db /backup/journal.db
Exit codes: 0 done, 1 not possible now, 2 wrong usage or no journal`),
)

export const journalCommand = Command.make("journal").pipe(
  Command.withDescription("Check, print, copy and restore the master's journal"),
  Command.withSubcommands([verifyCommand, exportCommand, backupCommand, restoreCommand]),
)

const verdictText = (verdict: JournalVerdict): string => {
  const { path, isWhole, problems, tornBytes, holderPid, remarks } = verdict
  return [
    `journal      ${path}${holderPid === null ? "" : `, open in process ${holderPid}`}`,
    `verdict      ${isWhole ? "whole" : "DAMAGED"}`,
    ...problems.map((problem) => `problem      ${problem}`),
    ...remarks.map((remark) => `remark       ${remark}`),
    ...(tornBytes === 0
      ? []
      : [`torn         ${tornBytes} bytes of what a crash cut off; nobody was told of it`]),
    factsText(verdict),
  ].join("\n")
}

const factsText = ({ kind, format, bytes, rows, outbox, events, segments, runs }: JournalVerdict): string => {
  const mib = `${(bytes / 1024 / 1024).toFixed(1)} MiB`
  if (kind === "file") return `holds        format ${format} in a plain file, ${mib}`
  return [
    `holds        format ${format}, ${mib}: ${rows} rows, ${outbox} messages on their way`,
    `log          ${events.count} events (${events.first} to ${events.last}), ${runs} runs, replay from ${segments} places`,
  ].join("\n")
}
