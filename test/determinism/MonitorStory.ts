import type { BlockSample, MonitorEvent } from "../../core/monitor/Event.ts"
import { restoreMonitor, snapshotMonitor } from "../../core/monitor/Snapshot.ts"
import { defaultMonitorSettings, initialMonitorState, type MonitorPolicy } from "../../core/monitor/State.ts"
import { stepMonitor } from "../../core/monitor/Step.ts"
import { nextBelow, nextFraction, type Prng, seedPrng } from "../../core/Prng.ts"
import { policyKinds } from "../../core/policies/Catalogue.ts"
import { policySpec } from "../../core/policies/PolicySpec.ts"
import type { Transcript } from "./Transcript.ts"

const hosts = 5
const chapters = 60

const sampleOf = (prng: Prng, level: number): BlockSample => {
  const draw = (most: number, missing: number) =>
    Float64Array.from({ length: hosts }, () =>
      nextFraction(prng) < missing ? Number.NaN : most * (level + nextFraction(prng) / 3),
    )
  return {
    capacityCpuMilli: new Float64Array(hosts).fill(8_000),
    capacityMemMilli: new Float64Array(hosts).fill(16_000_000),
    primaryCpuMilli: draw(8_000, 0.02),
    primaryMemMilli: draw(16_000_000, 0.02),
    harvestCpuMilli: draw(2_000, 0.1),
    harvestMemMilli: draw(4_000_000, 0.1),
  }
}

/** A block of hosts under changing load, leases that come and go, gaps, and restarts from snapshots. */
const tell = (seed: string, policy: MonitorPolicy, transcript: Transcript): void => {
  const prng = seedPrng(seed)
  let state = initialMonitorState(hosts, policy, defaultMonitorSettings)
  let nowMs = 1_000
  const step = (event: MonitorEvent) => {
    const { actions, wakeAtMs } = stepMonitor(state, event)
    if (actions.length > 0) transcript.note(event.type, [wakeAtMs, actions])
  }
  for (let chapter = 0; chapter < chapters; chapter++) {
    const level = nextFraction(prng) * 0.8
    for (let samples = 10 + nextBelow(prng, 60); samples > 0; samples--) {
      nowMs += 100
      step({ type: "Sampled", nowMs, wallMs: nowMs, sample: sampleOf(prng, level) })
    }
    const host = nextBelow(prng, hosts)
    const roll = nextBelow(prng, 6)
    if (roll < 3) {
      const lent = { lentCpuMilli: 1_000 + nextBelow(prng, 7_000), lentMemMilli: 8_000_000 }
      const ceiling = { ceilingCpuMilli: roll === 0 ? null : 20, ceilingMemMilli: 64_000 }
      step({ type: "LeaseGranted", nowMs, wallMs: nowMs, host, ...lent, ...ceiling })
    } else if (roll === 3) step({ type: "LeaseLost", nowMs, wallMs: nowMs, host })
    else if (roll === 4) {
      nowMs += nextBelow(prng, 10_000)
      step({ type: "TimePassed", nowMs, wallMs: nowMs })
    } else {
      const rows = JSON.parse(JSON.stringify(snapshotMonitor(state))) as ReturnType<typeof snapshotMonitor>
      transcript.note("rows", rows)
      state = restoreMonitor(rows, policy, defaultMonitorSettings)
    }
  }
  transcript.note("rows", snapshotMonitor(state))
}

export const tellMonitorStory = (seed: string, transcript: Transcript): void => {
  const causal = policyKinds.filter((kind) => kind.causal)
  for (const { name } of causal) {
    const spec = policySpec(name)
    tell(`${seed} ${name}`, { cpu: spec, mem: spec, intervalMs: 1_000 }, transcript)
  }
}
