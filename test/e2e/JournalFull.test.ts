import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { eventually, type GleanerProcess, startGleaner } from "../support/Gleaner.ts"
import { V1Framework } from "../support/V1Framework.ts"

// A file system of its own that is full: what the journal cannot keep is promised to nobody.

const folder = mkdtempSync(join(tmpdir(), "gleaner-full-"))
const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder]).status === 0
if (!isMounted) {
  process.stderr.write("skipping the test with a full disk: it needs to mount a tmpfs\n")
  rmdirSync(folder)
}

const startMaster = async (data: string): Promise<{ daemon: GleanerProcess; url: string }> => {
  const daemon = startGleaner(["master", "--data", data, "--port", "0"])
  await daemon.says('"ready":true')
  return { daemon, url: (JSON.parse(daemon.stdout) as { url: string }).url }
}

const healthOf = async (url: string): Promise<{ status: number; text: string }> => {
  const reply = await fetch(`${url}/health`)
  return { status: reply.status, text: await reply.text() }
}

/** A framework so large that a small disk is soon full; `isTold` once its subscription is confirmed. */
const subscribeLarge = (url: string, secret: string) => {
  const framework = new V1Framework(url, secret)
  const told = framework
    .subscribe({ name: "x".repeat(100_000), failover_timeout: 60 })
    .then(() => framework.next("SUBSCRIBED"))
    .then(() => framework.frameworkId)
  return { framework, told }
}

describe.skipIf(!isMounted)("a master whose disk is full", () => {
  it("takes nothing that it cannot keep, says so, and goes on when there is space", async () => {
    const data = join(folder, "data")
    const filling = join(folder, "filling")
    let current: GleanerProcess | undefined
    const open: Array<V1Framework> = []
    try {
      const { daemon, url } = await startMaster(data)
      current = daemon
      const secret = readFileSync(join(data, "secret"), "utf8").trim()
      const kept = new V1Framework(url, secret)
      open.push(kept)
      await kept.subscribe({ failover_timeout: 60 })
      await kept.next("SUBSCRIBED")
      const { bavail, bsize } = statfsSync(folder)
      writeFileSync(filling, Buffer.alloc(Number(bavail) * Number(bsize)))

      // Until one does not fit: it is promised only when it is kept, so it waits.
      const promised = [kept.frameworkId]
      let waiting: ReturnType<typeof subscribeLarge> | undefined
      while (waiting === undefined) {
        const next = subscribeLarge(url, secret)
        open.push(next.framework)
        const isFull = eventually(async () => ((await healthOf(url)).status === 503 ? "full" : undefined))
        const first = await Promise.race([next.told, isFull])
        if (first === "full") waiting = next
        else promised.push(first)
      }
      const { status, text } = await healthOf(url)
      expect([status, text]).toEqual([503, expect.stringContaining("database or disk is full")])
      expect(text).toContain(`journal ${join(data, "master", "journal.db")}: `)
      expect(text).toContain("free space there: it goes on by itself")
      const call = { type: "RECONCILE", reconcile: { tasks: [{ task_id: { value: "t" } }] } }
      const refused = await kept.call(call)
      expect(refused.status).toBe(503)
      expect(refused.body).toContain("nothing can be taken in for now: journal")
      // It can still be asked, and its streams live.
      expect(await fetch(`${url}/version`).then((reply) => reply.status)).toBe(200)
      await kept.next("HEARTBEAT")

      rmSync(filling)
      promised.push(await waiting.told)
      await eventually(async () => ((await healthOf(url)).status === 200 ? true : undefined))
      expect((await kept.call(call)).status).toBe(202)
      expect((await kept.next("UPDATE")).update.status.task_id.value).toBe("t")
      expect(current.child.exitCode).toBeNull()

      daemon.signal("SIGKILL")
      await daemon.finished
      const again = await startMaster(data)
      current = again.daemon
      const headers = { Authorization: `Bearer ${secret}` }
      const { frameworks } = (await (await fetch(`${again.url}/state`, { headers })).json()) as {
        readonly frameworks: ReadonlyArray<{ readonly id: string }>
      }
      expect(frameworks.map(({ id }) => id).sort()).toEqual(promised.sort())
    } finally {
      for (const framework of open) framework.close()
      current?.signal("SIGTERM")
      await current?.finished
      spawnSync("umount", [folder])
      if (existsSync(folder)) rmdirSync(folder)
    }
  })

  it("does not start on it, with the place and the remedy", async () => {
    const small = mkdtempSync(join(tmpdir(), "gleaner-full-"))
    expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", small]).status).toBe(0)
    try {
      const { code, stderr } = await startGleaner(["master", "--data", small, "--port", "0"]).finished
      expect(code).toBe(1)
      expect(stderr).toContain(`gleaner: journal ${join(small, "master", "journal.db")}: `)
      expect(stderr).toContain(
        "free space there, then start the daemon again; everything acknowledged is kept",
      )
    } finally {
      spawnSync("umount", [small])
      rmdirSync(small)
    }
  })
})
