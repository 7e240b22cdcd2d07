import { LineChart, ScatterChart } from "echarts/charts"
import { GridComponent } from "echarts/components"
import { init, use } from "echarts/core"
import { SVGRenderer } from "echarts/renderers"
import { printPolicySpec } from "../../core/policies/PolicySpec.ts"
import type { TraceEvaluation } from "../Evaluation.ts"
import type { HostReserve, TellingHost } from "./TellingHost.ts"

// Drawn by ECharts on the server side as plain SVG: the report needs neither script nor network. This file is the only
// one that imports ECharts, piece by piece, and is itself imported only when a report is asked for.

use([LineChart, ScatterChart, GridComponent, SVGRenderer])

const fontFamily = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"
const ink = "#1f2937"
const faint = "#6b7280"
const rule = "#e5e7eb"
const usageColor = "#94a3b8"
const violationColor = "#dc2626"

type Option = Parameters<ReturnType<typeof init>["setOption"]>[0]

/**
 * `id` must be unique in the document: ECharts numbers its clip paths and classes per process, so that the same report drawn
 * twice would differ.
 */
const draw = (id: string, width: number, height: number, option: Option): string => {
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height })
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily, color: ink }, ...option })
    return chart
      .renderToSVGString()
      .replace(/zr\d+-(?:cls-\d+|(c\d+))/g, (_, clip?: string) => `${id}-${clip ?? "cls"}`)
  } finally {
    chart.dispose()
  }
}

const axisText = { color: faint, fontSize: 11 }

const valueAxis = (name: string, nameGap: number) => ({
  type: "value" as const,
  name,
  nameLocation: "middle" as const,
  nameGap,
  nameTextStyle: { color: ink, fontSize: 12 },
  axisLabel: axisText,
  axisLine: { show: true, lineStyle: { color: faint } },
  axisTick: { show: true, lineStyle: { color: faint } },
  splitLine: { lineStyle: { color: rule } },
})

/** Harvest against violation: one point per policy, the better the further up and left. */
export const drawHarvestAgainstViolation = (
  id: string,
  evaluation: TraceEvaluation,
  colors: ReadonlyArray<string>,
): string => {
  const most = Math.max(...evaluation.rows.map((row) => row.violationRate * 100))
  const harvests = evaluation.rows.map((row) => (row.harvestShare ?? 0) * 100)
  // Positions carry the meaning in a scatter, not lengths: the axis may begin where the points do.
  const least = Math.max(0, Math.floor((Math.min(...harvests) - 5) / 10) * 10)
  return draw(id, 560, 360, {
    grid: { left: 62, right: 24, top: 18, bottom: 52 },
    xAxis: { ...valueAxis("violation, % of machine-steps", 32), min: 0, max: niceMaximum(most) },
    yAxis: {
      ...valueAxis("harvest, % of capacity", 42),
      min: least,
      max: 100,
      interval: least < 40 ? 20 : 10,
    },
    series: evaluation.rows.map((row, index) => ({
      type: "scatter" as const,
      symbol: row.oracle ? "diamond" : "circle",
      symbolSize: row.oracle ? 16 : 13,
      itemStyle: { color: colors[index]!, borderColor: "#ffffff", borderWidth: 1.5, opacity: 0.95 },
      data: [[row.violationRate * 100, harvests[index]!]],
      // Half of a point on the axis would be cut off otherwise.
      clip: false,
      silent: true,
    })),
  })
}

/** A round number a little above, so that no point touches the edge. */
const niceMaximum = (most: number): number => {
  for (const candidate of [0.1, 0.2, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 40, 50, 60, 80]) {
    if (most <= candidate * 0.95) return candidate
  }
  return 100
}

/** One host under one policy: usage as an area, the reserve as a step line, violations as dots. */
export const drawHost = (
  id: string,
  host: TellingHost,
  policy: HostReserve,
  color: string,
  axis: { readonly intervalMs: number; readonly withLabels: boolean },
): string => {
  const timeOf = (index: number) =>
    host.segment.startMs + (host.firstStep - host.segment.firstStep + index) * axis.intervalMs
  const points = (values: ReadonlyArray<number>) =>
    values.map((value, index) => [timeOf(index), Number.isNaN(value) ? null : round(value * 100)])
  const dots = policy.isExceeded.flatMap((isExceeded, index) =>
    isExceeded ? [[timeOf(index), round(host.usage[index]! * 100)]] : [],
  )
  return draw(id, 1140, axis.withLabels ? 178 : 150, {
    useUTC: true,
    grid: { left: 46, right: 14, top: 10, bottom: axis.withLabels ? 38 : 10 },
    xAxis: {
      type: "time",
      min: timeOf(0),
      max: timeOf(host.usage.length - 1),
      axisLabel: { ...axisText, show: axis.withLabels, hideOverlap: true, formatter: clockLabels },
      axisLine: { lineStyle: { color: faint } },
      axisTick: { show: axis.withLabels },
      splitLine: { show: true, lineStyle: { color: rule } },
    },
    yAxis: {
      type: "value",
      min: 0,
      max: 100,
      interval: 50,
      axisLabel: { ...axisText, formatter: "{value} %" },
      splitLine: { lineStyle: { color: rule } },
    },
    series: [
      {
        type: "line",
        data: points(host.usage),
        showSymbol: false,
        lineStyle: { color: usageColor, width: 1 },
        areaStyle: { color: usageColor, opacity: 0.45 },
        silent: true,
      },
      {
        type: "line",
        step: "middle",
        data: points(policy.reserve),
        showSymbol: false,
        lineStyle: { color, width: 1.6 },
        silent: true,
      },
      {
        type: "scatter",
        data: dots,
        symbolSize: 6,
        itemStyle: { color: violationColor, borderColor: "#ffffff", borderWidth: 0.8 },
        clip: false,
        silent: true,
      },
    ],
  })
}

const clockLabels = {
  year: "{MMM} {d}",
  month: "{MMM} {d}",
  day: "{MMM} {d}",
  hour: "{HH}:{mm}",
  minute: "{HH}:{mm}",
}

const round = (percent: number): number => Math.round(percent * 100) / 100

/** Colours that stay apart for people who confuse red and green; red itself is kept for violations. */
const palette = [
  "#64748b",
  "#2563eb",
  "#d97706",
  "#0d9488",
  "#7c3aed",
  "#be185d",
  "#65a30d",
  "#0891b2",
  "#92400e",
  "#334155",
]

/** A colour for each policy of the report, the same in every chart. */
export const colorsOf = (evaluations: ReadonlyArray<TraceEvaluation>): ReadonlyMap<string, string> => {
  const policies = [...new Set(evaluations.flatMap((evaluation) => evaluation.policies.map(printPolicySpec)))]
  return new Map(policies.map((policy, index) => [policy, palette[index % palette.length]!]))
}
