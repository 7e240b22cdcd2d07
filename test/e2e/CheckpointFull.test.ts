import { spawnSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { sweepCgroups } from "../support/CgroupLeftovers.ts"
import { fittingOffer } from "../support/FittingOffer.ts"
import {
  eventually,
  type GleanerProcess,
  missingForEnforcement,
  processesOf,
  startGleaner,
} from "../support/Gleaner.ts"
import { V1Framework } from "../support/V1Framework.ts"

// An agent's file system of its own that is full: tasks go on, and their ends are not lost.

const root = mkdtempSync(join(tmpdir(), "gleaner-checkpoint-full-"))
chmodSync(root, 0o755)
const disk = mkdtempSync(join(root, "disk-"))
const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs", disk]).status === 0
if (!isMounted) {
  process.stderr.write("skipping the test with a full disk: it needs to mount a tmpfs\n")
  rmSync(root, { recursive: true })
}

const cgroupParent = `gleaner-full-${process.pid}`
const filling = join(disk, "filling")
/** To the last byte: a file that is made with what is left, and again with what that took for itself. */
const fill = () => {
  for (let bytes = 8 * 1024 * 1024; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    try {
      for (;;) writeFileSync(filling, Buffer.alloc(bytes), { flag: "a" })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error
    }
  }
}

describe.skipIf(!isMounted || missingForEnforcement !== undefined)("an agent whose disk is full", () => {
  const started: Array<GleanerProcess> = []
  let url = ""
  const start = (...args: ReadonlyArray<string>): GleanerProcess => {
    const daemon = startGleaner([...args])
    started.push(daemon)
    return daemon
  }
  const startAgent = () =>
    start(
      ...["agent", "--data", join(disk, "data"), "--master", url, "--port", "0", "--without-monitor"],
      ...["--secret-file", join(root, "master/secret"), "--cgroup-parent", cgroupParent],
    )

  beforeEach(async () => {
    const master = start("master", "--data", join(root, "master"), "--port", "0")
    await master.says('"ready":true')
    url = (JSON.parse(master.stdout) as { url: string }).url
  })
  afterEach(async () => {
    for (const daemon of started.reverse()) {
      daemon.signal("SIGKILL")
      await daemon.finished
    }
    sweepCgroups(cgroupParent)
    await eventually(() => processesOf(root).length === 0 || undefined)
    spawnSync("umount", [disk])
    rmdirSync(disk)
    rmSync(root, { recursive: true })
  })

  it("ends with the place and the remedy, leaves its tasks, and loses no end of one", async () => {
    const framework = new V1Framework(url, readFileSync(join(root, "master/secret"), "utf8").trim())
    const first = startAgent()
    await framework.subscribe({ failover_timeout: 600, checkpoint: true })
    const go = join(root, "go")
    const value = `echo x >>started; until [ -e ${go} ]; do sleep 0.05; done; yes | head -c 1000000; exit 7`
    await framework.launch(await fittingOffer(framework, 0.1), { id: "t", command: { value } })
    const running = await framework.status("t", "TASK_RUNNING")
    const containerId: string = running.container_status.container_id.value
    fill()
    // More than fits into the block that the checkpoint ends in.
    const padding = { environment: { variables: [{ name: "PADDING", value: "x".repeat(20_000) }] } }
    const late = { id: "late", command: { value: "echo x >>started; exit 3", ...padding } }
    await framework.launch(await fittingOffer(framework, 0.1), late)
    const ended = await first.finished
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain(`gleaner: journal ${join(disk, "data/agent/checkpoint")}: `)
    const remedy = "free space there, then start the daemon again"
    expect(ended.stderr).toContain(remedy)
    // The task fills what is left of it as well, and ends while no agent lives.
    expect(existsSync(`/sys/fs/cgroup/cpu/${cgroupParent}/${containerId}`)).toBe(true)
    writeFileSync(go, "")
    await eventually(() => processesOf(root).every((line) => !line.includes("launch.sh")) || undefined)
    // An agent that is started too early says the same, and leaves nothing half written.
    const launchScript = readFileSync(join(disk, "data/agent/launch.sh"), "utf8")
    for (let attempt = 0; attempt < 2; attempt++) {
      const early = await startAgent().finished
      expect(early.code).toBe(1)
      expect(early.stderr).toContain(remedy)
      expect(readFileSync(join(disk, "data/agent/launch.sh"), "utf8")).toBe(launchScript)
    }
    expect(readdirSync(join(disk, "data/agent")).filter((name) => name.endsWith(".new"))).toEqual([])
    rmSync(filling)
    await startAgent().says('"ready":true')
    const ends = new Map<string, string>()
    while (ends.size < 2) {
      const event = await framework.next("UPDATE")
      await framework.acknowledge(event)
      const { state, task_id, labels } = event.update.status
      if (state === "TASK_FAILED") ends.set(task_id.value, labels.labels[0].value)
      else expect(state).toMatch(/^TASK_(STARTING|RUNNING)$/)
    }
    expect(Object.fromEntries(ends)).toEqual({ t: "7", late: "3" })
    for (const id of ends.keys()) {
      const executors = join(disk, "data/agent/sandboxes/frameworks", framework.frameworkId, "executors")
      expect(readFileSync(join(executors, id, "runs/latest/started"), "utf8")).toBe("x\n")
    }
    framework.close()
  })
})
