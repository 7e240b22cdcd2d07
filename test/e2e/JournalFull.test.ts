import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { type GleanerProcess, startGleaner } from "../support/Gleaner.ts"
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

describe.skipIf(!isMounted)("a master whose disk is full", () => {
  it("ends with the place and the remedy, and starts again with all that it had acknowledged", async () => {
    const data = join(folder, "data")
    const filling = join(folder, "filling")
    let current: GleanerProcess | undefined
    try {
      const { daemon, url } = await startMaster(data)
      current = daemon
      const secret = readFileSync(join(data, "secret"), "utf8").trim()
      const kept = new V1Framework(url, secret)
      await kept.subscribe({ failover_timeout: 60 })
      await kept.next("SUBSCRIBED")
      const { bavail, bsize } = statfsSync(folder)
      writeFileSync(filling, Buffer.alloc(Number(bavail) * Number(bsize)))
      // Until one does not fit: each is promised only when it is kept.
      const promised = [kept.frameworkId]
      for (;;) {
        const another = new V1Framework(url, secret)
        const isPromised = await another.subscribe({ name: "x".repeat(100_000), failover_timeout: 60 }).then(
          () =>
            another.next("SUBSCRIBED").then(
              () => true,
              () => false,
            ),
          () => false,
        )
        if (!isPromised) break
        promised.push(another.frameworkId)
      }
      const { code, stderr } = await daemon.finished
      expect(code).toBe(1)
      expect(stderr).toContain(`gleaner: journal ${join(data, "master", "journal.db")}: `)
      expect(stderr).toContain(
        "free space there, then start the daemon again; everything acknowledged is kept",
      )
      rmSync(filling)
      const again = await startMaster(data)
      current = again.daemon
      const headers = { Authorization: `Bearer ${secret}` }
      const { frameworks } = (await (await fetch(`${again.url}/state`, { headers })).json()) as {
        readonly frameworks: ReadonlyArray<{ readonly id: string }>
      }
      expect(frameworks.map(({ id }) => id).sort()).toEqual(promised.sort())
    } finally {
      current?.signal("SIGTERM")
      await current?.finished
      spawnSync("umount", [folder])
      if (existsSync(folder)) rmdirSync(folder)
    }
  })
})
