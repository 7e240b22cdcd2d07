import { LineChart } from "echarts/charts"
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components"
import { init, use } from "echarts/core"
import { SVGRenderer } from "echarts/renderers"

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer])

/** One second of a run; cpus, null where it was not known. */
export interface RunSample {
  readonly second: number
  readonly business: number
  readonly capacity: number | null
  readonly primary: number | null
  readonly reserve: number | null
  readonly ceiling: number | null
  readonly harvest: number | null
  readonly lendable: number | null
  readonly tasks: number | null
}

const columns: ReadonlyArray<keyof RunSample> = [
  ...(["second", "business", "capacity", "primary", "reserve"] as const),
  ...(["ceiling", "harvest", "lendable", "tasks"] as const),
]

export const samplesToCsv = (samples: ReadonlyArray<RunSample>): string => {
  const rows = samples.map((sample) => columns.map((name) => sample[name] ?? "").join(","))
  return [columns.join(","), ...rows, ""].join("\n")
}

/** Blue and orange stay apart for those who confuse red and green. */
const lines = [
  { name: "primary", key: "primary", color: "#94a3b8", area: true },
  { name: "harvest", key: "harvest", color: "#0d9488", area: true },
  { name: "reserve for the primary", key: "reserve", color: "#d97706", area: false },
  { name: "ceiling of the harvest", key: "ceiling", color: "#2563eb", area: false },
] as const

const faint = "#6b7280"

/** The whole run as one SVG that needs nothing else. */
export const drawRun = (samples: ReadonlyArray<RunSample>): string => {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: 1200, height: 480 })
  const capacity = Math.max(1, ...samples.map((sample) => sample.capacity ?? 0))
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: { fontFamily: "system-ui, 'Liberation Sans', Arial, sans-serif" },
    legend: { top: 8, itemGap: 48, itemWidth: 22, icon: "roundRect" },
    grid: { left: 60, right: 24, top: 48, bottom: 52 },
    xAxis: {
      type: "value",
      name: "minutes",
      nameLocation: "middle",
      nameGap: 30,
      min: 0,
      max: Math.ceil((samples[samples.length - 1]?.second ?? 60) / 60),
      axisLabel: { color: faint },
    },
    yAxis: {
      type: "value",
      name: "cpus",
      nameLocation: "middle",
      nameGap: 40,
      min: 0,
      max: capacity,
      axisLabel: { color: faint },
    },
    series: lines.map(({ name, key, color, area }) => ({
      type: "line",
      name,
      data: samples.map((sample) => [sample.second / 60, sample[key]]),
      showSymbol: false,
      ...(area ? { areaStyle: { color, opacity: 0.35 } } : { step: "end" }),
      lineStyle: { color, width: area ? 1 : 1.8 },
      itemStyle: { color },
    })),
  })
  try {
    return chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
}
