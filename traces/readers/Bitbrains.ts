import { basename, dirname, join } from "node:path"
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
import { createHostSeries, type FinishedSeries } from "./HostSeries.ts"

// Grid Workloads Archive GWA-T-12 (Shen, van Beek, Iosup, CCGrid 2015). The rules for its oddities are stated in
// traces/README.md; change both together.

const intervalSeconds = 300
const slotsPerDay = 86_400 / intervalSeconds

const columns = [
  "Timestamp [ms]",
  "CPU cores",
  "CPU capacity provisioned [MHZ]",
  "CPU usage [MHZ]",
  "CPU usage [%]",
  "Memory capacity provisioned [KB]",
  "Memory usage [KB]",
  "Disk read throughput [KB/s]",
  "Disk write throughput [KB/s]",
  "Network received throughput [KB/s]",
  "Network transmitted throughput [KB/s]",
]

/** Seconds since 1970 that a recording can plausibly carry: 2000 to 2100. */
const secondsLeast = 946_684_800
const secondsMost = 4_102_444_800

/** A header that says milliseconds and once means them: anything this large is taken at its word. */
const millisecondsLeast = 100_000_000_000

/** A sample this far from the one before it in the file is a broken timestamp, not a gap. */
const gapSecondsMost = 366 * 86_400

interface Host {
  readonly name: string
  readonly place: RecordingPlace
  readonly series: FinishedSeries
  readonly firstSeconds: number
  readonly cpuMilli: number
  readonly memMilli: number
}

export const bitbrains: TraceFormat = {
  name: "Bitbrains CSV (GWA-T-12)",
  firstLine: `${columns.slice(0, 2).join(";<TAB>")};<TAB>…`,
  isFirstLine: (line) => {
    const names = line.split(";").map((name) => name.trim())
    return names.length === columns.length && names.every((name, index) => name === columns[index])
  },
  folderOf: (place) =>
    place.member === null ? dirname(place.file) : dirname(join(place.file, place.member)),
  createBuilder: (log) => createBuilder(log),
}

const createBuilder = (log: ImportLog): TraceBuilder => {
  const hostsByName = new Map<string, Host>()
  return {
    openRecording: (place) =>
      readRecording(place, log, (host) => {
        const other = hostsByName.get(host.name)
        if (other !== undefined) {
          throw new UnreadableTrace({
            place: printPlace(place),
            reason: `host ${host.name} is recorded twice, also in ${printPlace(other.place)}`,
            remedy: "Name only one of the two",
          })
        }
        hostsByName.set(host.name, host)
      }),
    build: (identity) => buildTrace([...hostsByName.values()], identity, log),
  }
}

/** Reads one file: one host. */
const readRecording = (place: RecordingPlace, log: ImportLog, onHost: (host: Host) => void): LineSink => {
  const series = createHostSeries(slotsPerDay * 31)
  const cores = createCapacityCount()
  const memory = createCapacityCount()
  const shown = printPlace(place)
  let firstSeconds = Number.POSITIVE_INFINITY
  let previousSeconds = -1
  const row = new Float64Array(columns.length)

  const takeLine = (line: string, number: number) => {
    if (number === 1 || line.trim() === "") return
    const problem = parseRow(line, row) ?? checkTime(row, previousSeconds)
    if (problem !== undefined) {
      log.rejectLine(shown, number, problem)
      return
    }
    const seconds = row[0]!
    if (seconds === previousSeconds) log.repeatedRows++
    previousSeconds = seconds
    if (seconds < firstSeconds) firstSeconds = seconds
    cores.add(row[1]!)
    memory.add(row[5]!)
    const isOn = row[1]! > 0 && row[2]! > 0
    if (!isOn) log.zeroCapacitySamples++
    const cpuShare = isOn ? row[4]! / 100 : 0
    const memShare = row[5]! > 0 ? row[6]! / row[5]! : 0
    if (cpuShare > 1 || memShare > 1) log.clippedSamples++
    log.samples++
    if (series.add(Math.round(seconds / intervalSeconds), cpuShare, memShare)) log.averagedSamples++
  }

  return {
    line: takeLine,
    end: (lines) => {
      log.lines += lines
      const finished = series.finish()
      if (finished === undefined) {
        log.rejectLine(shown, lines, "the file ends without a single sample")
        return
      }
      if (cores.hasChanged() || memory.hasChanged()) log.hostsWithChangedCapacity++
      onHost({
        name: basename(place.member ?? place.file).replace(/(\.csv)?(\.gz)?$/i, ""),
        place,
        series: finished,
        firstSeconds,
        cpuMilli: Math.round(cores.mostFrequent() * 1000),
        // KB of the recording are KiB; a thousandth of a MiB is 1.024 KiB.
        memMilli: Math.round((memory.mostFrequent() / 1024) * 1000),
      })
    },
  }
}

/** Reads the columns that are used into `row`; returns why the line cannot be used. */
const parseRow = (line: string, row: Float64Array): string | undefined => {
  let start = 0
  for (let column = 0; column < columns.length; column++) {
    const isLast = column === columns.length - 1
    const end = line.indexOf(";", start)
    if (end < 0 !== isLast) {
      return `has ${line.split(";").length} fields separated by ";", expected ${columns.length}`
    }
    if (column < 7 && column !== 3) {
      const text = line.slice(start, end).trim()
      const value = text === "" ? Number.NaN : Number(text)
      if (!(value >= 0) || value === Number.POSITIVE_INFINITY) {
        return `"${columns[column]}" is "${text.slice(0, 40)}", expected a number from 0 up`
      }
      row[column] = value
    }
    start = end + 1
  }
  return undefined
}

/** Turns the timestamp into seconds; returns why it cannot be one. */
const checkTime = (row: Float64Array, previousSeconds: number): string | undefined => {
  const written = row[0]!
  const seconds = written >= millisecondsLeast ? written / 1000 : written
  if (seconds < secondsLeast || seconds > secondsMost) {
    return `timestamp ${written} does not lie between 2000 and 2100 in seconds since 1970`
  }
  if (previousSeconds >= 0 && Math.abs(seconds - previousSeconds) > gapSecondsMost) {
    return `timestamp ${written} lies more than a year from the line before`
  }
  row[0] = seconds
  return undefined
}

/** Which capacity held for how many samples. */
const createCapacityCount = () => {
  const counts = new Map<number, number>()
  return {
    add: (capacity: number) => {
      if (capacity > 0) counts.set(capacity, (counts.get(capacity) ?? 0) + 1)
    },
    hasChanged: () => counts.size > 1,
    mostFrequent: () => {
      let best = 0
      let bestCount = 0
      for (const [capacity, count] of counts) {
        if (count > bestCount || (count === bestCount && capacity > best)) {
          best = capacity
          bestCount = count
        }
      }
      return best
    },
  }
}

/** Numbers in their order, everything else as text: 2 before 10. */
const compareNames = (a: string, b: string): number => {
  const [x, y] = [Number(a), Number(b)]
  if (x !== y && !Number.isNaN(x) && !Number.isNaN(y)) return x - y
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * Lays all hosts on one grid. It begins at the slot boundary at or before the first sample and has whole days: the files
 * are months, and what their last day lacks is missing samples, not another end (spec/baselines.md §1 counts so too).
 */
const buildTrace = (unordered: ReadonlyArray<Host>, identity: TraceIdentity, log: ImportLog): Trace => {
  if (unordered.length === 0) {
    throw new UnreadableTrace({
      place: identity.folder,
      reason: "no file has a usable sample",
      remedy: "See the skipped lines with --bad-lines=fail",
    })
  }
  const hosts = [...unordered].sort((a, b) => compareNames(a.name, b.name))
  let firstSeconds = Number.POSITIVE_INFINITY
  let endSlot = 0
  for (const { firstSeconds: own, series } of hosts) {
    firstSeconds = Math.min(firstSeconds, own)
    endSlot = Math.max(endSlot, series.firstSlot + series.cpu.length)
  }
  const origin = Math.floor(firstSeconds / intervalSeconds)
  const steps = Math.ceil((endSlot - origin) / slotsPerDay) * slotsPerDay
  if (steps * hosts.length > cellsMost) {
    throw new UnreadableTrace({
      place: identity.folder,
      reason: `${hosts.length} hosts over ${steps / slotsPerDay} days exceed ${cellsMost} samples`,
      remedy: "Read fewer files or fewer months at once",
    })
  }
  const cpu = missingShares(hosts.length * steps)
  const mem = missingShares(hosts.length * steps)
  hosts.forEach((host, index) => {
    const offset = index * steps + host.series.firstSlot - origin
    cpu.set(host.series.cpu, offset)
    mem.set(host.series.mem, offset)
  })
  return {
    name: identity.name,
    synthetic: false,
    source: bitbrains.name,
    provenance: identity.provenance,
    intervalMs: intervalSeconds * 1000,
    hosts: hosts.map((host) => host.name),
    steps,
    cpu,
    mem,
    cpuMilli: Float64Array.from(hosts, (host) => host.cpuMilli),
    memMilli: Float64Array.from(hosts, (host) => host.memMilli),
    segments: [{ label: "whole", firstStep: 0, steps, startMs: origin * intervalSeconds * 1000 }],
    importReport: log.toReport(),
  }
}
