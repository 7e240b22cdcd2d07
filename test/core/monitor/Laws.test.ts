import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { MonitorAction } from "../../../core/monitor/Action.ts"
import type { BlockSample, MonitorEvent } from "../../../core/monitor/Event.ts"
import { restoreMonitor, snapshotMonitor } from "../../../core/monitor/Snapshot.ts"
import { figuresOf, initialMonitorState, type MonitorState } from "../../../core/monitor/State.ts"
import { stepMonitor } from "../../../core/monitor/Step.ts"
import { arbitraryPolicy, arbitraryStory, runMonitor, testSettings } from "../../support/MonitorScenes.ts"

// L5 for the monitor, in the form that can be proved without knowing what a lost sample would have said: nothing but a
// usable sample raises a ceiling or lowers a reserve, so at every moment a story with samples missing, delayed or repeated
// lends no more than at its last usable sample; and no ceiling is ever above what that sample leaves.

const { headroomShare, floorCpuMilli, floorMemMilli, staleMs, reserveAllAfterMs } = testSettings

interface Seen {
  readonly atMs: number
  readonly capacity: number
  readonly use: number
}

/** Judges usability apart from the machine: known numbers, and after the sample before by no more than `staleMs`. */
const seenOf = (event: MonitorEvent, beforeMs: number | undefined, isCpu: boolean): Seen | undefined => {
  if (event.type !== "Sampled") return undefined
  if (beforeMs !== undefined && (event.nowMs - beforeMs > staleMs || event.nowMs === beforeMs))
    return undefined
  const { sample } = event
  const capacity = (isCpu ? sample.capacityCpuMilli : sample.capacityMemMilli)[0]!
  const use = (isCpu ? sample.primaryCpuMilli : sample.primaryMemMilli)[0]!
  if (Number.isNaN(use) || use < -headroomShare * capacity) return undefined
  return { atMs: event.nowMs, capacity, use: Math.max(0, use) }
}

interface Moment {
  readonly event: MonitorEvent
  readonly before: ReturnType<typeof figuresOf>
  readonly after: ReturnType<typeof figuresOf>
  readonly actions: ReadonlyArray<MonitorAction>
  /** The last usable samples, this event's included. */
  readonly cpu: Seen | undefined
  readonly mem: Seen | undefined
  readonly startMs: number
}

/** Runs stories; `begin` gives the check of one story. */
const inEveryStory = (begin: () => (moment: Moment) => void): void => {
  fc.assert(
    fc.property(arbitraryPolicy, arbitraryStory(1), (policy, story) => {
      const state = initialMonitorState(1, policy, testSettings)
      const check = begin()
      let cpu: Seen | undefined
      let mem: Seen | undefined
      let sampledMs: number | undefined
      for (const event of story) {
        const before = figuresOf(state, 0)
        const { actions } = stepMonitor(state, event)
        cpu = seenOf(event, sampledMs, true) ?? cpu
        mem = seenOf(event, sampledMs, false) ?? mem
        if (event.type === "Sampled") sampledMs = event.nowMs
        check({ event, before, after: figuresOf(state, 0), actions, cpu, mem, startMs: story[0]!.nowMs })
      }
    }),
    { numRuns: 200 },
  )
}

const forEachMoment = (check: (moment: Moment) => void): void => inEveryStory(() => check)

describe("at every moment", () => {
  it("no ceiling is above what the last usable sample leaves beside the headroom, or it is at the floor", () => {
    forEachMoment(({ after, cpu, mem }) => {
      const leaves = (seen: Seen | undefined, floor: number) =>
        seen === undefined
          ? Number.POSITIVE_INFINITY
          : Math.max(floor, seen.capacity - seen.use - headroomShare * seen.capacity)
      expect(after.ceilingCpuMilli ?? 0).toBeLessThanOrEqual(leaves(cpu, floorCpuMilli))
      expect(after.ceilingMemMilli ?? 0).toBeLessThanOrEqual(leaves(mem, floorMemMilli))
    })
  })

  it("nothing but a usable sample, and only under a lease, raises a ceiling", () => {
    forEachMoment(({ event, before, after, cpu, mem }) => {
      // Handing over is the agent's word, not the monitor's.
      if (event.type === "LeaseGranted" || before.ceilingCpuMilli === null) return
      const mayRaise = (seen: Seen | undefined) =>
        before.hasLease && seen?.atMs === event.nowMs && event.type === "Sampled"
      if (!mayRaise(cpu)) expect(after.ceilingCpuMilli).toBeLessThanOrEqual(before.ceilingCpuMilli)
      if (!mayRaise(mem)) expect(after.ceilingMemMilli).toBeLessThanOrEqual(before.ceilingMemMilli!)
    })
  })

  it("nothing but a usable sample lowers a reserve", () => {
    forEachMoment(({ event, before, after, cpu, mem }) => {
      if (event.type === "Sampled" && cpu?.atMs === event.nowMs && mem?.atMs === event.nowMs) return
      expect(after.reserveCpuMilli ?? 0).toBeGreaterThanOrEqual(before.reserveCpuMilli ?? 0)
      expect(after.reserveMemMilli ?? 0).toBeGreaterThanOrEqual(before.reserveMemMilli ?? 0)
    })
  })

  it("without a sample the ceiling is at the floor after one second, and everything is reserved after three", () => {
    forEachMoment(({ event, after, cpu, mem, startMs }) => {
      if (event.type !== "Sampled" && event.type !== "TimePassed") return
      if (event.nowMs - (cpu?.atMs ?? startMs) >= staleMs && after.ceilingCpuMilli !== null)
        expect(after.ceilingCpuMilli).toBeLessThanOrEqual(floorCpuMilli)
      if (after.reserveCpuMilli === null) return
      if (event.nowMs - cpu!.atMs >= reserveAllAfterMs)
        expect(after.reserveCpuMilli).toBeGreaterThanOrEqual(cpu!.capacity)
      if (event.nowMs - mem!.atMs >= reserveAllAfterMs)
        expect(after.reserveMemMilli).toBeGreaterThanOrEqual(mem!.capacity)
    })
  })

  it("a ceiling rises by no more than a tenth of the host a second", () => {
    inEveryStory(() => {
      // What may be raised, in ms of rising: earned with time, at most a second's worth.
      let earnedMs = 1_000
      let lastMs = 0
      return ({ event, before, after, cpu }) => {
        earnedMs = Math.min(1_000, earnedMs + event.nowMs - lastMs)
        lastMs = event.nowMs
        if (event.type === "LeaseGranted" || before.ceilingCpuMilli === null) return
        const rise = after.ceilingCpuMilli! - before.ceilingCpuMilli
        if (rise <= 0) return
        const spentMs = (rise * 1_000) / (0.1 * cpu!.capacity)
        expect(spentMs).toBeLessThanOrEqual(earnedMs + 1e-9)
        earnedMs -= spentMs
      }
    })
  })

  it("what is said is what is held: whole numbers, ceiling first, each at most once", () => {
    forEachMoment(({ before, after, actions, event }) => {
      const [ceiling] = actions.filter((action) => action.type === "SetCeiling")
      const [reserve] = actions.filter((action) => action.type === "HoldReserve")
      expect(actions).toEqual([ceiling, reserve].filter((action) => action !== undefined))
      for (const action of [ceiling, reserve]) {
        if (action === undefined) continue
        expect(Number.isSafeInteger(action.cpuMilli) && Number.isSafeInteger(action.memMilli)).toBe(true)
      }
      const hasMoved =
        after.ceilingCpuMilli !== before.ceilingCpuMilli || after.ceilingMemMilli !== before.ceilingMemMilli
      if (event.type !== "LeaseGranted") expect(ceiling !== undefined).toBe(hasMoved)
      if (ceiling !== undefined)
        expect([ceiling.cpuMilli, ceiling.memMilli]).toEqual([after.ceilingCpuMilli, after.ceilingMemMilli])
      if (reserve !== undefined)
        expect([reserve.cpuMilli, reserve.memMilli]).toEqual([after.reserveCpuMilli, after.reserveMemMilli])
      else expect(after.reserveCpuMilli).toBe(before.reserveCpuMilli)
    })
  })
})

describe("a story with defects", () => {
  const copy = (state: MonitorState): string => JSON.stringify(snapshotMonitor(state))

  it("with every sample doubled is the same story, byte for byte", () => {
    fc.assert(
      fc.property(arbitraryPolicy, arbitraryStory(2), (policy, story) => {
        const once = initialMonitorState(2, policy, testSettings)
        const twice = initialMonitorState(2, policy, testSettings)
        for (const event of story) {
          const { actions } = stepMonitor(once, event)
          expect(stepMonitor(twice, event).actions).toEqual(actions)
          if (event.type === "Sampled") expect(stepMonitor(twice, event).actions).toEqual([])
        }
        expect(copy(twice)).toBe(copy(once))
      }),
    )
  })

  it("that ends in missing or delayed samples never lends more than before the defect", () => {
    fc.assert(
      fc.property(
        arbitraryPolicy,
        arbitraryStory(1),
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 1_500 })), { maxLength: 100 }),
        (policy, story, defects) => {
          const state = initialMonitorState(1, policy, testSettings)
          runMonitor(state, story)
          const before = figuresOf(state, 0)
          let { nowMs } = state
          const hole = Float64Array.of(Number.NaN)
          const sample = {
            capacityCpuMilli: hole,
            capacityMemMilli: hole,
            primaryCpuMilli: hole,
            primaryMemMilli: hole,
            harvestCpuMilli: hole,
            harvestMemMilli: hole,
          }
          for (const [isDelayed, afterMs] of defects) {
            nowMs += afterMs
            stepMonitor(
              state,
              isDelayed
                ? { type: "TimePassed", nowMs, wallMs: 0 }
                : { type: "Sampled", nowMs, wallMs: 0, sample },
            )
            const after = figuresOf(state, 0)
            expect(after.ceilingCpuMilli ?? 0).toBeLessThanOrEqual(before.ceilingCpuMilli ?? 0)
            expect(after.ceilingMemMilli ?? 0).toBeLessThanOrEqual(before.ceilingMemMilli ?? 0)
            expect(after.reserveCpuMilli ?? 0).toBeGreaterThanOrEqual(before.reserveCpuMilli ?? 0)
            expect(after.reserveMemMilli ?? 0).toBeGreaterThanOrEqual(before.reserveMemMilli ?? 0)
          }
        },
      ),
    )
  })

  it("refuses a time that goes back and hosts that are not there", () => {
    fc.assert(
      fc.property(arbitraryPolicy, arbitraryStory(1), (policy, story) => {
        const state = initialMonitorState(1, policy, testSettings)
        runMonitor(state, story)
        const nowMs = state.nowMs - 1
        expect(() => stepMonitor(state, { type: "TimePassed", nowMs, wallMs: 0 })).toThrow("time went back")
        const late = { nowMs: state.nowMs, wallMs: 0, host: 1 }
        expect(() => stepMonitor(state, { type: "LeaseLost", ...late })).toThrow(
          "host 1 is not in this block of 1",
        )
      }),
      { numRuns: 5 },
    )
  })
})

describe("a block", () => {
  const hosts = 4

  const only = (event: MonitorEvent, host: number): MonitorEvent | undefined => {
    if (event.type === "TimePassed") return event
    if (event.type !== "Sampled") return event.host === host ? { ...event, host: 0 } : undefined
    const pick = (array: Float64Array) => array.slice(host, host + 1)
    const { sample } = event
    const alone: BlockSample = {
      capacityCpuMilli: pick(sample.capacityCpuMilli),
      capacityMemMilli: pick(sample.capacityMemMilli),
      primaryCpuMilli: pick(sample.primaryCpuMilli),
      primaryMemMilli: pick(sample.primaryMemMilli),
      harvestCpuMilli: pick(sample.harvestCpuMilli),
      harvestMemMilli: pick(sample.harvestMemMilli),
    }
    return { ...event, sample: alone }
  }

  it("of N hosts does for each what a block of one does, byte for byte", () => {
    fc.assert(
      fc.property(arbitraryPolicy, arbitraryStory(hosts), (policy, story) => {
        const block = initialMonitorState(hosts, policy, testSettings)
        const alone = Array.from({ length: hosts }, () => initialMonitorState(1, policy, testSettings))
        for (const event of story) {
          const step = stepMonitor(block, event)
          const expected = alone.flatMap((state, host) => {
            const own = only(event, host)
            const actions = own === undefined ? [] : stepMonitor(state, own).actions
            return actions.map((action) => ({ ...action, host }))
          })
          expect(JSON.stringify(step.actions)).toBe(JSON.stringify(expected))
          const wakes = alone.map((state) => state.wakeAtMs ?? Number.POSITIVE_INFINITY)
          expect(step.wakeAtMs ?? Number.POSITIVE_INFINITY).toBe(Math.min(...wakes))
        }
        alone.forEach((state, host) => {
          expect(figuresOf(block, host)).toEqual(figuresOf(state, 0))
        })
      }),
    )
  })

  it("goes on from a snapshot that went through JSON as if nothing had happened", () => {
    fc.assert(
      fc.property(arbitraryPolicy, arbitraryStory(hosts), fc.nat(), (policy, story, at) => {
        const cut = at % story.length
        const whole = initialMonitorState(hosts, policy, testSettings)
        const before = initialMonitorState(hosts, policy, testSettings)
        runMonitor(whole, story.slice(0, cut))
        runMonitor(before, story.slice(0, cut))
        const rows = JSON.parse(JSON.stringify(snapshotMonitor(before)))
        const after = restoreMonitor(rows.reverse(), policy, testSettings)
        expect(JSON.stringify(runMonitor(after, story.slice(cut)))).toBe(
          JSON.stringify(runMonitor(whole, story.slice(cut))),
        )
        expect(JSON.stringify(snapshotMonitor(after))).toBe(JSON.stringify(snapshotMonitor(whole)))
      }),
    )
  })
})
