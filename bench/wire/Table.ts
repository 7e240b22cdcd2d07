import type { Environment } from "../Bench.ts"
import type { Outcome } from "../Outcome.ts"
import type { WireFigure, WireJob, WireMode, WireResult } from "./Job.ts"

const left = "left" as const
const right = "right" as const

const columns = [
  { title: "mode", align: left },
  { title: "figure", align: left },
  { title: "median", align: right },
  { title: "min", align: right },
  { title: "max", align: right },
  { title: "unit", align: left },
  { title: "goal", align: left },
]

export const wireModeNotes: { readonly [Mode in WireMode]: string } = {
  launches:
    "ACCEPT, TASK_RUNNING acknowledged, TASK_FINISHED acknowledged: as many as go, then latencies at 70 % of that rate",
  agents: "agents that only send heartbeats: the master's memory and idle CPU",
  frameworks: "subscribed frameworks that hold their offers",
  state: "reading /state of a large cluster, and of one with 3.2 MB, with and without gzip and ETag",
}

const peer =
  "Apache Mesos 1.12 on such a machine, without durability: 150 to 350 launches/s (one agent, an executor that does nothing), " +
  "8 answers/s of a /state of 3.2 MB to one connection, 28/s to eight."

const note =
  "A real master in a process of its own, authenticated, every transaction synchronised to disk; its agents and frameworks are played by " +
  `one other process on the same cores, over loopback, with pipelined calls. ${peer}`

const shown = (value: number): string =>
  value >= 1_000 ? Math.round(value).toLocaleString("en-US") : value.toFixed(value >= 100 ? 0 : 2)

const rowOf = (mode: WireMode, figure: WireFigure): ReadonlyArray<string> => [
  mode,
  figure.name,
  shown(figure.median),
  shown(figure.min),
  shown(figure.max),
  figure.unit,
  figure.goal === null ? "" : `${figure.goal.text} ${figure.goal.isReached ? "reached" : "MISSED"}`,
]

/** Of a Mesos that was measured with the same kind of client on the same kind of machine, at its best. */
const mesosLaunchesPerSecond = 352
const goalRatio = 5

export const outcomeOf = (
  results: ReadonlyArray<{ readonly job: WireJob; readonly result: WireResult }>,
  environment: Environment,
  problems: ReadonlyArray<string>,
): Outcome => ({
  lines: results.map(({ job, result }) => ({
    suite: "wire",
    ...job,
    launchesPerSecond: result.figures.find(({ name }) => name === "launchesPerSecond")?.median ?? null,
    ...result,
    environment,
  })),
  tables:
    results.length === 0
      ? []
      : [
          {
            title: "wire",
            note: `${note} ${results.map(({ job, result }) => `${job.mode}: ${result.verified}.`).join(" ")}`,
            columns,
            rows: results.flatMap(({ job, result }) =>
              result.figures.map((figure) => rowOf(job.mode, figure)),
            ),
            ratios: results.flatMap(({ result }) =>
              result.figures
                .filter(({ name }) => name === "launchesPerSecond")
                .map(({ median }) => ({
                  label: "launches, Apache Mesos at its best",
                  ratio: median / mesosLaunchesPerSecond,
                  goal: goalRatio,
                })),
            ),
          },
        ],
  times: results.flatMap(({ job, result }) =>
    result.figures
      .filter(({ unit }) => unit === "ms" || unit === "/s")
      .map(({ name, unit, median }) => ({
        // Rates as the time of one, so that less is better everywhere; latencies name the rate, which differs each time.
        key: `wire ${job.mode}: ${name.replace(/ at [\d,]+\/s$/, "")}`,
        medianMs: unit === "ms" ? median : 1_000 / median,
      })),
  ),
  problems,
})
