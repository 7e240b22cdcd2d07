import type { Outcome, ReportTable } from "../Outcome.ts"
import { type Mode, modes } from "./Job.ts"
import type { AllocationLine } from "./Line.ts"

const left = "left" as const
const right = "right" as const

/** What each mode does, for tables and help. */
export const modeNotes: Readonly<Record<Mode, string>> = {
  full: "All hosts are free; one cycle offers every host; each offer is then handed back without a filter (table 1).",
  decline:
    "A part of each host is in use; every offer is refused for ever, until nobody is left to offer to (table 2).",
  quota:
    "Each role has a guarantee that is its limit too; a cycle that grants them, and one that can grant nothing (table 3).",
  incremental:
    "Cycles over what changed: an offer that came back, a host that grew, a declined offer, a framework that revives.",
  memory: "What the allocator's books weigh after garbage collection, per agent and per live filter.",
}

const digits = (value: number | null, count: number): string => (value === null ? "" : value.toFixed(count))
const grouped = (value: number | null): string =>
  value === null ? "" : Math.round(value).toLocaleString("en-US")
const milliseconds = (value: number | null): string =>
  value === null ? "" : value.toFixed(value < 1 ? 4 : value < 100 ? 2 : 1)
const times = (ratio: number | null): string =>
  ratio === null ? "" : `${ratio.toFixed(ratio < 10 ? 1 : 0)}×`
const mark = (goal: AllocationLine["goal"]): string =>
  goal === null ? "" : `${goal.text} ${goal.isReached ? "reached" : "MISSED"}`

const cycleColumns = [
  { title: "shape", align: left },
  { title: "hosts", align: left },
  { title: "settings", align: left },
  { title: "cycle", align: left },
  { title: "cycles", align: right },
  { title: "median ms", align: right },
  { title: "min ms", align: right },
  { title: "CPU ms", align: right },
  { title: "offers", align: right },
  { title: "offers/s", align: right },
  { title: "back ms/1000", align: right },
  { title: "RSS MB", align: right },
  { title: "Mesos ms", align: right },
  { title: "back ms/1000", align: right },
  { title: "RSS MB", align: right },
  { title: "ratio", align: right },
  { title: "best÷best", align: right },
  { title: "goal", align: left },
]

const cycleRow = (line: AllocationLine): ReadonlyArray<string> => [
  line.shape,
  line.variant,
  line.settings,
  line.phase,
  String(line.cycles),
  milliseconds(line.cycleMs?.median ?? null),
  milliseconds(line.cycleMs?.min ?? null),
  milliseconds(line.cycleCpuMs),
  grouped(line.offers),
  grouped(line.offersPerSecond),
  digits(line.giveBackMsPer1000, 3),
  digits(line.rssMb, 0),
  milliseconds(line.peer?.cycleMs ?? null),
  digits(line.peer?.giveBackMsPer1000 ?? null, 1),
  digits(line.peer?.rssMb ?? null, 0),
  times(line.ratio),
  times(line.bestRatio),
  mark(line.goal),
]

const memoryColumns = [
  { title: "shape", align: left },
  { title: "hosts", align: left },
  { title: "settings", align: left },
  { title: "what", align: left },
  { title: "bytes per agent", align: right },
  { title: "bytes per filter", align: right },
  { title: "Mesos: per filter", align: right },
  { title: "RSS MB", align: right },
  { title: "goal", align: left },
]

const memoryRow = (line: AllocationLine): ReadonlyArray<string> => [
  line.shape,
  line.variant,
  line.settings,
  line.phase,
  digits(line.bytesPerAgent, 0),
  digits(line.bytesPerFilter, 1),
  digits(line.peer?.bytesPerFilter ?? null, 0),
  digits(line.rssMb, 0),
  mark(line.goal),
]

const labelOf = ({ mode, shape, phase, variant, settings }: AllocationLine): string =>
  `${mode} ${shape}${phase === "cycle" ? "" : ` ${phase}`}, ${variant}${settings === "mesos" ? "" : `, ${settings} settings`}`

const tableOf = (mode: Mode, lines: ReadonlyArray<AllocationLine>): ReportTable => ({
  title: `allocation, ${mode}`,
  note: modeNotes[mode],
  columns: mode === "memory" ? memoryColumns : cycleColumns,
  rows: lines.map(mode === "memory" ? memoryRow : cycleRow),
  ratios: lines.flatMap((line) =>
    line.ratio === null ? [] : [{ label: labelOf(line), ratio: line.ratio, goal: 100 }],
  ),
})

export const outcomeOf = (
  lines: ReadonlyArray<AllocationLine>,
  environment: object,
  problems: ReadonlyArray<string>,
): Outcome => ({
  lines: lines.map((line) => ({ ...line, environment })),
  tables: modes.flatMap((mode) => {
    const own = lines.filter((line) => line.mode === mode)
    return own.length === 0 ? [] : [tableOf(mode, own)]
  }),
  times: lines.flatMap((line) =>
    line.cycleMs === null ? [] : [{ key: `allocation ${labelOf(line)}`, medianMs: line.cycleMs.median }],
  ),
  problems,
})
