import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { leaseMs, monitorProtocolVersion } from "../../../runtime/protocol/MonitorProtocol.ts"
import { beatOf, everything, floor, heldTask, hostOf, lent, MiB, pass, runScene } from "./lease/LeaseScene.ts"

const most = { cpuQuotaMicros: 400_000, memBytes: 1_600 * MiB }

describe("a lease on the ceiling", () => {
  it("is granted to the first who says Hello, who learns what there is", () =>
    runScene(
      ({ holder, lease, cgroups, reserves }) =>
        Effect.gen(function* () {
          const monitor = yield* holder()
          expect(monitor.heard).toEqual([
            {
              type: "Granted",
              protocolVersion: monitorProtocolVersion,
              cgroupParent: "p",
              lent,
              tasks: [{ ...heldTask("a"), isFrozen: false }],
            },
          ])
          // Not a word of the reserve yet.
          expect(lease.reserve()).toEqual(everything)
          expect(reserves).toEqual([])
          expect(yield* cgroups.ceiling).toEqual(floor)
        }),
      { tasks: [heldTask("a")] },
    ))

  it("lives by beats: each is answered, and the agent writes nothing meanwhile", () =>
    runScene(({ holder, cgroups, lease }) =>
      Effect.gen(function* () {
        const monitor = yield* holder()
        yield* cgroups.setCeiling(most)
        for (let round = 0; round < 8; round++) {
          yield* pass(leaseMs - 100)
          yield* monitor.beat()
        }
        expect(yield* cgroups.ceiling).toEqual(most)
        expect(lease.view()).toMatchObject({ monitor: "held", beatAgeMs: 0 })
        expect(lease.counts()).toEqual({ losses: 0, ceilingRewrites: 0 })
      }),
    ))

  it("is lost by silence: floor, everything kept, goodbye", () =>
    runScene(({ holder, cgroups, lease, reserves }) =>
      Effect.gen(function* () {
        const monitor = yield* holder()
        yield* monitor.beat()
        yield* cgroups.setCeiling(most)
        yield* pass(leaseMs - 1)
        expect(yield* cgroups.ceiling).toEqual(most)
        yield* pass(1)
        yield* monitor.closed
        expect(monitor.last()).toEqual({ type: "Revoked", reason: "no beat for 1000 ms" })
        expect(yield* cgroups.ceiling).toEqual(floor)
        expect(lease.reserve()).toEqual(everything)
        expect(reserves).toEqual([{ cpus: 2_000 }, everything])
        expect(lease.view()).toMatchObject({ monitor: "lost", beatAgeMs: leaseMs, reserve: null })
        expect(lease.counts()).toEqual({ losses: 1, ceilingRewrites: 0 })
      }),
    ))

  it("lends no more memory than its ceiling in force: less at once, more once a second", () =>
    runScene(({ holder, lease, reserves }) =>
      Effect.gen(function* () {
        const monitor = yield* holder()
        const beat = (memMilli: number | null) => monitor.beat({ ceiling: { cpuMilli: 2_000, memMilli } })
        // The monitor's reserve would leave all of the 1600 MiB.
        yield* beat(100_000)
        expect(reserves).toEqual([{ cpus: 2_000, mem: 1_500_000 }])
        expect(lease.view().lendable).toEqual({ cpuMilli: 2_000, memMilli: 100_000 })
        for (const memMilli of [200_000, 300_000]) {
          yield* pass(450)
          yield* beat(memMilli)
        }
        expect(reserves).toHaveLength(1)
        yield* pass(100)
        yield* beat(400_000)
        expect(lease.view().lendable.memMilli).toBe(400_000)
        yield* beat(390_000)
        expect(lease.view().lendable.memMilli).toBe(390_000)
        // A host without a memory hierarchy has no such ceiling.
        yield* pass(1_000 - 1)
        yield* beat(null)
        yield* pass(1)
        yield* beat(null)
        expect(lease.reserve()).toEqual({ cpus: 2_000 })
      }),
    ))

  it("outlives a lost connection until its time is over, and a new Hello finds everything as it was", () =>
    runScene(({ holder, cgroups, lease, reserves }) =>
      Effect.gen(function* () {
        const first = yield* holder(1)
        yield* first.beat()
        yield* cgroups.setCeiling(most)
        first.socket.destroy()
        yield* pass(leaseMs - 100)
        const second = yield* holder(2)
        yield* second.beat()
        yield* pass(leaseMs - 100)
        expect(yield* cgroups.ceiling).toEqual(most)
        expect(reserves).toEqual([{ cpus: 2_000 }])
        expect(lease.counts().losses).toBe(0)
        // Nobody beats any more.
        second.socket.destroy()
        yield* pass(100)
        expect(yield* cgroups.ceiling).toEqual(floor)
      }),
    ))

  it("is not renewed by Hello alone", () =>
    runScene(({ holder, cgroups, lease }) =>
      Effect.gen(function* () {
        const first = yield* holder()
        yield* first.beat()
        yield* cgroups.setCeiling(most)
        for (let round = 0; round < 3; round++) {
          first.socket.destroy()
          yield* pass(leaseMs / 4)
          yield* holder()
        }
        yield* pass(leaseMs / 4)
        expect(lease.counts().losses).toBe(1)
        expect(yield* cgroups.ceiling).toEqual(floor)
      }),
    ))

  it("that was lost is granted anew, and the agent's hands are off again", () =>
    runScene(({ holder, cgroups, lease }) =>
      Effect.gen(function* () {
        const first = yield* holder(1)
        yield* first.beat()
        yield* pass(leaseMs)
        yield* first.closed
        const second = yield* holder(2)
        yield* second.beat()
        yield* cgroups.setCeiling(most)
        yield* pass(900)
        yield* second.beat()
        yield* pass(900)
        expect(yield* cgroups.ceiling).toEqual(most)
        expect(lease.view().monitor).toBe("held")
      }),
    ))

  it("that is lost leaves no room for the one who lost it: what it raises is undone and counted", () =>
    runScene(({ holder, cgroups, lease }) =>
      Effect.gen(function* () {
        const monitor = yield* holder()
        yield* monitor.beat()
        yield* pass(leaseMs)
        for (const rewrites of [1, 2]) {
          yield* cgroups.setCeiling({ cpuQuotaMicros: 50_000 })
          yield* pass(1_000)
          expect(yield* cgroups.ceiling).toEqual(floor)
          expect(lease.counts().ceilingRewrites).toBe(rewrites)
        }
        yield* cgroups.setCeiling({ memBytes: "unlimited" })
        yield* pass(1_000)
        expect(yield* cgroups.ceiling).toEqual(floor)
        // What is below the floor stays there.
        yield* cgroups.setCeiling({ cpuQuotaMicros: 2_000 })
        yield* pass(3_000)
        expect((yield* cgroups.ceiling).cpuQuotaMicros).toBe(2_000)
        expect(lease.counts().ceilingRewrites).toBe(3)
      }),
    ))

  it("that is lost kills nothing: memory stays above what is used", () =>
    runScene(({ holder, cgroups, kernel }) =>
      Effect.gen(function* () {
        yield* cgroups.setCeiling(most)
        yield* cgroups.create("a", { cpuMilli: 500, memBytes: 900 * MiB })
        const pid = kernel.spawn({ join: yield* cgroups.joinPaths("a") })
        kernel.charge(pid, 700 * MiB)
        const monitor = yield* holder()
        yield* monitor.beat()
        yield* pass(leaseMs)
        expect(yield* cgroups.ceiling).toEqual({ ...floor, memBytes: 800 * MiB })
        // Used, raised and used again: the kernel refuses the old floor, and the new one holds.
        yield* cgroups.setCeiling({ memBytes: most.memBytes })
        kernel.charge(pid, 150 * MiB)
        yield* pass(2_000)
        expect(yield* cgroups.ceiling).toEqual({ ...floor, memBytes: 950 * MiB })
        expect(kernel.alive()).toEqual([pid])
      }),
    ))
})

describe("two monitors", () => {
  it("are one too many: the second hears who holds the lease", () =>
    runScene(({ holder, connect, cgroups }) =>
      Effect.gen(function* () {
        const first = yield* holder(1)
        yield* first.beat()
        const second = connect().hello({ pid: 2 })
        yield* second.closed
        expect(second.heard).toEqual([
          {
            type: "Refused",
            reason: "the monitor with pid 1 holds the lease: stop it, or this one",
          },
        ])
        yield* cgroups.setCeiling(most)
        yield* first.beat()
        expect(first.isClosed).toBe(false)
        expect(yield* cgroups.ceiling).toEqual(most)
      }),
    ))

  it("are none when the same one connects anew: the older connection ends", () =>
    runScene(({ holder }) =>
      Effect.gen(function* () {
        const first = yield* holder(1)
        yield* first.beat()
        const again = yield* holder(1)
        yield* first.closed
        expect(first.last()).toMatchObject({ type: "Revoked" })
        yield* again.beat()
      }),
    ))
})

describe("an agent's start", () => {
  it("without anything before it begins at the floor", () =>
    runScene(({ cgroups, lease }) =>
      Effect.gen(function* () {
        expect(yield* cgroups.ceiling).toEqual(floor)
        expect(lease.view()).toMatchObject({ monitor: "lost", beatAgeMs: null, capacity: null })
      }),
    ))

  it("keeps the ceiling of the agent before it while a monitor may still come, then floors it", () =>
    runScene(
      ({ cgroups, lease, reserves }) =>
        Effect.gen(function* () {
          const before = { cpuQuotaMicros: 123_000, memBytes: 1_600 * MiB }
          expect(yield* cgroups.ceiling).toEqual(before)
          expect(lease.view().ceiling).toEqual({ cpuMilli: 1_230, memMilli: 1_600_000 })
          yield* pass(leaseMs - 1)
          expect(yield* cgroups.ceiling).toEqual(before)
          yield* pass(1)
          expect(yield* cgroups.ceiling).toEqual(floor)
          expect(lease.view().ceiling).toEqual({ cpuMilli: 40, memMilli: 100_000 })
          // Nobody held it, so nobody lost it.
          expect(lease.counts().losses).toBe(0)
          expect(reserves).toEqual([])
        }),
      { before: (cgroups) => cgroups.ensureParent({ cpuQuotaMicros: 123_000, memBytes: 9_999 * MiB }) },
    ))

  it("hands that ceiling to a monitor that comes in time", () =>
    runScene(
      ({ cgroups, holder }) =>
        Effect.gen(function* () {
          yield* pass(900)
          const monitor = yield* holder()
          yield* pass(900)
          yield* monitor.beat()
          expect((yield* cgroups.ceiling).cpuQuotaMicros).toBe(123_000)
        }),
      { before: (cgroups) => cgroups.ensureParent({ cpuQuotaMicros: 123_000, memBytes: "unlimited" }) },
    ))

  it("to lend without a monitor lends all of it, listens for nobody and never floors", () =>
    runScene(
      ({ cgroups, lease, connect, reserves }) =>
        Effect.gen(function* () {
          const monitor = connect().hello()
          yield* monitor.closed
          yield* pass(5_000)
          expect(yield* cgroups.ceiling).toEqual(most)
          expect(lease.reserve()).toEqual({})
          expect(reserves).toEqual([])
          expect(lease.view()).toEqual({
            monitor: "none",
            beatAgeMs: null,
            policy: null,
            capacity: null,
            lent,
            reserve: { cpuMilli: 0, memMilli: 0 },
            lendable: lent,
            primary: { cpuMilli: null, memMilli: null },
            harvest: { cpuMilli: null, memMilli: null },
            ceiling: { cpuMilli: 4_000, memMilli: 1_600_000 },
            tasks: 0,
          })
        }),
      { isMonitored: false },
    ))
})

describe("the reserve", () => {
  it("follows the beats, is told only when it changes, and is everything when the monitor knows nothing", () =>
    runScene(({ holder, lease, reserves }) =>
      Effect.gen(function* () {
        const monitor = yield* holder()
        const withReserve = (cpuMilli: number) =>
          monitor.beat({ reserve: { cpuMilli, memMilli: 0 }, use: { ...beatOf(1).use, capacity: hostOf(2) } })
        yield* withReserve(1_000)
        yield* withReserve(4_000)
        yield* withReserve(5_000)
        yield* withReserve(5_000)
        yield* monitor.beat({ reserve: null })
        expect(lease.reserve()).toEqual(everything)
        yield* withReserve(99_000)
        expect(reserves).toEqual([{}, { cpus: 1_000 }, everything, { cpus: 4_000 }])
      }),
    ))

  it("is shown with what was measured", () =>
    runScene(
      ({ holder, lease }) =>
        Effect.gen(function* () {
          const monitor = yield* holder()
          yield* monitor.beat()
          yield* pass(200)
          const { use, reserve, ceiling } = beatOf(1)
          expect(lease.view()).toEqual({
            monitor: "held",
            beatAgeMs: 200,
            policy: "p",
            capacity: use.capacity,
            lent,
            reserve,
            lendable: { cpuMilli: 2_000, memMilli: 1_600_000 },
            primary: use.primary,
            harvest: use.harvest,
            ceiling,
            tasks: 1,
          })
        }),
      { tasks: [heldTask("a")] },
    ))
})
