import { environment } from "./Bench.ts"
import type { Outcome } from "./Outcome.ts"
import { measureRestart, type RestartFigure } from "./restart/Restart.ts"

export interface RestartWishes {
  /** Null = {@link usual}. */
  readonly agents: number | null
  readonly tasks: number | null
  /** How often a master is started; null = {@link defaultRuns}. */
  readonly rounds: number | null
}

const defaultRuns = 3

/** The size of which design and issue speak. */
const usual = { agents: 10_000, tasks: 100_000 }
const goalMs = 10_000

const medianOf = (values: ReadonlyArray<number>): number =>
  values.slice().sort((one, other) => one - other)[Math.floor(values.length / 2)]!

export const runRestart = async (wishes: RestartWishes, say: (text: string) => void): Promise<Outcome> => {
  const size = { agents: wishes.agents ?? usual.agents, tasks: wishes.tasks ?? usual.tasks }
  const figure = await measureRestart(size, wishes.rounds ?? defaultRuns, say)
  return restartOutcome(figure)
}

export const restartOutcome = (figure: RestartFigure): Outcome => {
  const medianMs = medianOf(figure.readyMs)
  const seconds = (ms: number) => (ms / 1_000).toFixed(2)
  const { agents, tasks, events, rows, journalBytes, openMs, checkMs, readMs, restoreMs, readyMs } = figure
  const left = (title: string) => ({ title, align: "left" as const })
  const right = (title: string) => ({ title, align: "right" as const })
  return {
    lines: [{ suite: "restart", ...figure, medianMs, goalMs, environment: environment() }],
    tables: [
      {
        title: "restart",
        note: `gleaner master from its start to its first answer, on the journal of ${agents} agents and ${tasks} tasks (${rows} rows, ${events} events, ${Math.round(journalBytes / 1024 / 1024)} MiB); goal ${seconds(goalMs)} s. The file is in the page cache. Below: the parts, once, in one process.`,
        columns: [left("what"), right("seconds")],
        rows: [
          [`ready, median of ${readyMs.length}`, seconds(medianMs)],
          [
            "ready, fastest and slowest",
            `${seconds(Math.min(...readyMs))} – ${seconds(Math.max(...readyMs))}`,
          ],
          ["  open, with its check", seconds(openMs)],
          ["    its check", seconds(checkMs)],
          ["  read rows and outbox", seconds(readMs)],
          ["  restore the machine", seconds(restoreMs)],
        ],
        ratios: [],
      },
    ],
    times: [{ key: `restart ${agents}x${tasks}`, medianMs }],
    problems: [],
  }
}
