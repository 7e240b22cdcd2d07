import { execFileSync, spawn } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest"
import * as Launcher from "../../runtime/agent/Launcher.ts"
import { Cgroups } from "../../runtime/cgroups/Cgroups.ts"
import * as Unconfined from "../../runtime/cgroups/Unconfined.ts"
import { bundleForNode } from "../runtime/journal/WorkerBundle.ts"
import { findCgroups, sweepCgroups, whyNoRealCgroups } from "../support/CgroupLeftovers.ts"
import { eventually } from "../support/Gleaner.ts"
import { isRunning, linuxWorld, memoryWorld } from "./CgroupWorlds.ts"
import { type ContainerWorld, cgroupWorld, markedWith, unconfinedWorld } from "./ContainerWorlds.ts"

// The part of the contract that does not speak of control files: what an agent relies on, whatever isolates.

const prefix = `gleaner-test-u${process.pid}`
let worldCount = 0
const nextParent = () => `${prefix}-${++worldCount}`

const whyNot = whyNoRealCgroups()
const worlds: ReadonlyArray<readonly [name: string, make: () => ContainerWorld, skip: boolean]> = [
  ["processes found by their marks", unconfinedWorld, false],
  ["cgroups in memory", () => cgroupWorld(memoryWorld({ profile: "modern" }, nextParent())), false],
  [
    `cgroups of this kernel${whyNot === undefined ? "" : ` (skipped: ${whyNot})`}`,
    () => cgroupWorld(linuxWorld(nextParent())),
    whyNot !== undefined,
  ],
]

const unlimited = { cpuQuotaMicros: "unlimited", memBytes: "unlimited" } as const
const small = { cpuMilli: 500, memBytes: 64 * 1024 * 1024, pidsMax: 500 }

afterAll(() => {
  if (whyNot !== undefined) return
  sweepCgroups(prefix)
  expect(findCgroups(prefix)).toEqual([])
})

const runOn = <A, E>(
  world: Pick<ContainerWorld, "layer">,
  body: (cgroups: Cgroups["Type"]) => Effect.Effect<A, E>,
) => Effect.runPromise(Effect.flatMap(Cgroups, body).pipe(Effect.provide(world.layer)))
const fails = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.flip(effect) as Effect.Effect<{ _tag: string } & E, A>

describe.each(worlds)("containers by %s", (_, makeWorld, isSkipped) => {
  let world: ContainerWorld
  beforeEach(() => {
    world = makeWorld()
  })
  afterEach(() => world.close())
  const test = isSkipped ? it.skip : it
  const run = <A, E>(body: (cgroups: Cgroups["Type"]) => Effect.Effect<A, E>) => runOn(world, body)
  let idCount = 0
  // Marks are seen by the whole host, so ids are as unique as the agent's.
  const nextId = () => `${prefix}-${worldCount}-${++idCount}-${Math.floor(process.hrtime()[1])}`
  const entered = (cgroups: Cgroups["Type"], id: string) =>
    Effect.flatMap(cgroups.joinPaths(id), (joinPaths) => Effect.promise(() => world.enter(id, joinPaths)))

  test("report usage and members", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const id = nextId()
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create(id, small)
        expect(yield* cgroups.usage(id)).toMatchObject({ pids: 0, nrThrottled: 0, oom: { count: 0 } })
        const pid = yield* entered(cgroups, id)
        expect(yield* cgroups.members(id)).toEqual([pid])
        const usage = yield* cgroups.usage(id)
        expect(usage.pids).toBe(1)
        expect(usage.memMaxBytes).toBeGreaterThanOrEqual(usage.memBytes)
        expect((yield* fails(cgroups.usage(`${id}x`)))._tag).toBe("NoSuchContainer")
        yield* cgroups.destroy(id)
      }),
    ))

  test("destroy a tree that forks and daemonises, leaving no process", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const id = nextId()
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create(id, small)
        const joinPaths = yield* cgroups.joinPaths(id)
        yield* Effect.promise(() => world.enterForking(id, joinPaths))
        const before = yield* cgroups.members(id)
        expect(before.length).toBeGreaterThan(1)
        yield* cgroups.destroy(id)
        expect(yield* cgroups.list).toEqual([])
        expect(before.filter(world.isAlive)).toEqual([])
        expect(yield* cgroups.members(id)).toEqual([])
        yield* cgroups.destroy(id)
      }),
    ))

  test("freeze and thaw, and are destroyed while frozen", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const id = nextId()
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create(id, small)
        const pid = yield* entered(cgroups, id)
        expect(yield* cgroups.freezerState(id)).toBe("THAWED")
        yield* cgroups.freeze(id)
        expect(yield* cgroups.freezerState(id)).toBe("FROZEN")
        yield* cgroups.thaw(id)
        yield* Effect.repeat(cgroups.freezerState(id), { until: (state) => state === "THAWED" })
        yield* cgroups.freeze(id)
        yield* cgroups.destroy(id)
        expect(world.isAlive(pid)).toBe(false)
        expect((yield* fails(cgroups.freeze(id)))._tag).toBe("NoSuchContainer")
      }),
    ))

  test("pass a signal to every process", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const id = nextId()
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create(id, small)
        const pids = [yield* entered(cgroups, id), yield* entered(cgroups, id)]
        yield* cgroups.signal(id, "SIGKILL")
        yield* Effect.repeat(cgroups.members(id), { until: (left) => left.length === 0 })
        expect(pids.filter(world.isAlive)).toEqual([])
        yield* cgroups.signal(id, "SIGTERM")
        yield* cgroups.destroy(id)
      }),
    ))

  test("keep the parent while one lives, and twice is once", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const id = nextId()
        expect(yield* cgroups.list).toEqual([])
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create(id, small)
        expect(yield* fails(cgroups.removeParent)).toMatchObject({ _tag: "ParentInUse", containers: [id] })
        yield* cgroups.destroy(id)
        yield* cgroups.removeParent
        yield* cgroups.removeParent
      }),
    ))

  test("refuse a name that is taken or unfit", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const id = nextId()
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create(id, small)
        expect((yield* fails(cgroups.create(id, small)))._tag).toBe("ContainerExists")
        for (const unfit of ["", "..", "a/b", "tasks", ".hidden", "x".repeat(201)])
          expect((yield* fails(cgroups.create(unfit, small)))._tag).toBe("InvalidContainerId")
        expect((yield* fails(cgroups.destroy("../a")))._tag).toBe("InvalidContainerId")
        expect((yield* fails(cgroups.setLimits(`${id}x`, small)))._tag).toBe("NoSuchContainer")
        expect(yield* cgroups.list).toEqual([id])
        yield* cgroups.destroy(id)
      }),
    ))

  test("are found again by an agent that starts anew", () => {
    const id = nextId()
    return run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create(id, small)
        yield* cgroups.create(`${id}-empty`, small)
        return yield* entered(cgroups, id)
      }),
    ).then((pid) =>
      run((restarted) =>
        Effect.gen(function* () {
          expect(yield* restarted.list).toEqual([id, `${id}-empty`])
          expect(yield* restarted.members(id)).toEqual([pid])
          yield* restarted.setLimits(id, small)
          for (const one of yield* restarted.list) yield* restarted.destroy(one)
          expect(world.isAlive(pid)).toBe(false)
          yield* restarted.removeParent
        }),
      ),
    )
  })
})

describe("processes found by their marks", () => {
  let root = ""
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "gleaner-unconfined-"))
    mkdirSync(join(root, "containers"))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))
  const folder = () => join(root, "containers")
  const run = <A, E>(body: (cgroups: Cgroups["Type"]) => Effect.Effect<A, E>) =>
    runOn({ layer: Unconfined.layer({ folder: folder() }) }, body)

  const launched = (containerId: string, script: string) =>
    Effect.gen(function* () {
      const launcher = yield* Launcher.make({ userSwitch: "none" })
      const task = yield* launcher.start({
        containerId,
        command: { shell: true, value: script },
        environment: { PATH: process.env.PATH!, MESOS_CONTAINER_ID: containerId },
        user: { uid: process.getuid!(), gid: process.getgid!() },
        sandboxDir: join(root, "sandbox"),
        runDir: join(root, "runs", containerId),
        joinPaths: [],
      })
      return { launcher, task }
    })

  it("spare the launcher, which must still tell how its task ended", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const id = `${prefix}-launched`
        yield* cgroups.create(id, small)
        const { launcher, task } = yield* launched(id, "sleep 600")
        yield* Effect.promise(() => eventually(() => (markedWith(id).length >= 2 ? true : undefined)))
        const members = yield* cgroups.members(id)
        expect(members).not.toContain(task.launcherPid)
        yield* cgroups.destroy(id)
        expect(yield* launcher.awaitExit(task)).toEqual({ exitCode: 137, signal: 9 })
        expect(members.filter(isRunning)).toEqual([])
      }),
    ))

  it("include what has cleared its environment but not left the launcher's session", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const id = `${prefix}-cleared`
        const pidFile = join(root, "pid")
        yield* cgroups.create(id, small)
        const { task } = yield* launched(
          id,
          `(env -i /bin/sh -c 'echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec /bin/sleep 600' &) ; sleep 600`,
        )
        const pid = Number(
          yield* Effect.promise(() =>
            eventually(() => (existsSync(pidFile) ? readFileSync(pidFile, "utf8") : undefined)),
          ),
        )
        expect(markedWith(id)).not.toContain(pid)
        expect(yield* cgroups.members(id)).toContain(pid)
        // A session once seen is remembered, also by the next agent, when its leader has gone.
        process.kill(task.launcherPid, "SIGKILL")
        yield* Effect.promise(() => eventually(() => (isRunning(task.launcherPid) ? undefined : true)))
        yield* Effect.promise(() => run((restarted) => restarted.destroy(id)))
        expect(isRunning(pid)).toBe(false)
      }),
    ))

  it("are ended also when each forks its successor and ends, so that no pid lasts", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const id = `${prefix}-comet`
        yield* cgroups.create(id, small)
        const { launcher, task } = yield* launched(id, "f() { f & exit 0; }; (f) & sleep 600")
        yield* Effect.promise(() => eventually(() => (markedWith(id).length >= 2 ? true : undefined)))
        yield* cgroups.destroy(id)
        expect(markedWith(id)).toEqual([])
        // The launcher was stopped with its group for a moment, and yet writes down the end.
        expect((yield* launcher.awaitExit(task)).exitCode).toBe(137)
        expect(markedWith(id)).toEqual([])
      }),
    ))

  it("forget the containers of an earlier boot, whose pids are somebody else's now", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        writeFileSync(join(folder(), "old"), `another-boot-id\n${process.ppid} 1\n`)
        expect(yield* cgroups.list).toEqual([])
        expect(yield* cgroups.members("old")).toEqual([])
        yield* cgroups.create("old", small)
        expect(yield* cgroups.list).toEqual(["old"])
        yield* cgroups.destroy("old")
      }),
    ))

  it("never take a session for theirs whose leader started at another time", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.create("b", small)
        const boot = readFileSync(join(folder(), "b"), "utf8").split("\n")[0]
        const stranger = spawn("/bin/sleep", ["600"], { detached: true, stdio: "ignore" })
        writeFileSync(join(folder(), "b"), `${boot}\n${stranger.pid} 1\n`)
        expect(yield* cgroups.members("b")).toEqual([])
        yield* cgroups.destroy("b")
        expect(isRunning(stranger.pid!)).toBe(true)
        stranger.kill("SIGKILL")
      }),
    ))

  it("say in their facts that nothing is limited", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        expect(cgroups.facts).toMatchObject({ version: "none", hasCpuQuota: false, hierarchies: [] })
        expect(cgroups.facts.missing.map(({ feature }) => feature)).toEqual(["isolation"])
        expect(yield* cgroups.ensureParent({ cpuQuotaMicros: 1_000, memBytes: 1 })).toEqual(unlimited)
        expect(yield* cgroups.setCeiling({ cpuQuotaMicros: 1_000 })).toEqual(unlimited)
        expect(yield* cgroups.joinPaths("a")).toEqual([])
      }),
    ))
})

describe("an agent without root", () => {
  const canSwitch = process.getuid?.() === 0 && existsSync("/usr/bin/setpriv")

  it.runIf(canSwitch)("runs containers of its own, and leaves nothing", async () => {
    const root = mkdtempSync(join(tmpdir(), "gleaner-unconfined-"))
    chmodSync(root, 0o777)
    try {
      const script = join(root, "story.mjs")
      copyFileSync(await bundleForNode("test/contract/UnconfinedStory.ts"), script)
      const nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs"]
      const text = execFileSync(
        "/usr/bin/setpriv",
        [...nobody, process.execPath, script, join(root, "own")],
        {
          encoding: "utf8",
          timeout: 50_000,
        },
      )
      expect(JSON.parse(text)).toEqual({
        uid: 65534,
        listedByTheNextAgent: ["story"],
        hasMembers: true,
        wasFrozen: true,
        left: [],
        listedAtTheEnd: [],
      })
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  })
})
