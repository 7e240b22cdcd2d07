import type { MonitorAction } from "../core/monitor/Action.ts"
import type { MonitorEvent } from "../core/monitor/Event.ts"
import { initialMonitorState, type MonitorPolicy, type MonitorState } from "../core/monitor/State.ts"
import { stepMonitor } from "../core/monitor/Step.ts"
import { nextFraction, type Prng, seedPrng } from "../core/Prng.ts"
import { policySpec } from "../core/policies/PolicySpec.ts"
import type { Subject } from "./Bench.ts"

const hosts = 1_000
const samples = 600
const periodMs = 100

/** Seeded loads, every host its own: a level that jumps now and then, and noise; `isConstant` leaves all of it out. */
export const monitorStory = (isConstant: boolean): ReadonlyArray<MonitorEvent> => {
  const prng: Prng = seedPrng("monitor bench")
  const levels = Array.from({ length: hosts }, () => (isConstant ? 0.3 : nextFraction(prng)))
  const all = (value: number) => new Float64Array(hosts).fill(value)
  const stamp = (step: number) => ({ nowMs: step * periodMs, wallMs: 0 })
  const events: Array<MonitorEvent> = levels.map((_, host) => ({
    type: "LeaseGranted",
    ...stamp(0),
    host,
    lentCpuMilli: 16_000,
    lentMemMilli: 64_000_000,
    ceilingCpuMilli: 20,
    ceilingMemMilli: 64_000,
  }))
  for (let step = 0; step < samples; step++) {
    const cpu = levels.map((level, host) => {
      if (!isConstant && nextFraction(prng) < 0.005) levels[host] = nextFraction(prng)
      return 16_000 * Math.min(1, level + (isConstant ? 0 : 0.03 * nextFraction(prng)))
    })
    const sample = {
      capacityCpuMilli: all(16_000),
      capacityMemMilli: all(64_000_000),
      primaryCpuMilli: Float64Array.from(cpu),
      primaryMemMilli: all(20_000_000),
      harvestCpuMilli: all(1_000),
      harvestMemMilli: all(1_000_000),
    }
    events.push({ type: "Sampled", ...stamp(step), sample })
  }
  return events
}

/** What one host of the block sees and is told. */
export const storyOfHost = (story: ReadonlyArray<MonitorEvent>, host: number): ReadonlyArray<MonitorEvent> =>
  story.flatMap((event): ReadonlyArray<MonitorEvent> => {
    if (event.type !== "Sampled") return "host" in event && event.host === host ? [{ ...event, host: 0 }] : []
    const pick = (array: Float64Array) => array.slice(host, host + 1)
    const { sample } = event
    const own = {
      capacityCpuMilli: pick(sample.capacityCpuMilli),
      capacityMemMilli: pick(sample.capacityMemMilli),
      primaryCpuMilli: pick(sample.primaryCpuMilli),
      primaryMemMilli: pick(sample.primaryMemMilli),
      harvestCpuMilli: pick(sample.harvestCpuMilli),
      harvestMemMilli: pick(sample.harvestMemMilli),
    }
    return [{ ...event, sample: own }]
  })

export const monitorPolicy: MonitorPolicy = {
  cpu: policySpec("window-max"),
  mem: policySpec("window-max"),
  intervalMs: 10_000,
}

/** What each host is told, as a block of one is. */
export const monitorActions = (
  state: MonitorState,
  story: ReadonlyArray<MonitorEvent>,
): ReadonlyArray<ReadonlyArray<MonitorAction>> => {
  const told = Array.from({ length: state.hosts }, (): Array<MonitorAction> => [])
  for (const event of story) {
    for (const action of stepMonitor(state, event).actions) told[action.host]!.push({ ...action, host: 0 })
  }
  return told
}

/**
 * One machine-step is one host × one sample, both loops and both resources. Verified against blocks of one;
 * test/bench compares the same stories with the naive twin.
 */
export const monitorSubjects = (): ReadonlyArray<Subject> =>
  [true, false].map((isConstant) => {
    const story = monitorStory(isConstant)
    const samplings = story.filter((event) => event.type === "Sampled")
    const state = initialMonitorState(hosts, monitorPolicy)
    for (const event of story) stepMonitor(state, event)
    return {
      suite: "monitor",
      shape: `${hosts} hosts × ${samples} samples, ${isConstant ? "identical, constant load" : "each its own load"}`,
      unit: "machine-steps",
      unitsPerRun: hosts * samples,
      verify: () => {
        const told = monitorActions(initialMonitorState(hosts, monitorPolicy), story)
        for (const host of [0, 499, 999]) {
          const [alone] = monitorActions(initialMonitorState(1, monitorPolicy), storyOfHost(story, host))
          if (alone!.length < 10) throw new Error(`host ${host}: next to nothing happened`)
          if (JSON.stringify(told[host]) !== JSON.stringify(alone))
            throw new Error(`host ${host}: in a block it is told something else than alone`)
        }
      },
      // The story again, later: the state lives on as in production.
      run: () => {
        const laterMs = state.nowMs + periodMs
        for (const event of samplings) stepMonitor(state, { ...event, nowMs: event.nowMs + laterMs })
      },
    }
  })
