import { mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { escapeHtml } from "../sim/report/Sections.ts"
import { style } from "../sim/report/Style.ts"
import type { Environment } from "./Bench.ts"
import type { MedianTime, Outcome, Ratio, ReportTable } from "./Outcome.ts"

/** `report.json`: all figures of a run, and what the next run on the same machine is compared with. */
export interface RecordedRun {
  readonly environment: Environment
  readonly times: ReadonlyArray<MedianTime>
  readonly lines: ReadonlyArray<object>
  readonly problems: ReadonlyArray<string>
}

/** Writes `report.html` and `report.json` into the folder; compares with the `report.json` that is there if it is of the same kind of machine.
 * Returns the path of the page. */
export const writeReport = async (
  folder: string,
  environment: Environment,
  outcomes: ReadonlyArray<Outcome>,
): Promise<string> => {
  await mkdir(folder, { recursive: true })
  const jsonPath = join(folder, "report.json")
  const last = await readRecordedRun(jsonPath)
  const run: RecordedRun = {
    environment,
    times: outcomes.flatMap(({ times }) => times),
    lines: outcomes.flatMap(({ lines }) => lines),
    problems: outcomes.flatMap(({ problems }) => problems),
  }
  const htmlPath = join(folder, "report.html")
  await writeFile(htmlPath, renderPage(run, outcomes, last))
  await writeFile(`${jsonPath}.new`, `${JSON.stringify(run, null, 1)}\n`)
  await rename(`${jsonPath}.new`, jsonPath)
  return htmlPath
}

/** Null when there is none, or nothing that can be read as one. */
const readRecordedRun = async (path: string): Promise<RecordedRun | null> => {
  try {
    const run = JSON.parse(await readFile(path, "utf8")) as Partial<RecordedRun>
    return Array.isArray(run.times) && run.environment !== undefined ? (run as RecordedRun) : null
  } catch {
    return null
  }
}

/** One page that needs nothing else: no script, no font, no network. */
export const renderPage = (
  run: RecordedRun,
  outcomes: ReadonlyArray<Outcome>,
  last: RecordedRun | null,
): string => {
  const { node, cores, cpu, platform, load } = run.environment
  const tables = outcomes.flatMap((outcome) => outcome.tables)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>gleaner: figures</title><style>${style}${barStyle}</style></head><body><main>
<header><h1>How fast is gleaner?</h1>
<p class="lead">Node ${escapeHtml(node)} on ${cores} × ${escapeHtml(cpu)}, ${escapeHtml(platform)}; load ${load.toFixed(2)} at the start.
Every result was verified before its time was believed.</p></header>
${renderProblems(run.problems)}
${tables.map(renderSection).join("\n")}
${renderChanges(run, last)}
</main></body></html>
`
}

const barStyle = `
main { max-width: 1560px; }
.bars { display: grid; grid-template-columns: max-content 1fr; gap: 3px 14px; font-size: 12.5px; margin-top: 16px; align-items: center; }
.track { position: relative; height: 15px; background: var(--wash); }
.bar { position: absolute; inset: 0 auto 0 0; background: #d97706; }
.bar.reached { background: #15803d; }
.goal { position: absolute; top: -2px; bottom: -2px; width: 2px; background: #1f2937; }
.track span { position: absolute; top: -1px; font-size: 11.5px; padding-left: 5px; white-space: nowrap; }
td, th { white-space: nowrap; padding-left: 5px; padding-right: 5px; }
.scroll table { font-size: 12.5px; }
.wrong { background: #fef2f2; border-color: #dc2626; }
`

const renderProblems = (problems: ReadonlyArray<string>): string =>
  problems.length === 0
    ? ""
    : `<section class="wrong"><h2>Wrong results</h2><ul>${problems
        .map((problem) => `<li><code>${escapeHtml(problem)}</code></li>`)
        .join("")}</ul></section>`

const renderSection = ({ title, note, columns, rows, ratios }: ReportTable): string => {
  const cell = (tag: "td" | "th", text: string, column: number) =>
    `<${tag}${columns[column]!.align === "right" ? ' class="number"' : ""}>${escapeHtml(text)}</${tag}>`
  return `<section><h2>${escapeHtml(title)}</h2><p class="note">${escapeHtml(note)}</p>
<div class="scroll"><table><thead><tr>${columns.map((column, at) => cell("th", column.title, at)).join("")}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row.map((text, at) => cell("td", text, at)).join("")}</tr>`).join("\n")}</tbody></table></div>
${ratios.length === 0 ? "" : renderBars(ratios)}</section>`
}

/** Bars on a logarithmic scale from 1 to the next power of ten above the largest; the line is the goal. */
const renderBars = (ratios: ReadonlyArray<Ratio>): string => {
  const largest = Math.max(...ratios.map(({ ratio, goal }) => Math.max(ratio, goal)))
  const decades = Math.ceil(Math.log10(largest) + 0.15)
  const place = (ratio: number) => (100 * Math.log10(Math.max(1, ratio))) / decades
  const bars = ratios.map(({ label, ratio, goal }) => {
    const width = place(ratio).toFixed(2)
    return `<div>${escapeHtml(label)}</div><div class="track"><div class="bar${ratio >= goal ? " reached" : ""}" style="width:${width}%"></div>
<div class="goal" style="left:${place(goal).toFixed(2)}%"></div><span style="left:${width}%">${ratio.toFixed(ratio < 10 ? 1 : 0)}×</span></div>`
  })
  return `<h3 style="margin-top:18px">Times faster than recorded, logarithmic; the line is the goal</h3><div class="bars">${bars.join("\n")}</div>`
}

/** Differences that are more than the swing of a shared machine are worth a look; all are shown. */
const renderChanges = (run: RecordedRun, last: RecordedRun | null): string => {
  const title = "<h2>Beside the last run in this folder</h2>"
  if (last === null) return `<section>${title}<p class="note">There was none.</p></section>`
  const kindOf = ({ node, cpu, cores, platform }: Environment) => JSON.stringify([node, cpu, cores, platform])
  if (kindOf(run.environment) !== kindOf(last.environment))
    return `<section>${title}<p class="note">It was taken on another kind of machine or with another Node: no comparison.</p></section>`
  const before = new Map(last.times.map(({ key, medianMs }) => [key, medianMs]))
  const rows = run.times.flatMap(({ key, medianMs }) => {
    const lastMs = before.get(key)
    if (lastMs === undefined) return []
    const change = 100 * (medianMs / lastMs - 1)
    return [
      `<tr><td>${escapeHtml(key)}</td><td class="number">${shownMs(lastMs)}</td><td class="number">${shownMs(medianMs)}</td>
<td class="number">${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(0)} %</td></tr>`,
    ]
  })
  return `<section>${title}<p class="note">Medians. Load then ${last.environment.load.toFixed(2)}, now ${run.environment.load.toFixed(2)}; the machine's clock alone swings by a factor of 2.</p>
<div class="scroll"><table><thead><tr><th>what</th><th class="number">then ms</th><th class="number">now ms</th><th class="number">change</th></tr></thead>
<tbody>${rows.join("\n")}</tbody></table></div></section>`
}

const shownMs = (ms: number): string => ms.toFixed(ms < 1 ? 4 : 2)
