import { describe, expect, it } from "vitest"
import { evaluate, finish } from "../../../sim/Evaluate.ts"
import { baselineSettings, defaultPolicies, ownSettings } from "../../../sim/Evaluation.ts"
import { renderReport } from "../../../sim/report/Report.ts"
import { findTellingHost } from "../../../sim/report/TellingHost.ts"
import { createSyntheticFleet } from "../../../traces/generators/SyntheticFleet.ts"
import type { Trace } from "../../../traces/Trace.ts"

const fleet = createSyntheticFleet({ seed: 1, hosts: 12, days: 7 })
const settings = ownSettings("cpu", 600_000)
const evaluateFleet = (trace: Trace) => finish(evaluate(trace, defaultPolicies(settings), settings))

describe("the report", () => {
  it("is one file: no script, and no address but the name of the SVG language", async () => {
    const html = await renderReport([evaluateFleet(fleet)])
    expect(html).not.toMatch(/<script|<link|<img|@import|url\((?!#)/i)
    expect([...new Set(html.match(/https?:\/\/[^"' )]+/g))]).toEqual([
      "http://www.w3.org/2000/svg",
      "http://www.w3.org/1999/xlink",
    ])
    expect(html.match(/<svg/g)!.length).toBe(1 + 5)
  })

  it("is the same for the same evaluation", async () => {
    expect(await renderReport([evaluateFleet(fleet)])).toBe(await renderReport([evaluateFleet(fleet)]))
  })

  it("says that synthetic data are synthetic, and shows no import of them", async () => {
    const html = await renderReport([evaluateFleet(fleet)])
    expect(html).toContain("Synthetic data.")
    expect(html).toContain('<span class="tag">synthetic</span>')
    expect(html).not.toContain("Import report")
  })

  it("shows every row's figures and the definitions in force", async () => {
    const evaluation = evaluateFleet(fleet)
    const html = await renderReport([evaluation])
    for (const row of evaluation.rows) {
      expect(html).toContain(`<code>${row.policy}</code>`)
      expect(html).toContain(`>${(row.harvestShare! * 100).toFixed(1)}<`)
      expect(html).toContain(`>${(row.violationRate * 100).toFixed(2)}<`)
    }
    expect(html).toContain("each host weighted by its capacity")
    const preset = baselineSettings("cpu")
    const other = await renderReport([finish(evaluate(fleet, defaultPolicies(preset), preset))])
    expect(other).toContain("every host weighs the same")
    expect(other).toContain("preset <code>baselines</code>")
  })

  it("shows skipped lines, and never takes a name for markup", async () => {
    const trace: Trace = {
      ...fleet,
      name: "a<b>&c",
      synthetic: false,
      hosts: fleet.hosts.map((host) => `${host}<script>`),
      importReport: { ...fleet.importReport, skippedLines: 1, skippedExamples: ["x.csv:7: <b>bad</b>"] },
    }
    const html = await renderReport([evaluateFleet(trace)])
    expect(html).not.toMatch(/<script|<b>bad/)
    expect(html).toContain("x.csv:7: &#60;b&#62;bad")
    expect(html).not.toContain("Synthetic data.")
  })
})

describe("the telling host", () => {
  it("is the worst host of the best causal policy, over three days with its most violations", () => {
    const evaluation = evaluateFleet(fleet)
    const host = findTellingHost(evaluation)
    const good = evaluation.rows.filter((row) => !row.oracle && row.violationRate <= 0.01)
    const best = good.reduce((a, b) => (b.harvestShare! > a.harvestShare! ? b : a))
    expect(host.name).toBe(best.worstHost)
    expect(host.reason).toContain(best.policy)
    expect(host.usage.length).toBe(3 * 288)
    const shown = host.policies.find((policy) => policy.policy === best.policy)!
    expect(shown.violationsShown).toBeGreaterThan(0)
    expect(shown.violations).toBeGreaterThanOrEqual(shown.violationsShown)
    expect(shown.isExceeded.filter(Boolean).length).toBeGreaterThan(0)
  })

  it("is the busiest host when no causal policy fails", () => {
    const calm: Trace = { ...fleet, cpu: fleet.cpu.map((_, index) => Math.floor(index / fleet.steps) / 100) }
    const host = findTellingHost(evaluateFleet(calm))
    expect(host.name).toBe(fleet.hosts[fleet.hosts.length - 1])
    expect(host.reason).toContain("no causal policy was violated")
  })
})
