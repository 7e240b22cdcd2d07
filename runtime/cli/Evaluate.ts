import { Command, HelpDoc, Options } from "@effect/cli"
import { Effect, Option } from "effect"
import { policyKinds } from "../../core/policies/Catalogue.ts"
import { printValue } from "../../core/policies/PolicySpec.ts"
import { CommandFailure } from "./CommandFailure.ts"
import { type EvaluationRequest, toRequest } from "./evaluate/Request.ts"
import { createProgress } from "./Progress.ts"

// Only the description lives here. Readers, evaluator and charts are loaded when the command really runs, so that
// `gleaner --help` stays quick.

export { spreadVariadicOptions } from "./evaluate/VariadicOptions.ts"

const options = {
  traces: Options.text("trace").pipe(
    Options.withPseudoName("PATH"),
    Options.withDescription(
      "Recordings: files, folders or globs of Bitbrains CSV or PlanetLab files, plain, .gz, .tar or .tar.gz; one trace per folder. May be repeated, or given several at once. Without it a synthetic fleet is used.",
    ),
    Options.repeated,
  ),
  policies: Options.text("policy").pipe(
    Options.withPseudoName("SPEC"),
    Options.withDescription(
      "Policies to compare, NAME[:parameter=value,…] as listed above. May be repeated, or given several at once. Without it all of them are compared.",
    ),
    Options.repeated,
  ),
  horizon: Options.text("horizon").pipe(
    Options.withPseudoName("DURATION"),
    Options.withDescription("How far ahead a reserve must hold, like 10m (the default) or 1h."),
    Options.optional,
  ),
  resource: Options.choice("resource", ["cpu", "mem"]).pipe(
    Options.withDescription("Which resource is judged; cpu by default."),
    Options.withDefault("cpu" as const),
  ),
  preset: Options.choice("preset", ["baselines"]).pipe(
    Options.withDescription(
      "Other definitions: baselines counts as the published baseline figures do (next 5 minutes, hosts equal, 10 of 12 samples known on both sides, oracle of one hour + 5 points).",
    ),
    Options.optional,
  ),
  badLines: Options.choice("bad-lines", ["fail", "skip"]).pipe(
    Options.withDescription(
      "What to do with a line that cannot be used: fail with its place (default), or skip, count and report it.",
    ),
    Options.withDefault("fail" as const),
  ),
  seed: Options.integer("seed").pipe(
    Options.withDescription("Seed of the synthetic fleet; 1 by default."),
    Options.optional,
  ),
  json: Options.boolean("json").pipe(
    Options.withDescription(
      "Prints the rows as a JSON array instead of a table; shares are fractions, 0 to 1.",
    ),
  ),
  report: Options.file("report").pipe(
    Options.withPseudoName("FILE.html"),
    Options.withDescription("Also writes a self-contained HTML report with charts."),
    Options.optional,
  ),
}

/** Policies with their defaults, from the catalogue. */
const policyLines = policyKinds.map((kind) => {
  const written = kind.parameters.map(
    (parameter) => `${parameter.name}=${printValue(parameter, parameter.initial)}`,
  )
  return `${kind.name}:${written.join(",")}  ${kind.meaning}`
})

const exampleLines = [
  "gleaner evaluate",
  "gleaner evaluate --trace recordings/2013-8 --report report.html",
  "gleaner evaluate --trace days/*.tar.gz --policy window-max:window=2h,margin=5% n-sigma:n=4 --horizon 1h",
  "gleaner evaluate --trace recordings/2013-8 --preset baselines --json",
]

const listOf = (lines: ReadonlyArray<string>): HelpDoc.HelpDoc => {
  const [first, ...rest] = lines.map((line) => HelpDoc.p(line))
  return HelpDoc.enumeration([first!, ...rest])
}

const description = HelpDoc.blocks([
  HelpDoc.p(
    "Replays recorded utilisation through reservation policies and says how much each would have lent, and how often it would have lent too much.",
  ),
  HelpDoc.p("Policies, with the value of each parameter when it is left out:"),
  listOf(policyLines),
  HelpDoc.p("Examples:"),
  listOf(exampleLines),
])

/** `gleaner evaluate`. Fails with {@link CommandFailure}; exit code 2 for wrong options and input. */
export const evaluateCommand = Command.make("evaluate", options, (given) =>
  Effect.gen(function* () {
    const request = toRequest({
      ...given,
      horizon: Option.getOrUndefined(given.horizon),
      preset: Option.getOrUndefined(given.preset),
      seed: Option.getOrUndefined(given.seed),
      report: Option.getOrUndefined(given.report),
    })
    if (request instanceof CommandFailure) return yield* request
    yield* writeOut(yield* runRequest(request))
  }),
).pipe(Command.withDescription(description))

const runRequest = (request: EvaluationRequest): Effect.Effect<string, CommandFailure> => {
  const progress = createProgress(process.stderr, () => performance.now())
  return Effect.tryPromise({
    try: async (signal) => {
      const { runEvaluation } = await import("./evaluate/RunEvaluation.ts")
      return runEvaluation(request, progress, signal)
    },
    catch: (error) => error,
  }).pipe(
    // What is not a failure of the input is a defect of ours, and keeps its stack.
    Effect.catchAll((error) => (error instanceof CommandFailure ? Effect.fail(error) : Effect.die(error))),
    Effect.ensuring(Effect.sync(progress.clear)),
  )
}

/** Waits until the text has left, however slowly a pipe is read; a reader that went away is no error of ours. */
const writeOut = (text: string): Effect.Effect<void> =>
  Effect.async((resume) => {
    const ignore = () => {}
    process.stdout.once("error", ignore)
    process.stdout.write(text, () => {
      process.stdout.removeListener("error", ignore)
      resume(Effect.void)
    })
  })
