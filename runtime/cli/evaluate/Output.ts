import { printDurationMs } from "../../../core/policies/Duration.ts"
import type { EvaluationRow, TraceEvaluation } from "../../../sim/Evaluation.ts"
import { formatCount, formatPercent, formatWorstHost } from "../../../sim/Figures.ts"
import { type Column, renderTable } from "../Table.ts"
import type { EvaluationRequest } from "./Request.ts"

/** One object per trace and policy; what `--json` prints. */
export const toJsonRows = (evaluations: ReadonlyArray<TraceEvaluation>): ReadonlyArray<object> =>
  evaluations.flatMap(({ rows, trace, samples, hostsLeftOut }) =>
    rows.map((row) => ({
      ...row,
      intervalMs: trace.intervalMs,
      samples,
      hostsLeftOut,
      skippedLines: trace.importReport.skippedLines,
    })),
  )

const columns: ReadonlyArray<Column> = [
  { title: "trace", align: "left" },
  { title: "policy", align: "left" },
  { title: "hosts", align: "right" },
  { title: "machine-steps", align: "right" },
  { title: "harvest %", align: "right" },
  { title: "of oracle %", align: "right" },
  { title: "violation %", align: "right" },
  { title: "depth pp", align: "right" },
  { title: "worst host", align: "left" },
]

/** The table and what is needed to read it. */
export const printEvaluations = (
  evaluations: ReadonlyArray<TraceEvaluation>,
  request: EvaluationRequest,
): string => {
  const rows = evaluations.flatMap((evaluation) => evaluation.rows.map(toCells))
  return `${[
    ...evaluations.filter(({ trace }) => trace.synthetic).map(() => describeSynthetic(request)),
    renderTable(columns, rows),
    "",
    ...describeDefinitions(evaluations[0]!),
    ...evaluations.flatMap(describeSkipped),
    ...(request.report === undefined ? [] : [`report: ${request.report}`]),
  ].join("\n")}\n`
}

const toCells = (row: EvaluationRow): ReadonlyArray<string> => [
  row.synthetic ? `${row.trace} (synthetic)` : row.trace,
  row.policy,
  formatCount(row.hosts),
  formatCount(row.machineSteps),
  formatPercent(row.harvestShare),
  formatPercent(row.oracleShare),
  formatPercent(row.violationRate, 2),
  formatPercent(row.meanDepth),
  formatWorstHost(row.worstHost, row.worstHostViolationRate),
]

const describeSynthetic = (request: EvaluationRequest): string =>
  `No --trace was given: this is the synthetic fleet (invented, seed ${request.seed}); it says nothing about real hosts.\n`

const describeDefinitions = ({ settings, rows }: TraceEvaluation): ReadonlyArray<string> => {
  const { horizonMs, mask, weights, yardstick } = rows[0]!
  const wanted =
    horizonMs === settings.horizonMs
      ? ""
      : ` (${printDurationMs(settings.horizonMs)} rounded up to whole intervals)`
  const preset = settings.preset === null ? "" : `preset ${settings.preset} · `
  const harvest = weights === "capacity" ? "hosts weighted by capacity" : "all hosts equal"
  return [
    `${preset}${settings.resource} · horizon ${printDurationMs(horizonMs)}${wanted} · harvest: ${harvest} · violation and depth: machine-steps equal · oracle: ${yardstick}`,
    `counted: ${mask}`,
  ]
}

const describeSkipped = ({ trace }: TraceEvaluation): ReadonlyArray<string> => {
  const { skippedLines, skippedExamples } = trace.importReport
  if (skippedLines === 0) return []
  return [
    `${trace.name}: ${formatCount(skippedLines)} bad ${skippedLines === 1 ? "line" : "lines"} skipped, a skipped line is a missing sample; first:`,
    ...skippedExamples.map((example) => `  ${example}`),
  ]
}
