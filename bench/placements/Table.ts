import type { Environment } from "../Bench.ts"
import type { Outcome } from "../Outcome.ts"
import { goalPerSecond, type PlacementLine } from "./Line.ts"

const left = "left" as const
const right = "right" as const

const columns = [
  { title: "workload", align: left },
  { title: "hosts", align: left },
  { title: "rounds", align: right },
  { title: "placements", align: right },
  { title: "median ms", align: right },
  { title: "min ms", align: right },
  { title: "CPU ms", align: right },
  { title: "µs each", align: right },
  { title: "placements/s", align: right },
  { title: "RSS MB", align: right },
  { title: "kube-scheduler must/s", align: right },
  { title: "ratio", align: right },
  { title: "goal", align: left },
]

const note =
  "One request after the other, each decided and booked before the next, in the sizes of kube-scheduler's scheduler_perf on 5,000 hosts. " +
  "The two are not the same work: scheduler_perf measures the whole scheduler against an API server and names what its CI demands at least; " +
  "ours is the decision and the booking alone, without any I/O. " +
  "Every choice was verified: it fits, it observes the rule, and of the hosts that may have it it is the least used."

const grouped = (value: number): string => Math.round(value).toLocaleString("en-US")

const rowOf = (line: PlacementLine): ReadonlyArray<string> => [
  line.shape,
  line.mode,
  String(line.rounds),
  grouped(line.placements),
  line.cycleMs.median.toFixed(2),
  line.cycleMs.min.toFixed(2),
  line.cycleCpuMs.toFixed(2),
  line.microsPerPlacement.toFixed(2),
  grouped(line.placementsPerSecond),
  line.rssMb.toFixed(0),
  grouped(line.peer.placementsPerSecond),
  `${grouped(line.ratio)}×`,
  `${line.goal.text} ${line.goal.isReached ? "reached" : "MISSED"}`,
]

export const outcomeOf = (
  lines: ReadonlyArray<PlacementLine>,
  environment: Environment,
  problems: ReadonlyArray<string>,
): Outcome => ({
  lines: lines.map((line) => ({ ...line, environment })),
  tables:
    lines.length === 0
      ? []
      : [
          {
            title: "placements",
            note,
            columns,
            rows: lines.map(rowOf),
            ratios: lines.map(({ shape, mode, ratio, peer }) => ({
              label: `${shape}, ${mode}`,
              ratio,
              goal: goalPerSecond / peer.placementsPerSecond,
            })),
          },
        ],
  times: lines.map(({ shape, mode, cycleMs }) => ({
    key: `placements ${shape}, ${mode}`,
    medianMs: cycleMs.median,
  })),
  problems,
})
