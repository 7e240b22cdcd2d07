import { spawnSync } from "node:child_process"
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ForeignFramework, type ForeignSettings } from "../support/foreign/ForeignFramework.ts"
import { eventually, missingForEnforcement, processesOf, SplitCluster } from "../support/Gleaner.ts"

// A client of Mesos's v1 API that we did not write, unchanged: mesos-framework of npm, which was written against Apache
// Mesos 1.x. It knows no authentication, so the master is started with the flag that does without.

const fetching = spawnSync(process.execPath, [".ci/fetch-foreign-client.mjs"], { encoding: "utf8" })
const isFetched = fetching.status === 0
if (!isFetched) {
  const last =
    fetching.stderr
      .trim()
      .split("\n")
      .find((line) => line.startsWith("Error")) ?? ""
  process.stderr.write(`skipping the client that others wrote, which is not here: ${last}\n`)
}

describe.skipIf(!isFetched || missingForEnforcement !== undefined)(
  "mesos-framework of npm",
  { timeout: 90_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), "gleaner-foreign-"))
    // Tasks have a user of their own.
    chmodSync(folder, 0o777)
    const frameworks: Array<ForeignFramework> = []
    let cluster: SplitCluster
    let foreign: ForeignFramework
    let frameworkId = ""

    const begin = (settings: Partial<ForeignSettings>): ForeignFramework => {
      const packages = fetching.stdout.trim()
      const { hostname: host, port } = new URL(cluster.url)
      const place = join(folder, `framework-${frameworks.length}`)
      const framework = new ForeignFramework(packages, place, { host, port, isFresh: false, ...settings })
      frameworks.push(framework)
      return framework
    }

    const readFrameworks = async () => {
      const reply = await fetch(`${cluster.url}/state`)
      return ((await reply.json()) as { frameworks: ReadonlyArray<{ id: string }> }).frameworks
    }

    /** What the tasks themselves have left behind: how often each command began. */
    const marksOf = (kind: string) => readdirSync(folder).filter((name) => name.startsWith(`mark-${kind}`))

    beforeAll(async () => {
      cluster = await SplitCluster.start(["--no-authentication"])
    })
    afterAll(async () => {
      for (const framework of frameworks) await framework.kill()
      const left = await cluster?.end()
      rmSync(folder, { recursive: true, force: true })
      expect(left).toEqual([])
    })

    it("subscribes, launches what it wants from offers, and learns how its tasks fare", async () => {
      const begins = (kind: string) => `echo began > ${folder}/mark-${kind}.$$`
      foreign = begin({
        isFresh: true,
        staying: `${begins("staying")}; exec sleep 1000`,
        ending: `${begins("ending")}; sleep 0.2`,
      })
      await foreign.until(
        () => foreign.tasksIn("TASK_RUNNING").length === 2 && foreign.tasksIn("TASK_FINISHED").length === 2,
      )
      frameworkId = foreign.ofType("subscribed")[0].frameworkId
      for (const states of foreign.statesByTask().values()) expect(states).toContain("TASK_RUNNING")
      expect([marksOf("staying"), marksOf("ending")].map(({ length }) => length)).toEqual([2, 2])
      // Nothing was sent again, so each status was acknowledged.
      await foreign.until(() => foreign.ofType("sent_acknowledge").length === foreign.ofType("update").length)
      expect(foreign.errors(), foreign.tell()).toEqual([])
    })

    it("finds its tasks again after the master was restarted", async () => {
      const running = foreign.tasksIn("TASK_RUNNING")
      cluster.master.signal("SIGTERM")
      await cluster.master.finished
      await cluster.beginMaster()
      await foreign.until(() => foreign.ofType("subscribed").length === 2)
      expect(foreign.ofType("subscribed")[1].frameworkId).toBe(frameworkId)
      // The library asks for each of its tasks by itself.
      const isReconciled = (taskId: string) =>
        foreign
          .ofType("update")
          .some(
            ({ status }) =>
              status.task_id.value === taskId &&
              status.state === "TASK_RUNNING" &&
              status.reason === "REASON_RECONCILIATION",
          )
      await foreign.until(() => running.every(isReconciled))
      expect(marksOf("staying")).toHaveLength(2)
    })

    it("kills a task, and hears of its end", async () => {
      const [first = "", second = ""] = foreign.tasksIn("TASK_RUNNING")
      foreign.call("kill", first, foreign.agentOf(first))
      await foreign.until(() => foreign.tasksIn("TASK_KILLED").includes(first))
      expect(foreign.tasksIn("TASK_RUNNING")).toEqual([second])
    })

    it("hands its tasks over to its successor when it dies", async () => {
      const [left = ""] = foreign.tasksIn("TASK_RUNNING")
      await foreign.kill()
      const successor = begin({ frameworkId })
      await successor.until(() => successor.ofType("subscribed").length === 1)
      expect(successor.ofType("subscribed")[0].frameworkId).toBe(frameworkId)
      successor.call("reconcile")
      await successor.until(() => successor.tasksIn("TASK_RUNNING").includes(left))
      // What it has nothing to run on goes back, and comes again.
      await successor.until(() => successor.ofType("sent_decline").length > 0)
      successor.call("revive")
      const before = successor.ofType("offers").length
      await successor.until(() => successor.ofType("offers").length > before)
      expect(successor.errors(), successor.tell()).toEqual([])
      foreign = successor
    })

    it("takes everything with it when it is torn down", async () => {
      foreign.call("teardown")
      await foreign.until(() => foreign.ofType("sent_teardown").length === 1)
      await eventually(async () => (await readFrameworks()).length === 0 || undefined)
      await eventually(() => processesOf(folder).every((text) => !text.includes("sleep")) || undefined)
    })
  },
)
