import { assert } from "../Assert.ts"
import type { Entity } from "../Machine.ts"
import type { PolicySnapshot } from "../policies/Policy.ts"
import { printPolicySpec } from "../policies/PolicySpec.ts"
import type { HarvestTask } from "./Event.ts"
import type { MonitorSettings } from "./Settings.ts"
import { initialMonitorState, type MonitorPolicy, type MonitorState } from "./State.ts"
import type { Track } from "./Track.ts"

/** All arrays of a track that outlive a step. */
const trackArrays = [
  "knownAtMs",
  "capacityMilli",
  "useMilli",
  "harvestMilli",
  "promisedMilli",
  "peaksMilli",
  "intervalKnownMs",
  "intervalUse",
  "shortKnownMs",
  "shortUse",
  "shortBefore",
  "policyShare",
  "reserveShare",
  "mayFall",
  "saidMilli",
  "lentMilli",
  "ceilingMilli",
  "aboveMs",
  "isRaising",
  "raiseFromMs",
  "raisedAtMs",
  "raiseWaitMs",
] as const

interface TrackRow {
  readonly bucket: number
  readonly policy: PolicySnapshot
  readonly arrays: ReadonlyArray<ReadonlyArray<number>>
}

/** What a snapshot was taken of: it restores nothing else. */
interface BlockRow {
  readonly hosts: number
  readonly policy: string
  readonly nowMs: number
  readonly startedAtMs: number
  readonly sampledAtMs: number
  readonly intervalFromMs: number
  readonly wakeAtMs: number | null
  readonly hasLease: ReadonlyArray<number>
  readonly saidAtMs: ReadonlyArray<number>
}

const policyText = ({ cpu, mem, intervalMs }: MonitorPolicy): string =>
  `cpu ${printPolicySpec(cpu)} mem ${printPolicySpec(mem)} every ${intervalMs} ms`

const copyNumbers = (array: Float64Array | Uint8Array): ReadonlyArray<number> => {
  const copy: Array<number> = []
  for (let index = 0; index < array.length; index++) copy.push(array[index]!)
  return copy
}

const trackRow = (track: Track): TrackRow => ({
  bucket: track.bucket,
  policy: track.policy.snapshot(),
  arrays: trackArrays.map((name) => copyNumbers(track[name])),
})

const restoreTrack = (track: Track, row: TrackRow): void => {
  track.bucket = row.bucket
  track.policy.restore(row.policy)
  for (let index = 0; index < trackArrays.length; index++) {
    const to = track[trackArrays[index]!]
    const from = row.arrays[index]
    assert(
      from !== undefined && from.length === to.length,
      `a snapshot without ${trackArrays[index]} of this block`,
    )
    to.set(from)
  }
}

/** The whole state as rows of plain data (JSON returns exactly the same), in a fixed order: equal states, equal bytes. */
export const snapshotMonitor = (state: MonitorState): ReadonlyArray<Entity> => {
  const block: BlockRow = {
    hosts: state.hosts,
    policy: policyText(state.policy),
    nowMs: state.nowMs,
    startedAtMs: state.startedAtMs,
    sampledAtMs: state.sampledAtMs,
    intervalFromMs: state.intervalFromMs,
    wakeAtMs: state.wakeAtMs,
    hasLease: copyNumbers(state.hasLease),
    saidAtMs: copyNumbers(state.saidAtMs),
  }
  return [
    { kind: "monitor", key: "block", value: block },
    { kind: "monitor", key: "cpu", value: trackRow(state.cpu) },
    { kind: "monitor", key: "mem", value: trackRow(state.mem) },
    { kind: "monitor", key: "tasks", value: state.tasks.map((tasks) => tasks.slice()) },
  ]
}

/**
 * The state that goes on exactly as the one that was stored, whatever the order of the rows. Asserts the same policy; the
 * machine's time must go on from the snapshot's.
 */
export const restoreMonitor = (
  entities: ReadonlyArray<Entity>,
  policy: MonitorPolicy,
  settings: MonitorSettings,
): MonitorState => {
  const rowOf = (key: string): unknown => {
    const entity = entities.find((one) => one.kind === "monitor" && one.key === key)
    assert(entity !== undefined, `rows of a monitor without "${key}": the snapshot is incomplete`)
    return entity.value
  }
  const block = rowOf("block") as BlockRow
  assert(
    block.policy === policyText(policy),
    `a snapshot of a monitor with ${block.policy} cannot restore one with ${policyText(policy)}`,
  )
  const state = initialMonitorState(block.hosts, policy, settings)
  state.nowMs = block.nowMs
  state.startedAtMs = block.startedAtMs
  state.sampledAtMs = block.sampledAtMs
  state.intervalFromMs = block.intervalFromMs
  state.wakeAtMs = block.wakeAtMs
  state.hasLease.set(block.hasLease)
  state.saidAtMs.set(block.saidAtMs)
  restoreTrack(state.cpu, rowOf("cpu") as TrackRow)
  restoreTrack(state.mem, rowOf("mem") as TrackRow)
  const tasks = rowOf("tasks") as ReadonlyArray<ReadonlyArray<HarvestTask>>
  for (let host = 0; host < block.hosts; host++) state.tasks[host] = tasks[host]!.slice()
  return state
}
