import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { Cluster, eventually, gleaner, missingForEnforcement, startGleaner } from "../support/Gleaner.ts"

// The journal of a real run: looked at, copied and replayed while its master runs and afterwards, put back, and damaged.

describe.skipIf(missingForEnforcement !== undefined)("the journal of a cluster", () => {
  let cluster: Cluster | undefined
  afterAll(async () => {
    await cluster?.stop()
    cluster?.remove()
  })

  it("is replayed, copied, restored, and refused when it is damaged", async () => {
    cluster = await Cluster.start()
    const { data } = cluster
    const here = { GLEANER_DATA: data }
    const journal = join(data, "master", "journal.db")
    const backup = join(data, "backup.db")
    const runTasks = async (...codes: ReadonlyArray<number>) => {
      for (const code of codes) {
        const { code: ended } = await cluster!.run(
          "--cpus",
          "0.1",
          "--mem",
          "32M",
          "--",
          "sh",
          "-c",
          `exit ${code}`,
        ).finished
        expect(ended).toBe(code)
      }
    }
    await runTasks(0, 3)

    // While it runs.
    const live = JSON.parse((await gleaner(["journal", "verify", "--json"], here)).stdout)
    expect(live).toMatchObject({ isWhole: true, format: 3, path: journal, runs: 1 })
    const liveReplay = await gleaner(["replay", "--json"], here)
    expect(liveReplay.code, liveReplay.stderr).toBe(0)
    expect(JSON.parse(liveReplay.stdout).replay.equal).toBeGreaterThan(10)
    const copied = await gleaner(["journal", "backup", backup], here)
    expect(copied.code, copied.stderr).toBe(0)
    expect(statSync(backup).mode & 0o777).toBe(0o600)
    const whileOpen = await gleaner(["journal", "restore", backup, "--force"], here)
    expect([whileOpen.code, whileOpen.stderr]).toEqual([1, expect.stringContaining("stop the other process")])

    // Another process of the same master, which the first one did not say goodbye to.
    const masterFile = join(data, "master.json")
    const pid = (JSON.parse(readFileSync(masterFile, "utf8")) as { pid: number }).pid
    process.kill(pid, "SIGKILL")
    await eventually(() => {
      const text = existsSync(masterFile) ? readFileSync(masterFile, "utf8") : ""
      return text !== "" && (JSON.parse(text) as { pid: number }).pid !== pid ? true : undefined
    })
    await runTasks(0, 5)
    expect((await cluster.stop()).code).toBe(0)

    // At rest.
    const replayed = await gleaner(["replay"], here)
    expect([replayed.code, replayed.stderr]).toEqual([0, ""])
    expect(replayed.stdout).toMatch(
      /replayed {5}events 1 to (\d+): \1 of \1 with the same actions \(100 % equal\)/,
    )
    expect(replayed.stdout).toContain("2 starts of a master")
    const whatIf = await gleaner(["replay", "--set", "profile=mesos", "--json"], here)
    expect(whatIf.code, whatIf.stderr).toBe(0)
    const { offers, waits } = JSON.parse(whatIf.stdout).whatIf
    expect(offers.recorded).toBeGreaterThan(3)
    expect(offers.changed).toBeGreaterThan(0)
    expect(waits.recorded.count).toBeGreaterThan(0)
    const exported = await gleaner(["journal", "export"], here)
    const events = exported.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { seq: number; event: { type: string } })
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    expect(events.filter(({ event }) => event.type === "MasterStarted")).toHaveLength(2)
    expect(events.filter(({ event }) => event.type === "OffersAccepted")).toHaveLength(4)

    const middle = events.find(({ event }) => event.type === "OffersAccepted")!.seq
    const part = await gleaner(["replay", "--from", String(middle), "--to", String(middle), "--json"], here)
    expect(JSON.parse(part.stdout).replay).toMatchObject({ equal: 1, skipped: middle - 1, difference: null })

    // Damaged in the middle: the master refuses and says how to go on, and the backup brings it back.
    const bytes = readFileSync(journal)
    const told = '"type":"OffersAccepted"'
    // Wherever it stands: pages keep what was moved out of them.
    let at = bytes.indexOf(told)
    expect(at).toBeGreaterThan(0)
    for (; at !== -1; at = bytes.indexOf(told, at)) bytes[at + 9]! ^= 1
    writeFileSync(journal, bytes)
    chmodSync(journal, 0o600)
    const verdict = await gleaner(["journal", "verify"], here)
    expect([verdict.code, verdict.stdout]).toEqual([1, expect.stringContaining("DAMAGED")])
    const refused = await gleaner(["master", "--port", "0"], here)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain("is not what was written; restore the file from a copy")
    expect(refused.stderr).toContain("gleaner journal restore BACKUP --force")
    expect(readFileSync(journal).equals(bytes)).toBe(true)
    const restored = await gleaner(["journal", "restore", backup, "--force", "--json"], here)
    expect(restored.code, restored.stderr).toBe(0)
    expect(readFileSync(JSON.parse(restored.stdout).keptAt).equals(bytes)).toBe(true)
    const master = startGleaner(["master", "--port", "0"], here)
    await master.says('"ready":true')
    master.signal("SIGTERM")
    expect((await master.finished).code).toBe(0)
    expect((await gleaner(["replay"], here)).code).toBe(0)
  })
})
