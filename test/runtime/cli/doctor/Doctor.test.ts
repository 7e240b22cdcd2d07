import { describe, expect, it } from "vitest"
import { examinationText } from "../../../../runtime/cli/doctor/Doctor.ts"
import { examine } from "../../../../runtime/doctor/Examination.ts"
import * as fixtures from "../../doctor/HostFixture.ts"

const examinationOf = (fixture: fixtures.HostFixture, quick = false) =>
  examine(fixtures.makeHost(fixture), { quick, dataPath: "/var/lib/gleaner", cgroupParent: "gleaner" })

describe("the text of gleaner doctor", () => {
  it("lists every feature, then consequence and remedy of what is lacking, then the verdict", async () => {
    const examination = await examinationOf(fixtures.el6_0)
    const text = examinationText(examination)
    expect(
      text.startsWith("CentOS release 6.2 (Final), kernel 2.6.32-71.el6.x86_64, Node 10.24.1, uid 0\n"),
    ).toBe(true)
    for (const { feature } of examination.findings) expect(text).toContain(`\n  ${feature} `)
    expect(text).toMatch(/\n {2}CFS quota +MISSING +not found\n/)
    expect(text).toMatch(
      /\nCFS quota \(missing, needed to enforce limits\)\n {2}means: .*no ceiling holds[\s\S]*?\n {2}remedy: .*CONFIG_CFS_BANDWIDTH/,
    )
    const verdict = text.split("\n\n").pop()
    expect(verdict).toMatch(/^This host cannot enforce limits: missing CFS quota, CFS quota, tried\./)
  })

  it("keeps its lines of prose readable", async () => {
    const text = examinationText(await examinationOf(fixtures.container))
    const prose = text.split("\n").filter((line) => /^ {2}(means|remedy| {2}):? /.test(line))
    expect(prose.length).toBeGreaterThan(5)
    expect(prose.filter((line) => line.length > 101)).toEqual([])
  })

  it("says when nothing was tried", async () => {
    expect(examinationText(await examinationOf(fixtures.debian12, true))).toMatch(
      /This host can enforce limits on tasks \(quota and freezer not tried\)\.$/,
    )
  })

  it("has the same fields in JSON for every finding", async () => {
    const { findings, ...rest } = await examinationOf(fixtures.nonRoot)
    expect(rest).toMatchObject({ version: 1, canEnforce: false, host: { uid: 1000, quick: false } })
    expect(new Set(findings.map(({ id }) => id)).size).toBe(findings.length)
    for (const finding of findings)
      expect(Object.keys(finding).sort()).toEqual(
        ["area", "feature", "found", "id", "isNeeded", "remedy", "status", "without"].sort(),
      )
  })
})
