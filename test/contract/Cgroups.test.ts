import { Effect, Exit } from "effect"
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest"
import { Cgroups } from "../../runtime/cgroups/Cgroups.ts"
import { moveCeilingQuota, readCpuQuota } from "../../runtime/cgroups/QuotaOrder.ts"
import { findCgroups, sweepCgroups, whyNoRealCgroups } from "../support/CgroupLeftovers.ts"
import { type CgroupWorld, linuxWorld, memoryWorld } from "./CgroupWorlds.ts"

const prefix = `gleaner-test-c${process.pid}`
const whyNot = whyNoRealCgroups()
const MiB = 1024 * 1024
let worldCount = 0
const nextParent = () => `${prefix}-${++worldCount}`

const worlds: ReadonlyArray<readonly [name: string, make: () => CgroupWorld, skip: boolean]> = [
  [
    `this kernel${whyNot === undefined ? "" : ` (skipped: ${whyNot})`}`,
    () => linuxWorld(nextParent()),
    whyNot !== undefined,
  ],
  ["memory, modern", () => memoryWorld({ profile: "modern" }, nextParent()), false],
  ["memory, el6", () => memoryWorld({ profile: "el6" }, nextParent()), false],
  [
    "memory, everything in one hierarchy with a space in its path",
    () =>
      memoryWorld(
        { profile: "el6", mounts: { "/mnt/all in one": ["cpuset", "cpu", "cpuacct", "memory", "freezer"] } },
        nextParent(),
      ),
    false,
  ],
]

const unlimited = { cpuQuotaMicros: "unlimited", memBytes: "unlimited" } as const
const small = { cpuMilli: 500, memBytes: 64 * MiB, pidsMax: 200 }

afterAll(() => {
  if (whyNot !== undefined) return
  sweepCgroups(prefix)
  expect(findCgroups(prefix)).toEqual([])
})

describe.each(worlds)("Cgroups on %s", (_, makeWorld, isSkipped) => {
  let world: CgroupWorld
  beforeEach(() => {
    world = makeWorld()
  })
  afterEach(() => world.close())

  const test = isSkipped ? it.skip : it
  const run = <A, E>(body: (cgroups: Cgroups["Type"]) => Effect.Effect<A, E>) =>
    Effect.runPromise(Effect.flatMap(Cgroups, body).pipe(Effect.provide(world.layer)))
  const folder = (cgroups: Cgroups["Type"], controller: string) => {
    const hierarchy = cgroups.facts.hierarchies.find((one) =>
      one.controllers.some((name) => name === controller),
    )
    return `${hierarchy!.mountPoint}/${world.parent}`
  }
  const readNumber = (path: string) => Effect.map(world.kernel.read(path), (text) => Number(text))
  const fails = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.flip(effect) as Effect.Effect<{ _tag: string } & E, A>

  const joinAndHold = async (cgroups: Cgroups["Type"], containerId: string) =>
    world.enterHolding(await Effect.runPromise(cgroups.joinPaths(containerId)), 4 * MiB)

  test("writes a container's limits in every hierarchy", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create("a", small)
        const cpu = `${folder(cgroups, "cpu")}/a`
        const memory = `${folder(cgroups, "memory")}/a`
        expect(yield* readNumber(`${cpu}/cpu.shares`)).toBe(512)
        expect(yield* readNumber(`${cpu}/cpu.cfs_period_us`)).toBe(100_000)
        expect(yield* readNumber(`${cpu}/cpu.cfs_quota_us`)).toBe(50_000)
        expect(yield* readNumber(`${memory}/memory.limit_in_bytes`)).toBe(64 * MiB)
        expect(yield* readNumber(`${memory}/memory.memsw.limit_in_bytes`)).toBe(64 * MiB)
        expect(yield* readNumber(`${folder(cgroups, "memory")}/memory.use_hierarchy`)).toBe(1)
        if (cgroups.facts.hasPidsLimit)
          expect(yield* readNumber(`${folder(cgroups, "pids")}/a/pids.max`)).toBe(200)
        expect(yield* cgroups.list).toEqual(["a"])
      }),
    ))

  test("tells what a container uses and what it may, each figure as far as the kernel has it", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent({ cpuQuotaMicros: 30_000, memBytes: 512 * MiB })
        yield* cgroups.create("a", small)
        yield* Effect.promise(() => joinAndHold(cgroups, "a"))
        const { memory, ...of } = yield* cgroups.statistics("a")
        expect(of.processes).toBe((yield* cgroups.members("a")).length)
        expect(of.threads).toBeGreaterThanOrEqual(of.processes)
        // The quota in force: the ceiling is below what the container was given.
        expect(of.cpuLimitMilli).toBe(300)
        expect(memory!.limitBytes).toBe(64 * MiB)
        expect(memory!.totalBytes).toBeGreaterThanOrEqual(4 * MiB)
        const stat = yield* world.kernel
          .read(`${folder(cgroups, "memory")}/a/memory.stat`)
          .pipe(Effect.orElseSucceed(() => ""))
        const rss = /^total_rss (\d+)$/m.exec(stat)?.[1]
        expect(memory!.rssBytes).toBe(rss === undefined ? null : Number(rss))
        expect((yield* fails(cgroups.statistics("b")))._tag).toBe("NoSuchContainer")
      }),
    ))

  test("keeps a tiny container alive: 16 shares, 1 ms quota", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create("tiny", { cpuMilli: 1, memBytes: 4 * MiB })
        expect(yield* readNumber(`${folder(cgroups, "cpu")}/tiny/cpu.shares`)).toBe(16)
        expect(yield* readNumber(`${folder(cgroups, "cpu")}/tiny/cpu.cfs_quota_us`)).toBe(1_000)
      }),
    ))

  test("moves the ceiling past containers in the order that v1 demands, and back", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const quotas = () =>
          Effect.forEach(["", "/big", "/big/nested", "/little"], (name) =>
            readNumber(`${folder(cgroups, "cpu")}${name}/cpu.cfs_quota_us`),
          )
        yield* cgroups.ensureParent({ cpuQuotaMicros: 150_000, memBytes: 512 * MiB })
        yield* cgroups.create("big", { cpuMilli: 1_200, memBytes: 64 * MiB })
        yield* cgroups.create("little", { cpuMilli: 200, memBytes: 64 * MiB })
        yield* world.kernel.mkdir(`${folder(cgroups, "cpu")}/big/nested`)
        yield* world.kernel.write(`${folder(cgroups, "cpu")}/big/nested/cpu.cfs_quota_us`, "110000")

        // The kernel refuses the parent alone: without that the order would not matter.
        const refused = yield* fails(
          world.kernel.write(`${folder(cgroups, "cpu")}/cpu.cfs_quota_us`, "40000"),
        )
        expect(refused.errno).toBe("EINVAL")

        expect(yield* cgroups.setCeiling({ cpuQuotaMicros: 40_000 })).toEqual({
          cpuQuotaMicros: 40_000,
          memBytes: 512 * MiB,
        })
        expect(yield* quotas()).toEqual([40_000, 40_000, 40_000, 20_000])
        yield* cgroups.setCeiling({ cpuQuotaMicros: 90_000 })
        expect(yield* quotas()).toEqual([90_000, 90_000, 40_000, 20_000])
        yield* cgroups.setCeiling({ cpuQuotaMicros: "unlimited" })
        expect(yield* quotas()).toEqual([-1, 120_000, 40_000, 20_000])
        yield* cgroups.setCeiling({ cpuQuotaMicros: 0 })
        expect(yield* quotas()).toEqual([1_000, 1_000, 1_000, 1_000])
      }),
    ))

  test("gives the parent a weight that yields to the primary when nobody keeps the ceiling any more", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const shares = `${folder(cgroups, "cpu")}/cpu.shares`
        yield* cgroups.ensureParent(unlimited)
        expect(yield* readNumber(shares)).toBe(64)
        yield* world.kernel.write(shares, "1024")
        yield* cgroups.ensureParent({ cpuQuotaMicros: 50_000, memBytes: "unlimited" })
        expect(yield* readNumber(shares)).toBe(64)
      }),
    ))

  test("moves the ceiling by plain calls, as the monitor does, past containers that only the agent made", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const cpu = folder(cgroups, "cpu")
        const quotas = () =>
          Effect.forEach(["", "/a", "/b"], (name) => readNumber(`${cpu}${name}/cpu.cfs_quota_us`))
        yield* cgroups.ensureParent({ cpuQuotaMicros: 150_000, memBytes: "unlimited" })
        yield* cgroups.create("a", { cpuMilli: 1_200, memBytes: 64 * MiB })
        yield* cgroups.create("b", { cpuMilli: 200, memBytes: 64 * MiB })
        const { plain } = world.kernel
        moveCeilingQuota(plain, cpu, 10_000, [])
        expect(yield* quotas()).toEqual([10_000, 10_000, 10_000])
        // Only the limits that are told may be given back.
        moveCeilingQuota(plain, cpu, 140_000, [["a", { cpuMilli: 1_200 }]])
        expect(yield* quotas()).toEqual([140_000, 120_000, 10_000])
        expect(readCpuQuota(plain, cpu)).toBe(140_000)
        moveCeilingQuota(plain, cpu, 0, [["gone", { cpuMilli: 1_000 }]])
        expect(yield* quotas()).toEqual([1_000, 1_000, 1_000])
        expect(() => moveCeilingQuota(plain, `${cpu}/none`, 5_000, [])).toThrow("ENOENT")
      }),
    ))

  test("creates below a low ceiling with the smaller quota and gives the rest when it grows", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const quota = readNumber(`${folder(cgroups, "cpu")}/late/cpu.cfs_quota_us`)
        yield* cgroups.ensureParent({ cpuQuotaMicros: 10_000, memBytes: 256 * MiB })
        yield* cgroups.create("late", { cpuMilli: 1_000, memBytes: 64 * MiB })
        expect(yield* quota).toBe(10_000)
        yield* cgroups.setCeiling({ cpuQuotaMicros: 200_000 })
        expect(yield* quota).toBe(100_000)
      }),
    ))

  test("moves the quota and the memory limit of a container both ways", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        const quota = readNumber(`${folder(cgroups, "cpu")}/a/cpu.cfs_quota_us`)
        const limit = readNumber(`${folder(cgroups, "memory")}/a/memory.memsw.limit_in_bytes`)
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create("a", small)
        yield* cgroups.setLimits("a", { cpuMilli: 1_500, memBytes: 96 * MiB })
        expect([yield* quota, yield* limit]).toEqual([150_000, 96 * MiB])
        yield* cgroups.setLimits("a", { cpuMilli: 250, memBytes: 32 * MiB })
        expect([yield* quota, yield* limit]).toEqual([25_000, 32 * MiB])
        expect((yield* fails(cgroups.setLimits("b", small)))._tag).toBe("NoSuchContainer")
      }),
    ))

  test("refuses a memory ceiling below what is used, and says how much that is", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent({ cpuQuotaMicros: 100_000, memBytes: 256 * MiB })
        yield* cgroups.create("a", small)
        const joinPaths = yield* cgroups.joinPaths("a")
        yield* Effect.promise(() => world.enterHolding(joinPaths, 16 * MiB))
        const refused = yield* fails(cgroups.setCeiling({ cpuQuotaMicros: 50_000, memBytes: 8 * MiB }))
        expect(refused).toMatchObject({ _tag: "MemoryInUse", limitBytes: 8 * MiB })
        expect((refused as unknown as { usageBytes: number }).usageBytes).toBeGreaterThanOrEqual(16 * MiB)
        expect((yield* cgroups.ceiling).cpuQuotaMicros).toBe(50_000)
        expect((yield* cgroups.ceiling).memBytes).toBeGreaterThanOrEqual(16 * MiB)
        yield* cgroups.destroy("a")
      }),
    ))

  test("reports usage and members", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create("a", small)
        expect(yield* cgroups.usage("a")).toMatchObject({ pids: 0, nrThrottled: 0, oom: { count: 0 } })
        const joinPaths = yield* cgroups.joinPaths("a")
        const pid = yield* Effect.promise(() => world.enterHolding(joinPaths, 4 * MiB))
        const usage = yield* cgroups.usage("a")
        expect(usage.pids).toBeGreaterThanOrEqual(1)
        expect(usage.memBytes).toBeGreaterThanOrEqual(4 * MiB)
        expect(usage.memMaxBytes).toBeGreaterThanOrEqual(usage.memBytes)
        expect(yield* cgroups.members("a")).toContain(pid)
        expect((yield* fails(cgroups.usage("b")))._tag).toBe("NoSuchContainer")
        yield* cgroups.destroy("a")
      }),
    ))

  test("destroys a tree that forks and daemonises, leaving no process and no group", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create("a", small)
        const joinPaths = yield* cgroups.joinPaths("a")
        yield* Effect.promise(() => world.enterForking(joinPaths))
        const before = yield* cgroups.members("a")
        expect(before.length).toBeGreaterThan(1)
        yield* cgroups.destroy("a")
        expect(yield* cgroups.list).toEqual([])
        expect(before.filter(world.isAlive)).toEqual([])
        expect(world.leftGroups().filter((path) => path.endsWith("/a"))).toEqual([])
        yield* cgroups.destroy("a")
      }),
    ))

  test("destroys groups that a task made inside its own, with their processes", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create("a", small)
        const groups = (yield* cgroups.joinPaths("a")).map((path) => path.slice(0, -"/tasks".length))
        for (const group of groups) {
          yield* world.kernel.mkdir(`${group}/x`)
          yield* world.kernel.mkdir(`${group}/x/y`)
        }
        const inner = groups.map((group) => `${group}/x/y/tasks`)
        const canEnter = yield* world.kernel.exists(`${groups[0]}/x/y/cpuset.cpus`)
        // A nested group of a co-mounted old cpuset is empty; nobody can be inside.
        const pid = canEnter ? undefined : yield* Effect.promise(() => world.enter(inner))
        if (pid !== undefined) expect(yield* cgroups.members("a")).toEqual([pid])
        yield* cgroups.destroy("a")
        expect(world.leftGroups().filter((path) => /\/a(\/|$)/.test(path))).toEqual([])
        if (pid !== undefined) expect(world.isAlive(pid)).toBe(false)
      }),
    ))

  test("freezes and thaws, and destroys what is frozen", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create("a", small)
        const joinPaths = yield* cgroups.joinPaths("a")
        const pid = yield* Effect.promise(() => world.enter(joinPaths))
        expect(yield* cgroups.freezerState("a")).toBe("THAWED")
        yield* cgroups.freeze("a")
        expect(yield* cgroups.freezerState("a")).toBe("FROZEN")
        yield* world.kernel.kill(pid, "SIGKILL")
        expect(world.isAlive(pid)).toBe(true)
        yield* cgroups.thaw("a")
        expect(yield* cgroups.freezerState("a")).toBe("THAWED")
        const second = yield* Effect.promise(() => world.enter(joinPaths))
        yield* cgroups.freeze("a")
        yield* cgroups.destroy("a")
        expect([pid, second].filter(world.isAlive)).toEqual([])
        expect((yield* fails(cgroups.freeze("a")))._tag).toBe("NoSuchContainer")
      }),
    ))

  test("signals every process of a container", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create("a", small)
        const joinPaths = yield* cgroups.joinPaths("a")
        const pids = yield* Effect.promise(() =>
          Promise.all([world.enter(joinPaths), world.enter(joinPaths)]),
        )
        yield* cgroups.signal("a", "SIGKILL")
        yield* Effect.repeat(cgroups.members("a"), { until: (left) => left.length === 0 })
        expect(pids.filter((pid) => world.leftGroups().length === 0 && world.isAlive(pid))).toEqual([])
        yield* cgroups.signal("a", "SIGTERM")
      }),
    ))

  test("keeps the parent while a container lives, then removes it, and twice is once", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        expect(yield* cgroups.list).toEqual([])
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.ensureParent({ cpuQuotaMicros: 50_000, memBytes: 128 * MiB })
        yield* cgroups.create("a", small)
        expect(yield* fails(cgroups.removeParent)).toMatchObject({ _tag: "ParentInUse", containers: ["a"] })
        yield* cgroups.destroy("a")
        yield* cgroups.removeParent
        yield* cgroups.removeParent
        expect(world.leftGroups()).toEqual([])
      }),
    ))

  // The kernel keeps a removed group among its parent's children for up to half a second, and its quota counts.
  test("lets the ceiling fall at the very moment after a container is gone", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent({ cpuQuotaMicros: 50_000, memBytes: "unlimited" })
        for (let round = 0; round < 5; round++) {
          yield* cgroups.setCeiling({ cpuQuotaMicros: 50_000 })
          yield* cgroups.create("a", small)
          const joinPaths = yield* cgroups.joinPaths("a")
          yield* Effect.promise(() => world.enter(joinPaths))
          yield* cgroups.destroy("a")
          expect((yield* cgroups.setCeiling({ cpuQuotaMicros: 2_000 })).cpuQuotaMicros).toBe(2_000)
        }
      }),
    ))

  test("refuses a name that is taken or unfit, and touches nothing then", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create("a", small)
        expect((yield* fails(cgroups.create("a", { ...small, cpuMilli: 900 })))._tag).toBe("ContainerExists")
        expect(yield* readNumber(`${folder(cgroups, "cpu")}/a/cpu.cfs_quota_us`)).toBe(50_000)
        for (const id of ["", "..", "a/b", "tasks", "cpu.shares", ".hidden", "x".repeat(201)])
          expect((yield* fails(cgroups.create(id, small)))._tag).toBe("InvalidContainerId")
        expect((yield* fails(cgroups.destroy("../a")))._tag).toBe("InvalidContainerId")
        expect(yield* cgroups.list).toEqual(["a"])
      }),
    ))

  test("leaves nothing half-made when a limit is refused", () =>
    run((cgroups) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        const exit = yield* Effect.exit(cgroups.create("a", { cpuMilli: 100, memBytes: -5 }))
        expect(Exit.isFailure(exit)).toBe(true)
        expect(yield* cgroups.list).toEqual([])
      }),
    ))
})
