import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { root } from "../structure/SourceFiles.ts"
import { Cluster, missingForEnforcement } from "../support/Gleaner.ts"
import { checkMetrics, checkRules, testRules, type Verdict, whyNoPromtool } from "../support/Promtool.ts"

const dashboards = join(root, "runtime/dashboards")
const rules = join(dashboards, "alerts.yml")
const dashboardText = readFileSync(join(dashboards, "gleaner.dashboard.json"), "utf8")

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: ReadonlyArray<{ readonly expr: string }>
}
const dashboard = JSON.parse(dashboardText) as {
  readonly uid: string
  readonly schemaVersion: number
  readonly panels: ReadonlyArray<Panel>
  readonly templating: { readonly list: ReadonlyArray<{ readonly name: string; readonly type: string }> }
}
const panels = dashboard.panels.filter(({ type }) => type !== "row")
const expressions = panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr))

/** What each daemon exposes: the names that its dashboards, its alerts and other people's rely on. */
const agreed: Readonly<Record<string, ReadonlyArray<string>>> = {
  master: [
    ...["agents", "frameworks", "offers_outstanding", "tasks", "resources_capacity", "resources_allocated"],
    ...["outbox_messages", "events_total", "offers_total", "launches_total", "statuses_total"],
    ...["journal_append_seconds", "resources_reserved", "role_share", "journal_durable"],
    "agent_last_report_age_seconds_max",
  ],
  agent: [
    ...["tasks", "connected", "statuses_unacknowledged", "checkpoint_append_seconds", "monitor_lease"],
    ...["monitor_beat_age_seconds", "lease_losses_total", "ceiling_rewrites_total", "regained_tasks_total"],
  ],
  monitor: [
    ...["capacity_cpus", "capacity_mem_bytes", "primary_cpus", "primary_mem_bytes", "harvest_cpus"],
    ...[
      "harvest_mem_bytes",
      "reserve_cpus",
      "reserve_mem_bytes",
      "ceiling_cpus",
      "ceiling_mem_bytes",
      "lease",
    ],
    ...["samples_missed_total", "ceiling_moves_total", "ceiling_not_biting_total", "guard_late_seconds"],
    "last_sample_age_seconds",
  ],
}
const agreedNames = new Set(
  Object.entries(agreed).flatMap(([daemon, names]) => names.map((name) => `gleaner_${daemon}_${name}`)),
)

/** Metric names in a text; a histogram's series count as the histogram. */
const namesIn = (text: string): ReadonlyArray<string> => [
  ...new Set(
    (text.match(/\bgleaner_[a-z0-9_]+/g) ?? []).map((name) =>
      name.replace(/_seconds_(bucket|sum|count)$/, "_seconds"),
    ),
  ),
]

describe("metrics that people look at", () => {
  it.each([
    ["the dashboard", expressions.join("\n")],
    ["the alerts", readFileSync(rules, "utf8")],
    ["the alerts' tests", readFileSync(join(dashboards, "alerts.test.yml"), "utf8")],
  ])("of %s are the agreed ones", (_, text) => {
    expect(namesIn(text).length).toBeGreaterThan(5)
    expect(namesIn(text).filter((name) => !agreedNames.has(name))).toEqual([])
  })
})

/** `name{label="value"` where people ask for one value of a label. */
const selectorsIn = (text: string): ReadonlyArray<readonly [name: string, label: string]> =>
  [...text.matchAll(/\b(gleaner_[a-z0-9_]+)\{([^}]*)\}/g)].flatMap(([, name, labels]) =>
    [...labels!.matchAll(/\b[a-z]+="[^"$]*"/g)].map(([label]) => [name!, label] as const),
  )

describe.skipIf(missingForEnforcement !== undefined)("what daemons expose", () => {
  let cluster: Cluster | undefined
  const texts = new Map<string, string>()
  beforeAll(async () => {
    cluster = await Cluster.start(["--no-without-monitor", "--monitor-port", "0"])
    await cluster.up.says("monitor      http")
    for (const daemon of Object.keys(agreed)) {
      const [, url] = new RegExp(`^${daemon} +(http\\S+)`, "m").exec(cluster.up.stdout)!
      texts.set(daemon, await (await fetch(`${url}/metrics`)).text())
    }
  })
  afterAll(async () => {
    await cluster?.stop()
    cluster?.remove()
  })

  it.each(Object.keys(agreed))("is what was agreed, no more and no less: %s", (daemon) => {
    const own = namesIn(texts.get(daemon)!).filter((name) => name.startsWith("gleaner_"))
    expect([...own].sort()).toEqual(agreed[daemon]!.map((name) => `gleaner_${daemon}_${name}`).sort())
    for (const name of own) expect(texts.get(daemon)).toMatch(new RegExp(`^# HELP ${name} \\S.{10,}$`, "m"))
  })

  it("has every label that the dashboard and the alerts ask for", () => {
    const wanted = selectorsIn(expressions.join("\n") + readFileSync(rules, "utf8"))
    expect(wanted.length).toBeGreaterThan(3)
    const all = [...texts.values()].join("\n").split("\n")
    const isThere = ([name, label]: readonly [string, string]) =>
      all.some((line) => line.startsWith(`${name}{`) && line.includes(label))
    expect(wanted.filter((selector) => !isThere(selector))).toEqual([])
  })

  it.runIf(whyNoPromtool === undefined).each(Object.keys(agreed))(
    "is to Prometheus's taste: %s",
    (daemon) => {
      expect(lintOf(texts.get(daemon)!)).toEqual([])
    },
  )
})

describe("the dashboard", () => {
  it("is what Grafana reads, with variables for data source and host", () => {
    expect(dashboard.uid).toBe("gleaner-overview")
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36)
    expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
      ["datasource", "datasource"],
      ["host", "query"],
    ])
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
    for (const panel of panels) {
      expect([panel.title, (panel.description ?? "").length > 10]).toEqual([panel.title, true])
      expect((panel.targets ?? []).length).toBeGreaterThan(0)
    }
  })

  it("has no panel over another", () => {
    const overlapping = dashboard.panels.flatMap((a, index) =>
      dashboard.panels
        .slice(index + 1)
        .filter(
          ({ gridPos: b }) =>
            a.gridPos.x < b.x + b.w &&
            b.x < a.gridPos.x + a.gridPos.w &&
            a.gridPos.y < b.y + b.h &&
            b.y < a.gridPos.y + a.gridPos.h,
        )
        .map((b) => `${a.title} and ${b.title}`),
    )
    expect(overlapping).toEqual([])
    expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([])
  })

  it.runIf(whyNoPromtool === undefined)("asks only what Prometheus can parse", () => {
    const plain = expressions.map((expr) =>
      expr.replaceAll("$__rate_interval", "1m").replaceAll("$host", "(a|b)"),
    )
    const accepted = checkExpressions(plain)
    expect(accepted.said).toContain(`${plain.length} rules found`)
    expect(accepted.isAccepted).toBe(true)
    expect(checkExpressions(["sum(("]).isAccepted).toBe(false)
  })
})

/** As recording rules, because promtool parses nothing smaller. */
const checkExpressions = (exprs: ReadonlyArray<string>): Verdict => {
  const folder = mkdtempSync(join(tmpdir(), "gleaner-rules-"))
  try {
    const path = join(folder, "rules.yml")
    const records = exprs.map(
      (expr, index) => `  - record: panel:${index}\n    expr: ${JSON.stringify(expr)}\n`,
    )
    writeFileSync(path, `groups:\n- name: dashboard\n  rules:\n${records.join("")}`)
    return checkRules(path)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe.runIf(whyNoPromtool === undefined)("Prometheus's own tool", () => {
  it("accepts the alert rules, and their tests pass", () => {
    const { isAccepted, said } = checkRules(rules)
    expect([isAccepted, said]).toEqual([true, said])
    const tested = testRules(join(dashboards, "alerts.test.yml"))
    expect([tested.isAccepted, tested.said]).toEqual([true, tested.said])
    for (const name of readFileSync(rules, "utf8").match(/(?<=alert: )\w+/g) ?? [])
      expect(readFileSync(join(dashboards, "alerts.test.yml"), "utf8")).toContain(
        `alertname: ${name}\n        exp_alerts`,
      )
  })

  // Files or URLs of running daemons, blanks between: GLEANER_TEST_METRICS="http://127.0.0.1:5051/metrics /tmp/monitor.txt"
  const sources = (process.env.GLEANER_TEST_METRICS ?? "").split(/\s+/).filter((source) => source !== "")
  it.each(sources)("finds nothing wrong with %s", async (source) => {
    const text = source.startsWith("http") ? await (await fetch(source)).text() : readFileSync(source, "utf8")
    expect(lintOf(text)).toEqual([])
  })

  it("would find what is wrong", () => {
    expect(lintOf("# TYPE gleaner_things counter\ngleaner_things 1\n").length).toBeGreaterThan(0)
    expect(lintOf("gleaner_things one\n").length).toBeGreaterThan(0)
  })
})

/** Complaints about gleaner's own metrics; those of prom-client about the process are not ours to name. */
const lintOf = (text: string): ReadonlyArray<string> =>
  checkMetrics(text)
    .said.split("\n")
    .filter((line) => line.startsWith("gleaner_") || line.startsWith("error"))
