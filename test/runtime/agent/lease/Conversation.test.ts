import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { floor, heldTask, MiB, pass, runScene, until } from "./LeaseScene.ts"

const most = { cpuQuotaMicros: 400_000, memBytes: 1_600 * MiB }
const small = { cpuMilli: 500, memBytes: 64 * MiB }

describe("tasks of a host", () => {
  it("are told when they change, and each 5 s", () =>
    runScene(
      ({ holder, tasks }) =>
        Effect.gen(function* () {
          const monitor = yield* holder()
          const toldAt: Array<number> = []
          for (let number = 1; number <= 12; number++) {
            if (number === 3) tasks.push(heldTask("b"))
            // Time alone is no news.
            tasks[0] = { ...tasks[0]!, ageMs: number }
            yield* pass(500)
            yield* monitor.beat()
            const answer = monitor.last()!
            if (answer.type === "Heard" && answer.tasks !== undefined) toldAt.push(number)
          }
          // Told at 0 with Granted, at 1.5 s as news, and 5 s after that would be beat 13.
          expect(toldAt).toEqual([3])
          yield* pass(500)
          yield* monitor.beat()
          expect(monitor.last()).toMatchObject({ tasks: [{ ageMs: 12 }, { containerId: "b" }] })
        }),
      { tasks: [heldTask("a")] },
    ))

  it("are frozen, thawed and evicted as ordered", () =>
    runScene(
      ({ holder, cgroups, evicted }) =>
        Effect.gen(function* () {
          yield* cgroups.create("a", small)
          const stateOf = Effect.orDie(cgroups.freezerState("a"))
          const monitor = yield* holder()
          const told = Effect.sync(() => {
            const answer = monitor.last()!
            return answer.type === "Heard" ? answer.tasks?.[0]?.isFrozen : undefined
          })
          monitor.say({ type: "Freeze", containerId: "a", why: "throttled" })
          yield* monitor.beat()
          expect(yield* told).toBe(true)
          yield* until(() => Effect.runSync(stateOf) === "FROZEN")
          monitor.say({ type: "Thaw", containerId: "a" })
          yield* monitor.beat()
          yield* until(() => Effect.runSync(stateOf) === "THAWED")
          expect(yield* told).toBe(false)
          monitor.say({ type: "Freeze", containerId: "a", why: "again" })
          yield* until(() => Effect.runSync(stateOf) === "FROZEN")
          // A frozen task could not use its grace.
          monitor.say({ type: "Evict", containerId: "a", why: "memory is short" })
          yield* until(() => evicted.length > 0 && Effect.runSync(stateOf) === "THAWED")
          expect(evicted).toEqual(["a: memory is short"])
        }),
      { tasks: [heldTask("a")] },
    ))

  it("that are not here are left alone, and the next answer says what there is", () =>
    runScene(
      ({ holder, evicted, cgroups }) =>
        Effect.gen(function* () {
          yield* cgroups.create("other", small)
          const monitor = yield* holder()
          yield* monitor.beat()
          expect(monitor.last()).toEqual({ type: "Heard", number: 1 })
          for (const type of ["Freeze", "Evict"] as const)
            monitor.say({ type, containerId: "other", why: "" })
          monitor.say({ type: "Thaw", containerId: "../.." })
          yield* monitor.beat()
          expect(monitor.last()).toMatchObject({ number: 2, tasks: [{ containerId: "a" }] })
          expect(evicted).toEqual([])
          expect(yield* cgroups.freezerState("other")).toBe("THAWED")
        }),
      { tasks: [heldTask("a")] },
    ))

  it("do not stay frozen when the lease is lost, nor when an earlier agent left them so", () =>
    runScene(
      ({ cgroups, holder, tasks }) =>
        Effect.gen(function* () {
          const stateOf = (id: string) => Effect.runSync(Effect.orDie(cgroups.freezerState(id)))
          expect(stateOf("left")).toBe("FROZEN")
          tasks.push(heldTask("left"), heldTask("a"))
          yield* cgroups.create("a", small)
          const monitor = yield* holder()
          expect(monitor.last()).toMatchObject({ tasks: [{ isFrozen: true }, { isFrozen: false }] })
          monitor.say({ type: "Freeze", containerId: "a", why: "" })
          yield* monitor.beat()
          yield* until(() => stateOf("a") === "FROZEN")
          // As long as it holds, nothing thaws by itself.
          yield* pass(900)
          expect(stateOf("left")).toBe("FROZEN")
          yield* pass(100)
          yield* until(() => stateOf("a") === "THAWED" && stateOf("left") === "THAWED")
          expect((yield* cgroups.ceiling).cpuQuotaMicros).toBe(floor.cpuQuotaMicros)
        }),
      {
        before: (cgroups) =>
          Effect.gen(function* () {
            yield* cgroups.ensureParent(most)
            yield* cgroups.create("left", small)
            yield* cgroups.freeze("left")
          }),
      },
    ))
})
