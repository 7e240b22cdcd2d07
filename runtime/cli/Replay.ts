import { Command, Options } from "@effect/cli"
import { Console, Effect } from "effect"
import { CommandFailure } from "./CommandFailure.ts"
import {
  dataOption,
  fileArgument,
  jsonOption,
  readSeq,
  targetOf,
  withProgress,
} from "./journal/JournalTarget.ts"

// Only the description lives here: the core is loaded when the command really runs.

const options = {
  file: fileArgument,
  data: dataOption,
  set: Options.text("set").pipe(
    Options.withPseudoName("NAME=VALUE"),
    Options.withDescription(
      "What if this setting of the master had been another: an option of `gleaner master` (allocator.decline-backoff-max=off, weight=web=2) or one of the core's by its path, as JSON (allocator.refuseMsDefault=1000). May be repeated.",
    ),
    Options.repeated,
  ),
  from: Options.integer("from").pipe(
    Options.withDescription("Compare from this event on; what is before it is stepped through in silence"),
    Options.optional,
  ),
  to: Options.integer("to").pipe(Options.withDescription("The last event"), Options.optional),
  json: jsonOption("the result"),
}

const description = `Step today's core through a journal and compare what it does with what was done, event by event. Also while a master writes to it.
With --set, say what would have been offered instead: hosts, frameworks and tasks do what they did, and a framework answers the offer of the same host.
Examples: gleaner replay
gleaner replay /backup/journal.db --from 1200 --to 1300
gleaner replay --set allocator.decline-backoff-max=off --set offer-timeout=5s
gleaner replay --set profile=mesos --json
Exit codes: 0 all actions equal, 1 a difference or not possible now, 2 wrong usage or no journal`

export const replayCommand = Command.make("replay", options, (args) =>
  Effect.gen(function* () {
    const from = yield* readSeq("--from", args.from)
    const to = yield* readSeq("--to", args.to)
    const { report, text } = yield* withProgress(async (progress) => {
      const { runReplay } = await import("./replay/RunReplay.ts")
      const { replayText, whatIfText } = await import("./replay/ReplayText.ts")
      const found = runReplay({ path: targetOf(args), from, to, changes: args.set }, progress)
      const { whatIf, changes } = found
      const parts = [replayText(found), ...(whatIf === null ? [] : ["", whatIfText(whatIf, changes)])]
      return { report: found, text: parts.join("\n") }
    })
    yield* Console.log(args.json ? JSON.stringify(report) : text)
    if (!report.isEqual)
      return yield* new CommandFailure({
        message:
          report.replay.difference === null
            ? "today's core comes to another state than the record"
            : `today's core does not do what was done at event ${report.replay.difference.seq}`,
        exitCode: 1,
      })
  }),
).pipe(Command.withDescription(description))
