import { printDurationMs } from "../../core/policies/Duration.ts"
import { printPolicySpec } from "../../core/policies/PolicySpec.ts"
import type { TraceEvaluation } from "../Evaluation.ts"
import { formatCount } from "../Figures.ts"
import {
  chipOf,
  escapeHtml,
  renderDefinitions,
  renderImports,
  renderLegend,
  renderSummary,
  renderTraces,
} from "./Sections.ts"
import { style } from "./Style.ts"
import { findTellingHost } from "./TellingHost.ts"

type Charts = typeof import("./Charts.ts")

/**
 * An evaluation as one HTML file that needs nothing else: no script, no font, no network. The same evaluation gives the
 * same file. Takes at least one evaluation; all of them have the same settings.
 */
export const renderReport = async (evaluations: ReadonlyArray<TraceEvaluation>): Promise<string> => {
  const charts = await import("./Charts.ts")
  const colors = charts.colorsOf(evaluations)
  const first = evaluations[0]!
  const synthetic = evaluations.some(({ trace }) => trace.synthetic)
  const resource = first.settings.resource === "cpu" ? "CPU" : "Memory"
  const names = evaluations.map(({ trace }) => trace.name).join(", ")
  const preset = first.settings.preset === null ? "" : `, definitions of the preset ${first.settings.preset}`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>gleaner: ${escapeHtml(names)}</title><style>${style}</style></head><body><main>
<header><h1>How much can be lent, and how often is it too much?</h1>
<p class="lead">${resource} of ${escapeHtml(names)}; reserves must hold for ${printDurationMs(first.rows[0]!.horizonMs)}${preset}.</p></header>
${synthetic ? syntheticNotice : ""}
${renderTraces(evaluations)}
${renderSummary(evaluations, colors)}
<section><h2>Harvest against violation</h2>
<p class="note">Up is more harvest, left is fewer violations. A diamond knows the future.</p>
${renderLegend(evaluations, colors)}
<div class="panels">${evaluations.map((evaluation, index) => renderScatter(charts, `scatter${index}`, evaluation, colors)).join("")}</div></section>
${evaluations.map((evaluation, index) => renderHost(charts, `host${index}`, evaluation, colors)).join("")}
${renderImports(evaluations)}
${renderDefinitions(first)}
</main></body></html>
`
}

const syntheticNotice = `<div class="synthetic"><b>Synthetic data.</b> This fleet was invented by a seeded generator.
It shows how the figures are made; it says nothing about any real fleet.</div>`

const renderScatter = (
  charts: Charts,
  id: string,
  evaluation: TraceEvaluation,
  colors: ReadonlyMap<string, string>,
): string => {
  const own = evaluation.policies.map((spec) => colors.get(printPolicySpec(spec))!)
  const { trace } = evaluation
  return `<div class="panel"><h3>${escapeHtml(trace.name)}${trace.synthetic ? ' <span class="tag">synthetic</span>' : ""}</h3>
${charts.drawHarvestAgainstViolation(id, evaluation, own)}</div>`
}

/** One telling host under every policy, one panel each, on a common time axis. */
const renderHost = (
  charts: Charts,
  id: string,
  evaluation: TraceEvaluation,
  colors: ReadonlyMap<string, string>,
): string => {
  const { trace, rows } = evaluation
  const host = findTellingHost(evaluation)
  const panels = host.policies.map((policy, index) => {
    const axis = { intervalMs: trace.intervalMs, withLabels: index === host.policies.length - 1 }
    return `<div class="policy"><span>${chipOf(policy.policy, rows[index]!.oracle, colors)}<code>${escapeHtml(policy.policy)}</code></span>
<span class="note">violated at ${formatCount(policy.violationsShown)} of these steps, at ${formatCount(policy.violations)} in the whole trace</span></div>
${charts.drawHost(`${id}-${index}`, host, policy, colors.get(policy.policy)!, axis)}`
  })
  const clock = host.segment.startMs === 0 ? "from the start of the recording" : "UTC"
  return `<section><h2>One host in detail: ${escapeHtml(host.name)}</h2>
<p class="note">On ${escapeHtml(trace.name)}, ${escapeHtml(host.reason)}. Shown is the stretch of
${printDurationMs(host.usage.length * trace.intervalMs)} ${
    host.reason.startsWith("the busiest") ? "with most usage" : "with most of these violations"
  }; time in ${clock}.</p>
<div class="legend"><span><i class="chip area"></i>usage, % of capacity</span><span><i class="chip line"></i>reserve in force, decided one step before</span>
<span><i class="chip dot"></i>usage above a reserve that should have held</span></div>
${panels.join("\n")}</section>`
}
