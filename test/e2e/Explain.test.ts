import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Cluster, eventually, gleaner, missingForEnforcement } from "../support/Gleaner.ts"

// Asking a real cluster why, as a user types it.

describe.skipIf(missingForEnforcement !== undefined)("gleaner explain", () => {
  let cluster!: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start(["--cpus", "2", "--mem", "1G"], { GLEANER_MASTER_PRIORITY: "batch=-1" })
  })
  afterAll(async () => {
    await cluster?.stop()
    cluster?.remove()
  })

  const explain = (...words: ReadonlyArray<string>) =>
    gleaner(["explain", ...words], { GLEANER_DATA: cluster.data })

  it("says whom to stop for a task that does not fit", async () => {
    const job = cluster.run("--role", "batch", "--cpus", "1.5", "--mem", "256M", "--", "sleep", "1000")
    const { stdout } = await eventually(async () => {
      const said = await explain("--role", "web", "--cpus", "1", "--mem", "512M")
      return said.stdout.includes("without these tasks") ? said : undefined
    })
    expect(stdout).toContain("anybody in role web, for a task with cpus 1, mem 512M")
    expect(stdout).toMatch(/ 1 +short of cpus by 0\.5 +\S+/)
    expect(stdout).toContain("But no framework wants offers for role web.")
    expect(stdout).toMatch(
      /It would fit without these tasks of lower priority:\n {2}on \S+: \S+ of .*\(role batch\)/,
    )
    job.signal("SIGINT")
    await job.finished
    const { code, stdout: json } = await explain("--role", "web", "--cpus", "1", "--json")
    expect(code).toBe(0)
    expect(JSON.parse(json)).toMatchObject({ answers: [{ role: "web", groups: [{ stage: "offered" }] }] })
  })
})
