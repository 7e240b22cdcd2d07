import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { missingForEnforcement, SplitCluster, startGleaner } from "../support/Gleaner.ts"
import { V1Framework } from "../support/V1Framework.ts"

// The master dies at once and comes back on its journal; agent and framework find it again, and nothing is lost.

describe.skipIf(missingForEnforcement !== undefined)("a master that is killed and started again", () => {
  let cluster: SplitCluster | undefined
  afterEach(async () => {
    const left = await cluster?.end()
    cluster = undefined
    expect(left ?? []).toEqual([])
  })

  // Without a failover timeout a framework has as long as an agent has.
  it.each([60, 0])(
    "keeps the task of a framework with failover timeout %d that returns",
    async (failover_timeout) => {
      cluster = await SplitCluster.start()
      const framework = new V1Framework(cluster.url, cluster.secret)
      await framework.subscribe({ failover_timeout })
      const [offer] = (await framework.next("OFFERS")).offers.offers
      const value = "while [ ! -e go ]; do sleep 0.05; done; exit 0"
      await framework.launch(offer, { id: "kept", command: { value } })
      const running = await framework.status("kept", "TASK_RUNNING")

      cluster.master.signal("SIGKILL")
      await cluster.master.finished
      await cluster.beginMaster()
      const again = new V1Framework(cluster.url, cluster.secret)
      await again.subscribe({ failover_timeout }, framework.frameworkId)
      expect((await again.next("SUBSCRIBED")).subscribed.framework_id.value).toBe(framework.frameworkId)
      // The agent is back when there are offers again.
      await again.next("OFFERS")
      const taskId = { value: "kept" }
      await again.call({ type: "RECONCILE", reconcile: { tasks: [{ task_id: taskId }] } })
      const { status } = (await again.next("UPDATE", ({ update }) => update.status.uuid === undefined)).update
      expect(status.state).toBe("TASK_RUNNING")
      expect(status.container_status).toEqual(running.container_status)

      const place = `frameworks/${again.frameworkId}/executors/kept/runs/latest/go`
      writeFileSync(join(cluster.data, "agent", "sandboxes", place), "")
      await again.status("kept", "TASK_FINISHED")
      // What follows a call on the stream came after it: the master knows the task no more, and has told its end once.
      await again.call({ type: "RECONCILE", reconcile: { tasks: [{ task_id: taskId }] } })
      const unknown = await again.next("UPDATE", ({ update }) => update.status.uuid === undefined)
      expect(unknown.update.status.state).toMatch(/^TASK_(LOST|UNKNOWN|GONE)$/)
      const ends = again.events.filter(
        (event) => event.type === "UPDATE" && event.update.status.state === "TASK_FINISHED",
      )
      expect(ends).toHaveLength(1)
      await again.call({ type: "TEARDOWN" })
    },
  )

  it("is outlived by gleaner run, which shows all output and ends with its task's code", async () => {
    cluster = await SplitCluster.start()
    const script = "echo before; while [ ! -e go ]; do sleep 0.05; done; echo after; exit 7"
    const run = startGleaner(["run", "--", "sh", "-c", script], { GLEANER_DATA: cluster.data })
    await run.says("before")
    cluster.master.signal("SIGKILL")
    await cluster.master.finished
    await run.says("lost the master")
    await cluster.beginMaster()
    await run.says("the master is back")
    const sandboxes = join(cluster.data, "agent", "sandboxes", "frameworks")
    const [frameworkId] = readdirSync(sandboxes)
    const executors = join(sandboxes, frameworkId!, "executors")
    const [taskId] = readdirSync(executors)
    writeFileSync(join(executors, taskId!, "runs", "latest", "go"), "")
    const { code, stdout, stderr } = await run.finished
    expect([code, stdout]).toEqual([7, "before\nafter\n"])
    // It has torn its framework down, so the id is spent.
    const other = new V1Framework(cluster.url, cluster.secret)
    await other.subscribe({}, frameworkId)
    expect((await other.next("ERROR")).error.message, stderr).toBe("Framework has been removed")
  })
})
