import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Cluster, eventually, gleaner, missingForEnforcement } from "../support/Gleaner.ts"

// `gleaner run` as a user types it, and what the kernel says of its limits.

const statOf = (container: string): Record<string, number> =>
  Object.fromEntries(
    readFileSync(`${container}/cpu.stat`, "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .map(([name, value]) => [name!, Number(value)]),
  )

describe.skipIf(missingForEnforcement !== undefined)("gleaner run", () => {
  let cluster!: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start([], { GLEANER_E2E_MARKER: "of the agent" })
  })
  afterAll(async () => {
    if (cluster === undefined) return // it did not start, which has been told
    const { code } = await cluster.stop("SIGINT")
    expect(code).toBe(0)
    expect(cluster.leftovers()).toEqual([])
    cluster.remove()
  })

  it("streams stdout and stderr, bytes as they are, and exits with the command's code", async () => {
    const script = 'printf "\\377\\000x"; echo to stderr >&2; exit 7'
    const { child, finished } = cluster.run("--", "sh", "-c", script)
    const chunks: Array<Buffer> = []
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk))
    const { code, stderr } = await finished
    expect(Buffer.concat(chunks)).toEqual(Buffer.from([0xff, 0, 0x78]))
    expect(stderr).toContain("to stderr\n")
    expect(code).toBe(7)
  })

  it("shows output while the task runs, not only at its end", async () => {
    const run = cluster.run("--", "sh", "-c", "echo early; sleep 1000")
    await run.says("early")
    run.signal("SIGINT")
    expect((await run.finished).code).toBe(130)
    expect(cluster.containers()).toEqual([])
  })

  it("runs as an unprivileged user, with nothing of our environment, in its sandbox", async () => {
    // The daemons have the marker, or the test could not fail.
    expect(readFileSync(`/proc/${cluster.up.child.pid}/environ`, "utf8")).toContain("GLEANER_E2E_MARKER")
    const { stdout, code } = await cluster.run("--env", "GIVEN=yes", "--", "sh", "-c", "id -u; env; pwd")
      .finished
    expect(code).toBe(0)
    const [uid, ...rest] = stdout.trim().split("\n")
    expect(uid).toBe("65534")
    expect(rest).toContain("GIVEN=yes")
    expect(stdout).not.toContain("GLEANER_")
    expect(rest.at(-1)).toContain("/runs/")
  })

  it("inherits no open file but its own output; what cannot be closed leads to /dev/null", async () => {
    const { stdout } = await cluster.run("--", "sh", "-c", "readlink /proc/$$/fd/*").finished
    const [stdin, ...others] = stdout.trim().split("\n")
    expect(stdin).toBe("/dev/null")
    expect(others.filter((path) => path !== "/dev/null")).toEqual([
      expect.stringMatching(/\/runs\/.*\/stdout$/),
      expect.stringMatching(/\/runs\/.*\/stderr$/),
    ])
  })

  it("cannot read the journal, the secret, logs or what other tasks were launched with", async () => {
    const other = cluster.run("--cpus", "0.1", "--name", "other", "--", "sh", "-c", "echo here; sleep 1000")
    try {
      await other.says("here")
      const runs = join(cluster.data, "agent", "runs")
      const ofLaunch = readdirSync(runs).flatMap((run) =>
        readdirSync(join(runs, run))
          // A link to no file: it says in its target which process launched the task.
          .filter((name) => !name.startsWith("claim."))
          .map((name) => join(runs, run, name)),
      )
      expect(ofLaunch.length).toBeGreaterThan(0)
      const closed = [
        join(cluster.data, "secret"),
        join(cluster.data, "master", "journal.db"),
        join(cluster.data, "agent", "checkpoint"),
        join(cluster.data, "logs", "agent.log"),
        join(cluster.data, "logs", "master.log"),
        ...ofLaunch,
      ]
      expect(closed.filter((path) => !existsSync(path))).toEqual([])
      const script = 'for path; do head -c 1 "$path" >/dev/null && echo "$path"; done; true'
      const { stdout } = await cluster.run("--", "sh", "-c", script, "sh", "/etc/passwd", ...closed).finished
      expect(stdout.trim().split("\n")).toEqual(["/etc/passwd"])
    } finally {
      other.signal("SIGINT")
      await other.finished
    }
  })

  it("ends quietly, and its task too, when nobody reads its output any more", async () => {
    const run = cluster.run("--", "sh", "-c", "while :; do echo y; sleep 0.01; done")
    await run.says("y")
    run.child.stdout?.destroy()
    const { code, stderr } = await run.finished
    expect([code, stderr]).toEqual([141, ""])
    await eventually(() => (cluster.containers().length === 0 ? true : undefined))
  })

  it("refuses root, and says how to allow it", async () => {
    const { code, stderr } = await cluster.run("--user", "root", "--", "id").finished
    expect(code).toBe(1)
    expect(stderr).toContain("--allow-root-tasks")
  })

  it("holds a busy loop to half a cpu: the kernel throttles it in nearly every period", async () => {
    const run = cluster.run("--cpus", "0.5", "--", "sh", "-c", "while :; do :; done")
    const container = await eventually(() => cluster.containers()[0])
    const stat = await eventually(() => {
      const now = statOf(container)
      // On a busy host it may take a while until it gets as much as it may have.
      return now.nr_periods! >= 20 && now.nr_throttled! > 0 ? now : undefined
    })
    const cpuNanos = Number(readFileSync(`${container.replace("/cpu/", "/cpuacct/")}/cpuacct.usage`, "utf8"))
    run.signal("SIGINT")
    await run.finished
    // 50 ms of each 100 ms period; one period of slack, since both files are not read at the same moment.
    expect(cpuNanos).toBeLessThanOrEqual((stat.nr_periods! + 2) * 50e6 * 1.1)
  })

  it("ends a 64M task that takes 300M, and says that memory was the reason", async () => {
    const hungry = "head -c 300m /dev/zero | tail -n 1 | wc -c"
    const { code, stderr } = await cluster.run("--mem", "64M", "--", "sh", "-c", hungry).finished
    expect(code).toBe(137)
    expect(stderr).toContain("Memory limit exceeded: Requested: 64MB")
    expect(stderr).toContain("REASON_CONTAINER_LIMITATION_MEMORY")
  })

  it("leaves nothing of a task that daemonises", async () => {
    const script = "setsid sh -c 'sleep 1000 & sleep 1000' & echo started"
    const { code, stdout } = await cluster.run("--", "sh", "-c", script).finished
    expect([code, stdout]).toEqual([0, "started\n"])
    expect(cluster.containers()).toEqual([])
  })

  it("kills the task when it dies itself", async () => {
    const run = cluster.run("--", "sh", "-c", "echo here; sleep 1000")
    await run.says("here")
    run.signal("SIGKILL")
    await run.finished
    await eventually(() => (cluster.containers().length === 0 ? true : undefined))
  })

  it("runs many at once", async () => {
    const runs = await Promise.all(
      Array.from(
        { length: 8 },
        (_, number) =>
          cluster.run("--cpus", "0.1", "--mem", "32M", "--", "sh", "-c", `sleep 0.2; exit ${number}`)
            .finished,
      ),
    )
    expect(runs.map(({ code }) => code)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it.each([
    [[], 2, "no command"],
    [["--mem", "lots", "--", "true"], 2, "--mem lots is not a size"],
    [["--cpus", "0", "--", "true"], 2, "--cpus 0 must be at least"],
    [["--cpus", "2e9", "--", "true"], 2, "--cpus 2000000000 must be at least 0.001 and at most 1000000000"],
    [["--mem", "1000000G", "--", "true"], 2, "--mem 1000000G must be at most 1000000000 MiB"],
    [["--name", "a/b", "--", "true"], 2, "--name a/b"],
    [["--bogus", "--", "true"], 2, "unknown option --bogus"],
    [["--", "/no/such/command"], 127, "not found"],
  ])("says what is wrong with %j", async (args, code, message) => {
    const finished = await cluster.run(...args).finished
    expect(finished.stderr).toContain(message)
    expect(finished.code).toBe(code)
  })

  it("says that there is no master, and what to do", async () => {
    const { code, stderr } = await gleaner(["run", "--data", "/nonexistent/gleaner", "--", "true"])
    expect(code).toBe(1)
    expect(stderr).toContain("gleaner up")
  })
})
