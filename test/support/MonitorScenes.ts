import fc from "fast-check"
import type { MonitorAction } from "../../core/monitor/Action.ts"
import type { BlockSample, MonitorEvent } from "../../core/monitor/Event.ts"
import {
  defaultMonitorSettings,
  type MonitorPolicy,
  type MonitorSettings,
  type MonitorState,
} from "../../core/monitor/State.ts"
import { stepMonitor } from "../../core/monitor/Step.ts"
import { policySpec } from "../../core/policies/PolicySpec.ts"

// Stories that monitors are tested on: loads with noise, holes, gaps, jumps and leases, over a block of hosts.

/** What one host shows at one sampling; NaN = could not be measured. */
export interface HostSample {
  readonly cpu: number
  readonly mem: number
  readonly harvestCpu?: number
  readonly harvestMem?: number
  readonly capacityCpu?: number
  readonly capacityMem?: number
}

export const capacityCpuMilli = 4_000
export const capacityMemMilli = 8_000_000

export const sampleOf = (hosts: ReadonlyArray<HostSample>): BlockSample => {
  const all = (pick: (host: HostSample) => number) => Float64Array.from(hosts.map(pick))
  return {
    capacityCpuMilli: all((host) => host.capacityCpu ?? capacityCpuMilli),
    capacityMemMilli: all((host) => host.capacityMem ?? capacityMemMilli),
    primaryCpuMilli: all((host) => host.cpu),
    primaryMemMilli: all((host) => host.mem),
    harvestCpuMilli: all((host) => host.harvestCpu ?? 0),
    harvestMemMilli: all((host) => host.harvestMem ?? Number.NaN),
  }
}

export const sampled = (nowMs: number, ...hosts: ReadonlyArray<HostSample>): MonitorEvent => ({
  type: "Sampled",
  nowMs,
  wallMs: 0,
  sample: sampleOf(hosts),
})

export const granted = (
  nowMs: number,
  host = 0,
  given: Partial<Extract<MonitorEvent, { type: "LeaseGranted" }>> = {},
): MonitorEvent => ({
  type: "LeaseGranted",
  nowMs,
  wallMs: 0,
  host,
  lentCpuMilli: capacityCpuMilli,
  lentMemMilli: capacityMemMilli,
  ceilingCpuMilli: 20,
  ceilingMemMilli: 64_000,
  ...given,
})

/** One borrowed task that was promised so much. */
export const told = (nowMs: number, host: number, memMilli: number): MonitorEvent => ({
  type: "TasksTold",
  nowMs,
  wallMs: 0,
  host,
  tasks: [
    {
      containerId: "c",
      priority: 0,
      ageMs: 0,
      lostWork: 0,
      cpuMilli: 1_000,
      memMilli,
      isFrozen: false,
    },
  ],
})

export const lost = (nowMs: number, host = 0): MonitorEvent => ({ type: "LeaseLost", nowMs, wallMs: 0, host })
export const timePassed = (nowMs: number): MonitorEvent => ({ type: "TimePassed", nowMs, wallMs: 0 })

export const runMonitor = (
  state: MonitorState,
  events: ReadonlyArray<MonitorEvent>,
): ReadonlyArray<ReadonlyArray<MonitorAction>> => events.map((event) => stepMonitor(state, event).actions)

/** Short enough that a story of a minute sees everything happen. */
export const testSettings: MonitorSettings = {
  ...defaultMonitorSettings,
  runningMs: 2_000,
  regretMs: 8_000,
  raiseWaitMsMost: 6_000,
  raiseWaitFactor: 2,
}

/** Policies whose naive twins are exact to the bit. */
export const arbitraryPolicy: fc.Arbitrary<MonitorPolicy> = fc
  .record({
    cpu: fc.constantFrom("static", "usage-margin", "window-max"),
    mem: fc.constantFrom("static", "usage-margin", "window-max"),
    intervalMs: fc.constantFrom(1_000, 3_000, 7_500),
    window: fc.integer({ min: 1_000, max: 30_000 }),
  })
  .map(({ cpu, mem, intervalMs, window }) => ({
    cpu: policySpec(cpu, { window, reserve: 0.3, margin: 0.1 }),
    mem: policySpec(mem, { window, reserve: 0.5, margin: 0.05 }),
    intervalMs,
  }))

interface Stretch {
  readonly samples: number
  readonly periodMs: number
  readonly cpuShare: number
  readonly memShare: number
  /** How much each sample strays, and the seed of it. */
  readonly noiseShare: number
  readonly seed: number
  /** Of ten samples, how many are missing. */
  readonly holes: number
}

const stretch: fc.Arbitrary<Stretch> = fc.record({
  samples: fc.integer({ min: 1, max: 40 }),
  periodMs: fc.oneof(
    { weight: 8, arbitrary: fc.constant(100) },
    { weight: 2, arbitrary: fc.constantFrom(0, 20, 137, 999, 1_000, 1_001, 2_999, 4_000) },
  ),
  cpuShare: fc.constantFrom(0, 0.1, 0.3, 0.5, 0.8, 1),
  memShare: fc.constantFrom(0.1, 0.4, 0.45, 0.9),
  noiseShare: fc.constantFrom(0, 0.005, 0.04, 0.2),
  seed: fc.nat(1_000),
  holes: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.constantFrom(1, 5, 10) },
  ),
})

const noise = (seed: number, index: number): number => (((seed + 1) * 7919 + index * 104729) % 1009) / 1009

const hostAt = (one: Stretch, index: number): HostSample => {
  const strays = one.noiseShare * (noise(one.seed, index) - 0.5)
  const isHole = noise(one.seed + 31, index) * 10 < one.holes
  return {
    cpu: isHole && one.seed % 3 !== 0 ? Number.NaN : (one.cpuShare + strays) * capacityCpuMilli,
    mem:
      isHole && one.seed % 3 !== 1 ? Number.NaN : Math.max(0, one.memShare + strays / 4) * capacityMemMilli,
    harvestMem: one.seed % 2 === 0 ? 500_000 : Number.NaN,
    capacityCpu: one.seed % 50 === 7 ? 2_000 : capacityCpuMilli,
  }
}

type Aside = "grant" | "grantOpen" | "lose" | "tell" | "time" | "jump"

/** A story of a block: stretches of load, each host its own, and leases in between. It begins with a sample. */
export const arbitraryStory = (hosts: number): fc.Arbitrary<ReadonlyArray<MonitorEvent>> =>
  fc
    .array(
      fc.record({
        loads: fc.array(stretch, { minLength: hosts, maxLength: hosts }),
        aside: fc.constantFrom<Aside>("grant", "grant", "grantOpen", "lose", "tell", "time", "jump"),
        host: fc.integer({ min: 0, max: hosts - 1 }),
      }),
      { minLength: 1, maxLength: 14 },
    )
    .map((chapters) => {
      const events: Array<MonitorEvent> = []
      let nowMs = 5_000
      for (const { loads, aside, host } of chapters) {
        const { samples, periodMs } = loads[0]!
        for (let index = 0; index < samples; index++) {
          nowMs += periodMs
          events.push(sampled(nowMs, ...loads.map((one) => hostAt(one, index))))
        }
        if (aside === "grant") events.push(granted(nowMs, host, { lentCpuMilli: host === 1 ? 1_500 : 4_000 }))
        if (aside === "grantOpen")
          events.push(granted(nowMs, host, { ceilingCpuMilli: null, ceilingMemMilli: null }))
        if (aside === "lose") events.push(lost(nowMs, host))
        if (aside === "tell") events.push(told(nowMs, host, (loads[0]!.seed % 8) * 1_000_000))
        if (aside === "time") {
          nowMs += loads[0]!.seed * 5
          events.push(timePassed(nowMs))
        }
        if (aside === "jump") nowMs += loads[0]!.seed % 2 === 0 ? 60_000 : 1_500
      }
      return events
    })
