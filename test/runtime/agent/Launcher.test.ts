import { spawnSync } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import {
  installLaunchScript,
  type LaunchCommand,
  Launcher,
  type LaunchRequest,
  launchScriptIn,
  make,
} from "../../../runtime/agent/Launcher.ts"
import { readProgress } from "../../../runtime/agent/launcher/RunFolder.ts"
import { Cgroups } from "../../../runtime/cgroups/Cgroups.ts"
import * as CgroupV1 from "../../../runtime/cgroups/CgroupV1.ts"
import * as LinuxKernel from "../../../runtime/cgroups/LinuxKernel.ts"
import { isRunning } from "../../contract/CgroupWorlds.ts"
import { root as repository } from "../../structure/SourceFiles.ts"
import { findCgroups, sweepCgroups, whyNoRealCgroups } from "../../support/CgroupLeftovers.ts"

const isRoot = process.getuid?.() === 0
const whyNot = whyNoRealCgroups()
const parent = `gleaner-test-l${process.pid}`
const launchScript = join(repository, "runtime/agent/launch.sh")
const MiB = 1024 * 1024
const nobody = isRoot ? { uid: 65534, gid: 65534 } : { uid: process.getuid!(), gid: process.getgid!() }

let root: string
let launches = 0
beforeAll(() => {
  // 0700 as mkdtemp makes it: the sandbox must work although its user may not walk the path to it.
  root = mkdtempSync(join(tmpdir(), "gleaner launcher's "))
})
afterAll(() => {
  rmSync(root, { recursive: true })
  if (whyNot === undefined) expect(sweepCgroups(parent)).toEqual([])
})

const requestFor = (command: string | LaunchCommand, more: Partial<LaunchRequest> = {}): LaunchRequest => {
  const folder = join(root, `launch ${++launches} $(x) "q"`)
  mkdirSync(folder)
  return {
    containerId: `c${launches}`,
    command: typeof command === "string" ? { shell: true, value: command } : command,
    environment: { PATH: "/usr/bin:/bin" },
    user: nobody,
    sandboxDir: join(folder, "sand box"),
    runDir: join(folder, "run"),
    joinPaths: [],
    ...more,
  }
}
const output = (request: LaunchRequest, file = "stdout") =>
  readFileSync(join(request.sandboxDir, file), "utf8")
const runToEnd = (launcher: Launcher["Type"], request: LaunchRequest) =>
  Effect.runPromise(
    Effect.flatMap(launcher.start(request), launcher.awaitExit).pipe(
      Effect.merge,
      Effect.timeout("20 seconds"),
    ),
  )

const shellPaths = ["/bin/dash", "/bin/bash", "/bin/busybox", process.env.GLEANER_TEST_BUSYBOX ?? ""].filter(
  (path) => path !== "" && existsSync(path),
)
const variants = shellPaths.flatMap((shell) =>
  (isRoot ? ["/usr/bin/setpriv", "/usr/sbin/chroot"] : ["none"]).map((userSwitch) => ({
    shell,
    userSwitch,
  })),
)

describe.each(variants)("launch.sh under $shell with $userSwitch", ({ shell, userSwitch }) => {
  let launcher: Launcher["Type"]
  beforeAll(async () => {
    const folder = mkdtempSync(join(root, "shell "))
    // By the name sh, as the system's would be: bash is then in POSIX mode, busybox knows which applet is meant.
    symlinkSync(shell, join(folder, "sh"))
    spawnSync("chmod", ["755", root, folder])
    launcher = await Effect.runPromise(make({ shell: join(folder, "sh"), userSwitch, pollMs: 50 }))
  })

  it.each([
    ["exit 0", { exitCode: 0 }],
    ["exit 3", { exitCode: 3 }],
    ["exit 125", { exitCode: 125 }],
    ["no-such-program-anywhere", { exitCode: 127 }],
    ["kill -9 $$", { exitCode: 137, signal: 9 }],
    ["kill -15 $$", { exitCode: 143, signal: 15 }],
    ["kill -2 $$", { exitCode: 130, signal: 2 }],
    ["kill -1 $$", { exitCode: 129, signal: 1 }],
  ])("records the end of: %s", async (command, expected) => {
    expect(await runToEnd(launcher, requestFor(command))).toEqual(expected)
  })

  it("passes arguments unchanged to a command without a shell", async () => {
    const odd = ["", "two words", "new\nline", "$HOME `id` 'q' \"d\" \\", "--", "-n", "a=b", "ünï"]
    const request = requestFor({
      shell: false,
      value: "/usr/bin/printf",
      arguments: ["printf", "<%s>", ...odd],
    })
    expect(await runToEnd(launcher, request)).toEqual({ exitCode: 0 })
    expect(output(request)).toBe(odd.map((text) => `<${text}>`).join(""))
  })

  it("says that a command was not found, with or without a path", async () => {
    for (const value of ["/no/such program", "no-such-program", "/tmp"]) {
      const request = requestFor({ shell: false, value, arguments: [] })
      expect(await runToEnd(launcher, request)).toMatchObject({ _tag: "TaskNotStarted", step: "command" })
      expect(output(request, "stderr")).toContain(`${value}: command not found`)
    }
  })

  it("gives exactly the environment that was asked for, and no descriptor", async () => {
    const environment = {
      PATH: "/usr/bin:/bin",
      QUOTED: 'it\'s "a" $HOME `id` \\ \n two',
      EMPTY: "",
      "odd.name-1": "o'd d",
      PWD: "/elsewhere",
    }
    const request = requestFor({ shell: false, value: "env", arguments: ["env", "-0"] }, { environment })
    expect(await runToEnd(launcher, request)).toEqual({ exitCode: 0 })
    const found = output(request)
      .split("\0")
      .filter(Boolean)
      .map((line) => {
        const at = line.indexOf("=")
        return [line.slice(0, at), line.slice(at + 1)]
      })
    expect(Object.fromEntries(found)).toEqual(environment)
    const descriptors = requestFor({ shell: false, value: "ls", arguments: ["ls", "/proc/self/fd"] })
    expect(await runToEnd(launcher, descriptors)).toEqual({ exitCode: 0 })
    // Whatever this test was started with is handed down to every child; the launcher may add nothing to it.
    const inherited = spawnSync("ls", ["/proc/self/fd"], {
      stdio: ["ignore", "pipe", "inherit"],
      encoding: "utf8",
    })
    expect(output(descriptors)).toBe(inherited.stdout)
  })

  it("runs as the user, in a sandbox of its own, with nothing on stdin and no core files", async () => {
    const request = requestFor(
      "id -u; id -g; id -G; ulimit -c; cat | wc -c; cat /proc/$$/oom_score_adj; echo x > made; ls",
    )
    expect(await runToEnd(launcher, request)).toEqual({ exitCode: 0 })
    const { uid, gid } = nobody
    const groups = isRoot ? [gid] : output(request).split("\n").slice(2, 3)
    expect(output(request).split("\n")).toEqual(
      [uid, gid, ...groups, 0, 0, 1000, "made", "stderr", "stdout", ""].map(String),
    )
    for (const file of ["", "stdout", "stderr", "made"])
      expect(statSync(join(request.sandboxDir, file))).toMatchObject(nobody)
    expect(statSync(join(request.sandboxDir, "stdout")).mode & 0o777).toBe(0o640)
    expect(statSync(request.runDir).mode & 0o777).toBe(0o700)
  })

  it("says that a join failed, when the write fails and when it has no effect", async () => {
    const harmless = join(root, "not a cgroup")
    writeFileSync(harmless, "")
    for (const path of ["/no/such/tasks", "/dev/full", harmless]) {
      const request = requestFor("echo ran", { joinPaths: [path] })
      expect(await runToEnd(launcher, request)).toMatchObject({ _tag: "TaskNotStarted", step: "join" })
      expect(output(request)).toBe("")
    }
  })

  it("tells the task's process, and survives the signals of its session", async () => {
    const request = requestFor("exec sleep 60")
    const task = await Effect.runPromise(launcher.start(request))
    await Effect.runPromise(
      Effect.repeat(launcher.progress(task), { until: ({ step }) => step === "exec" }).pipe(
        Effect.timeout("10 seconds"),
      ),
    )
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.kill(task.launcherPid, signal)
    const found = readProgress(task.runDir).task!
    expect(isRunning(found.pid)).toBe(true)
    process.kill(found.pid, "SIGKILL")
    expect(await Effect.runPromise(launcher.awaitExit(task))).toEqual({ exitCode: 137, signal: 9 })
  })
})

describe("Launcher", () => {
  const live = () => Effect.runPromise(make({ pollMs: 20 }))

  it("regains a task and its exit code in another life of the agent", async () => {
    const [first, second] = [await live(), await live()]
    const request = requestFor("until [ -e go ]; do sleep 0.01; done; exit 42")
    const task = await Effect.runPromise(first.start(request))
    const waiting = [first, second].map((launcher) =>
      Effect.runPromise(Effect.merge(launcher.awaitExit(task))),
    )
    writeFileSync(join(request.sandboxDir, "go"), "")
    expect(await Promise.all(waiting)).toEqual([{ exitCode: 42 }, { exitCode: 42 }])
    expect(await Effect.runPromise(second.awaitExit(task))).toEqual({ exitCode: 42 })
  })

  it("reports a launcher that was killed, to its parent and to a later agent", async () => {
    const [first, second] = [await live(), await live()]
    const task = await Effect.runPromise(first.start(requestFor("sleep 60")))
    await Effect.runPromise(Effect.repeat(first.progress(task), { until: ({ step }) => step === "exec" }))
    process.kill(task.launcherPid, "SIGKILL")
    for (const launcher of [first, second])
      expect(await Effect.runPromise(Effect.flip(launcher.awaitExit(task)))).toMatchObject({
        _tag: "LauncherDied",
      })
    process.kill(readProgress(task.runDir).task!.pid, "SIGKILL")
  })

  it("does not follow a link that the user planted in the place of stdout", async () => {
    const request = requestFor("echo overwritten")
    const victim = join(root, "victim")
    writeFileSync(victim, "precious")
    mkdirSync(request.sandboxDir)
    symlinkSync(victim, join(request.sandboxDir, "stdout"))
    expect(await runToEnd(await live(), request)).toMatchObject({ _tag: "LaunchFailed" })
    expect(readFileSync(victim, "utf8")).toBe("precious")
  })

  it("leaves the environment of a task nowhere on the disk", async () => {
    const request = requestFor("until [ -e go ]; do sleep 0.01; done", {
      environment: { PATH: "/bin", TOKEN: "s3cret" },
    })
    const launcher = await live()
    const task = await Effect.runPromise(launcher.start(request))
    expect(readdirSync(request.runDir)).not.toContain("environment")
    for (const name of readdirSync(request.runDir).filter((file) => !file.startsWith("claim.")))
      expect(readFileSync(join(request.runDir, name), "utf8")).not.toContain("s3cret")
    writeFileSync(join(request.sandboxDir, "go"), "")
    expect(await Effect.runPromise(launcher.awaitExit(task))).toEqual({ exitCode: 0 })
  })

  it("starts tasks by its own copy of launch.sh", async () => {
    const folder = mkdtempSync(join(root, "copy "))
    writeFileSync(launchScriptIn(folder), "one of an earlier version")
    await Effect.runPromise(installLaunchScript(folder))
    expect(readFileSync(launchScriptIn(folder), "utf8")).toBe(readFileSync(launchScript, "utf8"))
    const launcher = await Effect.runPromise(make({ scriptPath: launchScriptIn(folder) }))
    expect(await runToEnd(launcher, requestFor("exit 5"))).toEqual({ exitCode: 5 })
  })

  it("refuses a run folder that was used, and a variable that cannot be passed", async () => {
    const launcher = await live()
    const request = requestFor("true")
    await runToEnd(launcher, request)
    expect(await runToEnd(launcher, request)).toMatchObject({ _tag: "LaunchFailed" })
    const unfit = requestFor("true", { environment: { "a=b": "c" } })
    expect(await runToEnd(launcher, unfit)).toMatchObject({ _tag: "LaunchFailed" })
  })
})

describe(`Launcher with real cgroups${whyNot === undefined ? "" : ` (skipped: ${whyNot})`}`, () => {
  const test = whyNot === undefined ? it : it.skip
  const layer = Layer.merge(
    Layer.provide(CgroupV1.layer({ parent }), LinuxKernel.layer),
    Layer.effect(Launcher, make()),
  )
  afterEach(() => {
    if (whyNot === undefined) sweepCgroups(parent)
  })

  /** A task in a fresh container; whatever happens, the container and the parent go. */
  const inContainer = <A, E>(
    command: string,
    limits: { readonly cpuMilli: number; readonly memBytes: number },
    body: (
      cgroups: Cgroups["Type"],
      end: Effect.Effect<unknown>,
      task: { readonly id: string; readonly request: LaunchRequest },
    ) => Effect.Effect<A, E>,
  ) =>
    Effect.gen(function* () {
      const cgroups = yield* Cgroups
      const launcher = yield* Launcher
      const id = `task-${launches}`
      yield* cgroups.ensureParent({ cpuQuotaMicros: "unlimited", memBytes: "unlimited" })
      yield* cgroups.create(id, { ...limits, pidsMax: 100 })
      const request = requestFor(command, { containerId: id, joinPaths: yield* cgroups.joinPaths(id) })
      const task = yield* launcher.start(request)
      yield* body(cgroups, Effect.merge(launcher.awaitExit(task)), { id, request })
      yield* cgroups.destroy(id)
      yield* cgroups.removeParent
      expect(findCgroups(parent)).toEqual([])
    }).pipe(Effect.provide(layer), Effect.timeout("25 seconds"), Effect.runPromise)

  const generous = { cpuMilli: 1_000, memBytes: 256 * MiB }

  test("ends a task that takes more memory than its limit, with evidence", () =>
    inContainer(
      "head -c 300m /dev/zero | tail",
      { cpuMilli: 2_000, memBytes: 64 * MiB },
      (cgroups, end, { id }) =>
        Effect.gen(function* () {
          expect(yield* end).toEqual({ exitCode: 137, signal: 9 })
          const usage = yield* cgroups.usage(id)
          expect(usage.oom.count).toBeGreaterThan(0)
          expect(usage.memMaxBytes).toBeLessThanOrEqual(64 * MiB)
          expect(usage.memMaxBytes).toBeGreaterThan(60 * MiB)
        }),
    ))

  test("holds a busy loop to its quota", () =>
    inContainer(
      "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done",
      { cpuMilli: 250, memBytes: 64 * MiB },
      (cgroups, end, { id }) =>
        Effect.gen(function* () {
          expect(yield* end).toEqual({ exitCode: 0 })
          const { nrPeriods, nrThrottled, cpuNanos } = yield* cgroups.usage(id)
          expect(nrThrottled).toBeGreaterThan(0)
          // Per period at most the quota; one slice of 5 ms per cpu may run over before it is noticed.
          expect(cpuNanos).toBeLessThanOrEqual((nrPeriods + 1) * 25e6 + nrPeriods * 10e6)
        }),
    ))

  test("keeps daemons inside, and records 137 when the container is destroyed under it", () =>
    inContainer(
      '(setsid sh -c "trap \\"\\" TERM; sleep 600 & sleep 600" &); echo ready; sleep 600',
      generous,
      (cgroups, end, { id, request }) =>
        Effect.gen(function* () {
          yield* Effect.repeat(cgroups.members(id), { until: (pids) => pids.length >= 4 })
          yield* Effect.repeat(
            Effect.sync(() => output(request)),
            { until: (text) => text === "ready\n" },
          )
          const pids = yield* cgroups.members(id)
          yield* cgroups.destroy(id)
          expect(yield* end).toEqual({ exitCode: 137, signal: 9 })
          expect(pids.filter(isRunning)).toEqual([])
        }),
    ))

  test("leaves daemons behind for destroy when the task itself ends well", () =>
    inContainer("(setsid sleep 600 &); exit 0", generous, (cgroups, end, { id }) =>
      Effect.gen(function* () {
        expect(yield* end).toEqual({ exitCode: 0 })
        const [daemon] = yield* cgroups.members(id)
        expect(isRunning(daemon!)).toBe(true)
        yield* cgroups.destroy(id)
        expect(isRunning(daemon!)).toBe(false)
      }),
    ))

  test("is ended by the signal that the agent sends to the container", () =>
    inContainer("sleep 600 & wait", generous, (cgroups, end, { id }) =>
      Effect.gen(function* () {
        yield* Effect.repeat(cgroups.members(id), { until: (pids) => pids.length >= 2 })
        yield* cgroups.signal(id, "SIGTERM")
        expect(yield* end).toEqual({ exitCode: 143, signal: 15 })
      }),
    ))
})
