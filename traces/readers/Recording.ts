import { dirname } from "node:path"
import { createRecordingDecoder, isTornRow, recordingBegin } from "../../core/recording/Recording.ts"
import {
  printPlace,
  type RecordingPlace,
  type TraceBuilder,
  type TraceFormat,
  type TraceIdentity,
} from "../Format.ts"
import type { ImportLog } from "../ImportLog.ts"
import type { LineSink } from "../Lines.ts"
import { cellsMost, missingShares, type Trace } from "../Trace.ts"
import { UnreadableTrace } from "../TraceError.ts"
import { createHostSeries, type FinishedSeries, type HostSeries } from "./HostSeries.ts"

// gleaner's own recordings, of its monitors and of `gleaner trace record`. Rules in traces/README.md.

/** Samples this far apart or closer go onto a grid of 10 s, all others onto one of a minute. */
const fineMs = 10_000
const coarseMs = 60_000

/** A sample this far from the one before it is a broken clock, not a gap. */
const gapMsMost = 366 * 86_400_000

interface Host {
  readonly name: string
  readonly cpu: HostSeries
  readonly mem: HostSeries
  /** Samples per capacity, cpu and memory. */
  readonly cpuCapacities: Map<number, number>
  readonly memCapacities: Map<number, number>
}

export const recording: TraceFormat = {
  name: "gleaner recording",
  firstLine: `${recordingBegin},…`,
  isFirstLine: (line) => line.startsWith(recordingBegin),
  folderOf: (place) => (place.member === null ? dirname(place.file) : place.file),
  createBuilder: (log) => createBuilder(log),
}

const createBuilder = (log: ImportLog): TraceBuilder => {
  const hostsByName = new Map<string, Host>()
  let intervalMs = fineMs
  return {
    openRecording: (place) =>
      readRecording(place, log, (header) => {
        if (header.intervalMs > fineMs) intervalMs = coarseMs
        let host = hostsByName.get(header.host)
        if (host === undefined) {
          host = createHost(header.host)
          hostsByName.set(header.host, host)
        }
        return host
      }),
    build: (identity) => {
      for (const host of hostsByName.values())
        if (host.cpuCapacities.size > 1 || host.memCapacities.size > 1) log.hostsWithChangedCapacity++
      return buildTrace([...hostsByName.values()], intervalMs, identity, log)
    },
  }
}

const createHost = (name: string): Host => ({
  name,
  cpu: createHostSeries(8_640),
  mem: createHostSeries(8_640),
  cpuCapacities: new Map(),
  memCapacities: new Map(),
})

/** Reads one segment; several of one host, also overlapping ones, add up to one. */
const readRecording = (
  place: RecordingPlace,
  log: ImportLog,
  findHost: (header: { readonly host: string; readonly intervalMs: number }) => Host,
): LineSink => {
  const decode = createRecordingDecoder()
  const shown = printPlace(place)
  let host: Host | undefined
  let intervalMs = 0
  let previousMs = -1
  // One line behind, because only the last one may have been cut off by its writer's death.
  let held: string | undefined
  let heldNumber = 0

  const takeSample = (wallMs: number, values: ReadonlyArray<number>, cpuMilli: number, memMilli: number) => {
    const cpuShare = values[2]! / cpuMilli
    const memShare = values[4]! / memMilli
    if (host === undefined || (Number.isNaN(cpuShare) && Number.isNaN(memShare))) return
    log.samples++
    if (cpuShare > 1 || memShare > 1) log.clippedSamples++
    const slot = Math.floor((wallMs - intervalMs / 2) / fineMs)
    let isRepeated = false
    if (!Number.isNaN(cpuShare)) {
      isRepeated = host.cpu.add(slot, cpuShare, 0)
      count(host.cpuCapacities, cpuMilli)
    }
    if (!Number.isNaN(memShare)) {
      isRepeated = host.mem.add(slot, memShare, 0) || isRepeated
      count(host.memCapacities, memMilli)
    }
    if (isRepeated) log.averagedSamples++
  }

  const takeLine = (line: string, number: number) => {
    const decoded = decode(line)
    if (decoded.type === "Bad") {
      if (number > 1) return log.rejectLine(shown, number, decoded.reason)
      throw new UnreadableTrace({
        place: `${shown}:1`,
        reason: `its header ${decoded.reason}`,
        remedy: "Leave the file out, or copy it again",
      })
    }
    if (decoded.type === "Header") {
      host = findHost(decoded.header)
      intervalMs = decoded.header.intervalMs
      return
    }
    const { wallMs } = decoded
    if (decoded.kind !== "s") return
    if (previousMs >= 0 && Math.abs(wallMs - previousMs) > gapMsMost)
      return log.rejectLine(shown, number, "its time lies more than a year from the sample before")
    previousMs = wallMs
    takeSample(wallMs, decoded.values, decoded.capacityCpuMilli, decoded.capacityMemMilli)
  }

  return {
    line: (line, number) => {
      if (held !== undefined) takeLine(held, heldNumber)
      held = line
      heldNumber = number
    },
    end: (lines) => {
      log.lines += lines
      if (held !== undefined && !(heldNumber > 1 && isTornRow(held))) takeLine(held, heldNumber)
    },
  }
}

const count = (counts: Map<number, number>, value: number) => counts.set(value, (counts.get(value) ?? 0) + 1)

/** The capacity that held for most samples; the larger on a tie. */
const mostFrequent = (counts: ReadonlyMap<number, number>): number => {
  let best = 0
  let bestCount = 0
  for (const [value, times] of counts)
    if (times > bestCount || (times === bestCount && value > best)) {
      best = value
      bestCount = times
    }
  return best
}

/** Lays all hosts on one grid from the first to the last sample of any of them. */
const buildTrace = (
  unordered: ReadonlyArray<Host>,
  intervalMs: number,
  identity: TraceIdentity,
  log: ImportLog,
): Trace => {
  const scale = intervalMs / fineMs
  const known = unordered
    .map((host) => ({ host, cpu: host.cpu.finish(), mem: host.mem.finish() }))
    .filter(({ cpu }) => cpu !== undefined)
    .sort((a, b) => (a.host.name < b.host.name ? -1 : 1))
  if (known.length === 0)
    throw new UnreadableTrace({
      place: identity.folder,
      reason: "no file has a usable sample of the primary's cpu",
      remedy: "Let the monitor or gleaner trace record run for a few intervals first",
    })
  let origin = Number.POSITIVE_INFINITY
  let end = 0
  for (const { cpu, mem } of known)
    for (const series of [cpu, mem]) {
      if (series === undefined) continue
      origin = Math.min(origin, Math.floor(series.firstSlot / scale))
      end = Math.max(end, Math.floor((series.firstSlot + series.cpu.length - 1) / scale) + 1)
    }
  const steps = end - origin
  if (steps * known.length > cellsMost)
    throw new UnreadableTrace({
      place: identity.folder,
      reason: `${known.length} hosts over ${steps} steps of ${intervalMs / 1000} s exceed ${cellsMost} samples`,
      remedy: "Read fewer files at once",
    })
  const cpu = missingShares(known.length * steps)
  const hasMem = known.some(({ mem }) => mem !== undefined)
  const mem = hasMem ? missingShares(known.length * steps) : null
  known.forEach((host, index) => {
    if (host.cpu !== undefined) layOnGrid(host.cpu, cpu.subarray(index * steps), origin, scale)
    if (host.mem !== undefined && mem !== null)
      layOnGrid(host.mem, mem.subarray(index * steps), origin, scale)
  })
  return {
    name: identity.name,
    synthetic: false,
    source: recording.name,
    provenance: identity.provenance,
    intervalMs,
    hosts: known.map(({ host }) => host.name),
    steps,
    cpu,
    mem,
    cpuMilli: Float64Array.from(known, ({ host }) => mostFrequent(host.cpuCapacities)),
    memMilli: Float64Array.from(known, ({ host }) => mostFrequent(host.memCapacities)),
    segments: [{ label: "whole", firstStep: 0, steps, startMs: origin * intervalMs }],
    importReport: log.toReport(),
  }
}

/** Copies the slots of 10 s, or their means per minute; a minute has a sample when one of its slots has. */
const layOnGrid = (series: FinishedSeries, into: Float32Array, origin: number, scale: number) => {
  let sum = 0
  let counted = 0
  series.cpu.forEach((share, index) => {
    const slot = series.firstSlot + index
    if (!Number.isNaN(share)) {
      sum += share
      counted += 1
    }
    const isLast = index === series.cpu.length - 1 || (slot + 1) % scale === 0
    if (!isLast) return
    if (counted > 0) into[Math.floor(slot / scale) - origin] = sum / counted
    sum = 0
    counted = 0
  })
}
