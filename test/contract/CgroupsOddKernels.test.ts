import { Effect, Fiber } from "effect"
import { describe, expect, it } from "vitest"
import { discover, parseCgroupMounts } from "../../runtime/cgroups/CgroupFacts.ts"
import type { KernelRefused } from "../../runtime/cgroups/CgroupKernel.ts"
import { Cgroups } from "../../runtime/cgroups/Cgroups.ts"
import type { CgroupV1Options } from "../../runtime/cgroups/CgroupV1.ts"
import * as MemoryCgroups from "../../runtime/cgroups/MemoryCgroups.ts"
import type { MemoryKernel, MemoryKernelOptions } from "../../runtime/cgroups/MemoryKernel.ts"

// Kernels and moments that this machine cannot offer: only the model has them.

const MiB = 1024 * 1024
const unlimited = { cpuQuotaMicros: "unlimited", memBytes: "unlimited" } as const
const small = { cpuMilli: 500, memBytes: 64 * MiB }

const run = <A, E>(
  options: MemoryKernelOptions & CgroupV1Options,
  body: (cgroups: Cgroups["Type"], model: MemoryKernel) => Effect.Effect<A, E>,
) => {
  const { layer, memoryKernel } = MemoryCgroups.make(options)
  return Effect.runPromise(
    Effect.flatMap(Cgroups, (cgroups) => body(cgroups, memoryKernel)).pipe(Effect.provide(layer)),
  )
}

describe("discovery", () => {
  it("reads co-mounted, el6 and escaped mount points", () => {
    const text =
      "proc /proc proc rw 0 0\ncgroup /cgroup/a\\040b cgroup rw,cpuacct,cpu 0 0\nnone /u cgroup2 rw 0 0\nbad\n"
    expect(parseCgroupMounts(text)).toEqual([
      { mountPoint: "/cgroup/a b", type: "cgroup", options: ["rw", "cpuacct", "cpu"] },
      { mountPoint: "/u", type: "cgroup2", options: ["rw"] },
    ])
  })

  it("tells el6 what it lacks and what follows", () =>
    run({ profile: "el6" }, (cgroups) =>
      Effect.sync(() => {
        expect(cgroups.facts).toMatchObject({
          version: "v1",
          hasCpuQuota: true,
          hasOomKillCount: false,
          hasPidsLimit: false,
        })
        expect(cgroups.facts.missing.map((one) => one.feature)).toEqual([
          "pids controller",
          "count of OOM kills",
        ])
      }),
    ))

  it.each([
    [
      "only cgroup v2",
      { mounts: {}, otherMounts: "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n" },
      "cpu controller",
    ],
    ["nothing mounted", { mounts: {} }, "memory controller"],
    ["no root", { isRoot: false }, "write access"],
    ["no memory controller", { mounts: { "/cgroup/cpu": ["cpu"] } }, "memory controller"],
  ] satisfies ReadonlyArray<readonly [string, MemoryKernelOptions, string]>)(
    "refuses tasks with reason and remedy: %s",
    (_, options, reason) =>
      run(options, (cgroups) =>
        Effect.gen(function* () {
          for (const attempt of [cgroups.ensureParent(unlimited), cgroups.create("a", small)]) {
            const error = yield* Effect.flip(
              attempt as Effect.Effect<unknown, { _tag: string; message: string }>,
            )
            expect(error._tag).toBe("CgroupsUnavailable")
            expect(error.message).toContain(reason)
            expect(error.message).toContain("Remedy: ")
          }
          expect(yield* cgroups.list).toEqual([])
        }),
      ),
  )

  it("names cgroup v2 as found and unused", async () => {
    const { memoryKernel } = MemoryCgroups.make({ mounts: {} })
    const kernel = {
      ...memoryKernel.kernel,
      read: (path: string) =>
        path === "/proc/mounts"
          ? Effect.succeed("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n")
          : path === "/sys/fs/cgroup/cgroup.controllers"
            ? Effect.succeed("cpu memory pids\n")
            : memoryKernel.kernel.read(path),
    }
    const facts = await Effect.runPromise(discover(kernel))
    expect(facts.version).toBe("v2")
    expect(facts.missing[0]).toMatchObject({ feature: "cgroup v1" })
  })
})

describe("an old or broken kernel", () => {
  it("ends a forking tree without a freezer", () =>
    run({ profile: "el6", mounts: { "/cgroup/all": ["cpu", "memory"] } }, (cgroups, model) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create("a", small)
        const join = yield* cgroups.joinPaths("a")
        model.spawn({ join, forks: 30 })
        yield* cgroups.destroy("a")
        expect(model.alive()).toEqual([])
        yield* cgroups.removeParent
        expect(model.groups()).toEqual([])
        expect((yield* Effect.flip(cgroups.freeze("a"))).message).toContain("no freezer")
      }),
    ))

  it("kills, thaws and tries again what does not freeze in time, and waits out a busy rmdir", () =>
    run({ freezingReads: 1e9, busyRmdirs: 3, freezeWaitMs: 5 }, (cgroups, model) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create("a", small)
        model.spawn({ join: yield* cgroups.joinPaths("a"), survives: 2 })
        expect((yield* Effect.flip(cgroups.freeze("a"))).message).toContain("thawed again")
        expect(yield* cgroups.freezerState("a")).toBe("THAWED")
        yield* cgroups.destroy("a")
        expect(model.alive()).toEqual([])
        expect(yield* cgroups.list).toEqual([])
      }),
    ))

  it("names the survivors when SIGKILL does not end them, leaves them thawed, and can go on later", () =>
    run({ destroyWaitMs: 50 }, (cgroups, model) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        yield* cgroups.create("a", small)
        const stuck = model.spawn({ join: yield* cgroups.joinPaths("a"), survives: 1e9 })
        const error = yield* Effect.flip(cgroups.destroy("a"))
        expect(error).toMatchObject({ _tag: "DestroyTimeout", survivors: [stuck] })
        expect(error.message).toContain(String(stuck))
        expect(yield* cgroups.freezerState("a")).toBe("THAWED")
        model.exit(stuck)
        yield* cgroups.destroy("a")
        expect(yield* cgroups.list).toEqual([])
      }),
    ))

  it("notices a limit that the kernel took but does not keep", () =>
    run({}, (cgroups, model) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent(unlimited)
        const read = model.kernel.read
        Object.assign(model.kernel, {
          read: (path: string) => (path.endsWith("a/cpu.shares") ? Effect.succeed("1024\n") : read(path)),
        })
        const error = yield* Effect.flip(cgroups.create("a", small))
        expect(error).toMatchObject({ _tag: "ReadBackMismatch", written: "512", found: "1024" })
        expect(yield* cgroups.list).toEqual([])
      }),
    ))

  it("counts an OOM kill where the kernel does, and hits of the limit where it does not", async () => {
    for (const [profile, by] of [
      ["modern", "kill"],
      ["el6", "failcnt"],
    ] as const)
      await run({ profile }, (cgroups, model) =>
        Effect.gen(function* () {
          yield* cgroups.ensureParent(unlimited)
          yield* cgroups.create("a", small)
          const pid = model.spawn({ join: yield* cgroups.joinPaths("a") })
          model.charge(pid, 65 * MiB)
          expect((yield* cgroups.usage("a")).oom).toEqual({ by, count: 1 })
          expect(model.alive()).toEqual([])
        }),
      )
  })
})

describe("races", () => {
  it("looks again when the monitor lowers the ceiling between reading it and writing below it", () =>
    run({}, (cgroups, model) =>
      Effect.gen(function* () {
        const parent = "/sys/fs/cgroup/cpu,cpuacct/gleaner"
        yield* cgroups.ensureParent({ cpuQuotaMicros: 100_000, memBytes: "unlimited" })
        model.beforeWrite((path) => {
          if (path !== `${parent}/a/cpu.cfs_quota_us`) return
          model.beforeWrite(undefined)
          model.force(`${parent}/cpu.cfs_quota_us`, "20000")
        })
        yield* cgroups.create("a", small)
        expect((yield* model.kernel.read(`${parent}/a/cpu.cfs_quota_us`)).trim()).toBe("20000")
      }),
    ))

  it("gives up a move that loses its race again and again, and says what the kernel answered", () =>
    run({}, (cgroups, model) =>
      Effect.gen(function* () {
        const parent = "/sys/fs/cgroup/cpu,cpuacct/gleaner"
        yield* cgroups.ensureParent({ cpuQuotaMicros: 100_000, memBytes: "unlimited" })
        yield* cgroups.create("a", small)
        let writes = 0
        model.beforeWrite((path) => {
          if (path !== `${parent}/cpu.cfs_quota_us`) return
          writes += 1
          model.force(`${parent}/a/cpu.cfs_quota_us`, "90000")
        })
        const error = yield* Effect.flip(cgroups.setCeiling({ cpuQuotaMicros: 20_000 }))
        expect(error).toMatchObject({ _tag: "KernelRefused", errno: "EINVAL" })
        expect(writes).toBe(6)
        expect((yield* cgroups.ceiling).cpuQuotaMicros).toBe(100_000)
      }),
    ))

  it("leaves nothing when a creation is interrupted or refused at any step", async () => {
    for (const stop of [Effect.interrupt, Effect.die("broken")])
      for (const operation of ["mkdir", "write"] as const)
        for (let at = 1; at <= 4; at++)
          await run({}, (cgroups, model) =>
            Effect.gen(function* () {
              yield* cgroups.ensureParent(unlimited)
              let steps = 0
              const real: (path: string, text: string) => Effect.Effect<void, KernelRefused> =
                model.kernel[operation]
              Object.assign(model.kernel, {
                [operation]: (path: string, text: string) => (++steps === at ? stop : real(path, text)),
              })
              const exit = yield* Effect.exit(
                Effect.fork(cgroups.create("a", small)).pipe(Effect.flatMap(Fiber.join)),
              )
              expect([steps, exit._tag]).toEqual([at, "Failure"])
              expect(yield* cgroups.list).toEqual([])
            }),
          )
  })

  it("serves concurrent creations, ceilings and destructions", () =>
    run({}, (cgroups, model) =>
      Effect.gen(function* () {
        yield* cgroups.ensureParent({ cpuQuotaMicros: 200_000, memBytes: "unlimited" })
        const ids = Array.from({ length: 30 }, (_, index) => `c${index}`)
        const lives = Effect.forEach(
          ids,
          (id) =>
            cgroups
              .create(id, small)
              .pipe(Effect.andThen(Effect.yieldNow()), Effect.andThen(cgroups.destroy(id))),
          { concurrency: "unbounded" },
        )
        const ceilings = Effect.forEach([10_000, 150_000, 1_000, 90_000], (quota) =>
          Effect.andThen(Effect.yieldNow(), cgroups.setCeiling({ cpuQuotaMicros: quota })),
        )
        yield* Effect.all([lives, ceilings], { concurrency: "unbounded" })
        yield* cgroups.removeParent
        expect(model.groups()).toEqual([])
      }),
    ))
})
