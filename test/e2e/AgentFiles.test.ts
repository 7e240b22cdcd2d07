import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Cluster, missingForEnforcement } from "../support/Gleaner.ts"

// What a task can see of the cluster's own files, and what an agent does with those of the one before it.

describe.skipIf(missingForEnforcement !== undefined)("files of a cluster", () => {
  let cluster!: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
    // As an installed one would be: tasks may pass.
    chmodSync(cluster.data, 0o755)
  })
  afterAll(async () => {
    if (cluster === undefined) return // it did not start, which has been told
    await cluster.stop()
    expect(cluster.leftovers()).toEqual([])
    cluster.remove()
  })
  const modeOf = (path: string) => (statSync(join(cluster.data, path)).mode & 0o777).toString(8)

  it("are no task's to read, whatever the umask was, and its own sandbox is", async () => {
    const { data } = cluster
    const script = `cat ${data}/secret ${data}/master/journal.db ${data}/logs/master.log ${data}/agent/launch.sh
      find ${data} -path ${data}/agent/sandboxes -prune -o -type f -readable -print
      cd "$MESOS_SANDBOX" && ls`
    const { stdout, code } = await cluster.run("--", "sh", "-c", script).finished
    expect([stdout, code]).toEqual(["stderr\nstdout\n", 0])
    expect(["master", "logs", "agent/runs"].map(modeOf)).toEqual(["700", "700", "700"])
    expect(["master/journal.db", "master/journal.db-wal"].map(modeOf)).toEqual(["600", "600"])
    expect(["agent", "agent/sandboxes"].map(modeOf)).toEqual(["755", "755"])
  })

  it("refuses a task a group that is not its account's", async () => {
    const { code, stderr } = await cluster.run("--user", "65534:6", "--", "id").finished
    expect(code).toBe(1)
    expect(stderr).toContain("--allow-root-tasks")
  })

  it("of a crashed agent's launches and half-removed sandboxes are gone once the next one is ready", async () => {
    await cluster.stop()
    const agent = join(cluster.data, "agent")
    mkdirSync(join(agent, "runs/crashed"))
    writeFileSync(join(agent, "runs/crashed/environment"), "export TOKEN=s3cret")
    mkdirSync(join(agent, "sandboxes/removed/half"), { recursive: true })
    writeFileSync(join(agent, "launch.sh"), "exit 1 # of an earlier version")
    chmodSync(join(cluster.data, "master/journal.db"), 0o644)
    await cluster.begin()
    expect(readdirSync(join(agent, "runs"))).toEqual([])
    expect(modeOf("master/journal.db")).toBe("600")
    expect((await cluster.run("--", "sh", "-c", "exit 4").finished).code).toBe(4)
    expect(existsSync(join(agent, "sandboxes/removed"))).toBe(false)
    expect(existsSync(join(agent, "sandboxes/frameworks"))).toBe(true)
  })
})
