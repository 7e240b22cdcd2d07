import { printDurationMs } from "../../core/policies/Duration.ts"
import { printPolicySpec } from "../../core/policies/PolicySpec.ts"
import type { ImportReport, Trace } from "../../traces/Trace.ts"
import { describeMask, type EvaluationRow, type TraceEvaluation } from "../Evaluation.ts"
import { formatCount, formatPercent, formatWorstHost } from "../Figures.ts"

/** Text from outside (file names, host names) must not become markup. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)

type Colors = ReadonlyMap<string, string>

export const chipOf = (policy: string, isOracle: boolean, colors: Colors): string =>
  `<i class="chip${isOracle ? " oracle" : ""}" style="background:${colors.get(policy)}"></i>`

const nameOf = (trace: Trace): string =>
  `${escapeHtml(trace.name)}${trace.synthetic ? ' <span class="tag">synthetic</span>' : ""}`

const headOf = (titles: ReadonlyArray<readonly [title: string, isNumber: boolean]>): string =>
  `<thead><tr>${titles
    .map(([title, isNumber]) => `<th${isNumber ? ' class="number"' : ""}>${title}</th>`)
    .join("")}</tr></thead>`

const numberCell = (text: string): string => `<td class="number">${text}</td>`

/** What was evaluated: one line per trace. */
export const renderTraces = (evaluations: ReadonlyArray<TraceEvaluation>): string => `<section>
<h2>What was evaluated</h2>
<div class="scroll"><table>${headOf([
  ["trace", false],
  ["source", false],
  ["hosts", true],
  ["left out", true],
  ["interval", true],
  ["span", false],
  ["known samples", true],
  ["machine-steps", true],
])}<tbody>${evaluations.map(renderTrace).join("")}</tbody></table></div>
</section>`

const renderTrace = ({ trace, rows, samples, hostsLeftOut }: TraceEvaluation): string => `<tr>
<td class="name">${nameOf(trace)}</td>
<td>${escapeHtml(trace.provenance)}</td>
${numberCell(formatCount(rows[0]!.hosts))}${numberCell(formatCount(hostsLeftOut))}
${numberCell(printDurationMs(trace.intervalMs))}
<td class="name">${escapeHtml(describeSpan(trace))}</td>
${numberCell(formatCount(samples))}${numberCell(formatCount(rows[0]!.machineSteps))}</tr>`

const isoDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

const describeSpan = (trace: Trace): string => {
  const first = trace.segments[0]!
  const last = trace.segments[trace.segments.length - 1]!
  const length = printDurationMs(trace.steps * trace.intervalMs)
  if (first.startMs === 0) return `${length}, date unknown`
  const end = isoDay(last.startMs + last.steps * trace.intervalMs - 1)
  if (trace.segments.length === 1) return `${length}, ${isoDay(first.startMs)} to ${end}`
  return `${trace.segments.length} days, ${isoDay(first.startMs)} to ${end}`
}

/** The table that the command line prints too. */
export const renderSummary = (
  evaluations: ReadonlyArray<TraceEvaluation>,
  colors: Colors,
): string => `<section>
<h2>Result</h2>
<p class="note">Read harvest together with violation, depth and worst host, never alone. Figures in percent; depth in points of capacity.</p>
<div class="scroll"><table>${headOf([
  ["trace", false],
  ["policy", false],
  ["harvest&nbsp;%", true],
  ["of oracle&nbsp;%", true],
  ["violation&nbsp;%", true],
  ["mean depth&nbsp;pp", true],
  ["p95 host&nbsp;%", true],
  ["worst host", false],
])}<tbody>${evaluations
  .flatMap((evaluation) => evaluation.rows.map((row, index) => renderRow(evaluation, row, index, colors)))
  .join("")}</tbody></table></div>
</section>`

const renderRow = (
  { trace }: TraceEvaluation,
  row: EvaluationRow,
  index: number,
  colors: Colors,
): string => `<tr${
  index === 0 ? ' class="first"' : ""
}><td class="name">${index === 0 ? nameOf(trace) : ""}</td>
<td class="name">${chipOf(row.policy, row.oracle, colors)}<code>${escapeHtml(row.policy)}</code></td>
${numberCell(formatPercent(row.harvestShare))}${numberCell(formatPercent(row.oracleShare))}
${numberCell(formatPercent(row.violationRate, 2))}${numberCell(formatPercent(row.meanDepth))}
${numberCell(formatPercent(row.p95HostViolationRate, 2))}
<td class="wrap">${escapeHtml(formatWorstHost(row.worstHost, row.worstHostViolationRate))}</td></tr>`

/** Colour and symbol of every policy; stands once above all panels, so that it can never lie on a point. */
export const renderLegend = (evaluations: ReadonlyArray<TraceEvaluation>, colors: Colors): string => {
  const oracles = new Set(
    evaluations.flatMap(({ rows }) => rows.filter((row) => row.oracle).map((row) => row.policy)),
  )
  const entries = [...colors.keys()].map(
    (policy) =>
      `<span>${chipOf(policy, oracles.has(policy), colors)}<code>${escapeHtml(policy)}</code></span>`,
  )
  return `<div class="legend">${entries.join("")}</div>`
}

const counters: ReadonlyArray<readonly [title: string, key: keyof ImportReport]> = [
  ["files", "files"],
  ["lines", "lines"],
  ["samples", "samples"],
  ["repeated rows", "repeatedRows"],
  ["averaged", "averagedSamples"],
  ["above 100&nbsp;%", "clippedSamples"],
  ["no capacity", "zeroCapacitySamples"],
  ["hosts resized", "hostsWithChangedCapacity"],
  ["lines skipped", "skippedLines"],
]

/** What was met while reading; a synthetic fleet was not read. */
export const renderImports = (evaluations: ReadonlyArray<TraceEvaluation>): string => {
  const read = evaluations.filter(({ trace }) => !trace.synthetic)
  if (read.length === 0) return ""
  const skipped = read.flatMap(({ trace }) => trace.importReport.skippedExamples)
  return `<section>
<h2>Import report</h2>
<p class="note">Averaged: samples beyond the first in one slot; a slot holds the mean of its samples, clipped to 100&nbsp;%.
No capacity: samples of a host that was switched off, counted as no usage. Resized: a host's capacity changed within the
recording; shares are of the capacity at that time, its weight is the capacity that held longest.</p>
<div class="scroll"><table>${headOf([["trace", false], ...counters.map(([title]) => [title, true] as const)])}<tbody>${read
    .map(
      ({ trace }) =>
        `<tr><td class="name">${nameOf(trace)}</td>${counters
          .map(([, key]) => numberCell(formatCount(Number(trace.importReport[key]))))
          .join("")}</tr>`,
    )
    .join("")}</tbody></table></div>
${
  skipped.length === 0
    ? ""
    : `<p class="note">Skipped because <code>--bad-lines=skip</code> was given; the first ones:</p>
<ul>${skipped.map((line) => `<li class="wrap"><code>${escapeHtml(line)}</code></li>`).join("")}</ul>`
}</section>`
}

/** Every word of the tables, defined. */
export const renderDefinitions = ({ settings, rows }: TraceEvaluation): string => {
  const isOwn = settings.weights === "capacity"
  const entries: ReadonlyArray<readonly [string, string]> = [
    ["reserve", "what the policy keeps for the host's own work until the horizon; all the rest is lent"],
    [
      "harvest",
      isOwn
        ? "Σ(C − R) / ΣC: the share of all capacity that was lent, each host weighted by its capacity"
        : "mean of 1 − R over all machine-steps: every host weighs the same",
    ],
    [
      "of oracle",
      `harvest as a share of what ${printPolicySpec(settings.yardstick)} harvests on the same machine-steps; the oracle knows the future`,
    ],
    [
      "violation",
      `share of machine-steps, all equal, whose highest usage within the next ${printDurationMs(rows[0]!.horizonMs)} exceeded the reserve (by more than 10⁻⁶)`,
    ],
    [
      "mean depth",
      "how far usage exceeded the reserve on average when it did, in points of the host's capacity",
    ],
    ["p95 host", "violation rate of the host at the 95th percentile of hosts"],
    ["worst host", "the host with the highest violation rate"],
    ["machine-step", `one host × one interval. Counted are: ${describeMask(settings)}`],
  ]
  return `<section><h2>Definitions</h2><dl>${entries
    .map(([term, meaning]) => `<dt>${term}</dt><dd>${escapeHtml(meaning)}</dd>`)
    .join("")}</dl>${
    settings.preset === null
      ? ""
      : '<p class="note" style="margin-top:12px">These are the definitions of the preset <code>baselines</code>.</p>'
  }</section>`
}
