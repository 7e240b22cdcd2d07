import { basename, dirname } from "node:path"
import {
  printPlace,
  type RecordingPlace,
  type TraceBuilder,
  type TraceFormat,
  type TraceIdentity,
} from "../Format.ts"
import type { ImportLog } from "../ImportLog.ts"
import type { LineSink } from "../Lines.ts"
import { cellsMost, missingShares, type Segment, type Trace } from "../Trace.ts"
import { UnreadableTrace } from "../TraceError.ts"

// CoMon's recordings of PlanetLab VMs (Park, Pai 2006; Beloglazov, Buyya 2012). Rules in traces/README.md.

const intervalMs = 300_000
const stepsPerDay = 288

/** Marks a slot without a sample in a day's bytes; percentages end at 100. */
const missingPercent = 255

/** Nothing is known of the machines; one core each, so that all weigh the same. */
const assumedCpuMilli = 1000

type Days = Map<string, Uint8Array>

export const planetLab: TraceFormat = {
  name: "PlanetLab (CoMon, one percentage per line)",
  firstLine: "a whole percentage, 0 to 100, alone on the line",
  isFirstLine: (line) => isPercentage(line.trim()),
  folderOf: (place) => {
    if (place.member !== null) return dirname(place.file)
    const folder = dirname(place.file)
    return isDay(basename(folder)) ? dirname(folder) : folder
  },
  createBuilder: (log) => createBuilder(log),
}

const isPercentage = (text: string): boolean => /^\d{1,3}$/.test(text) && Number(text) <= 100

const isDay = (name: string): boolean => /^\d{8}$/.test(name) && dayToMs(name) !== undefined

/** `20110303` → the start of that day in UTC. CoMon does not say which clock; days are only told apart by it. */
const dayToMs = (day: string): number | undefined => {
  const startMs = Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}T00:00:00Z`)
  return Number.isNaN(startMs) ? undefined : startMs
}

/** The day that a recording belongs to: its folder's name, or its archive's; "" when neither is a date. */
const dayOf = (place: RecordingPlace): string => {
  const folder = basename(dirname(place.member ?? place.file))
  if (isDay(folder)) return folder
  if (place.member === null) return ""
  const archive = basename(place.file).split(".")[0]!
  return isDay(archive) ? archive : `${archive}/${folder}`
}

const createBuilder = (log: ImportLog): TraceBuilder => {
  const daysByHost = new Map<string, Days>()
  return {
    openRecording: (place) => {
      const host = basename(place.member ?? place.file).replace(/\.gz$/i, "")
      const day = dayOf(place)
      const days: Days = daysByHost.get(host) ?? new Map()
      daysByHost.set(host, days)
      if (days.has(day)) {
        throw new UnreadableTrace({
          place: printPlace(place),
          reason: `VM ${host} is recorded twice${day === "" ? "" : ` on ${day}`}`,
          remedy: "Name only one of the two recordings",
        })
      }
      const percents = new Uint8Array(stepsPerDay).fill(missingPercent)
      days.set(day, percents)
      return readRecording(place, log, percents)
    },
    build: (identity) => buildTrace(daysByHost, identity, log),
  }
}

const readRecording = (place: RecordingPlace, log: ImportLog, percents: Uint8Array): LineSink => {
  const shown = printPlace(place)
  let step = 0
  return {
    line: (line, number) => {
      const text = line.trim()
      if (text === "") return
      if (step >= stepsPerDay) {
        log.rejectLine(shown, number, `is line ${step + 1} of a day that has ${stepsPerDay}`)
      } else if (isPercentage(text)) {
        percents[step] = Number(text)
        log.samples++
      } else {
        log.rejectLine(shown, number, `"${text.slice(0, 40)}" is not a whole percentage from 0 to 100`)
      }
      step++
    },
    end: (lines) => {
      log.lines += lines
      if (step < stepsPerDay) {
        log.rejectLine(shown, lines, `the day ends after ${step} of ${stepsPerDay} lines`)
      }
    },
  }
}

/** Every day becomes a segment of its own: the dates are not consecutive, so nothing may look across midnight. */
const buildTrace = (
  daysByHost: ReadonlyMap<string, Days>,
  identity: TraceIdentity,
  log: ImportLog,
): Trace => {
  const hosts = [...daysByHost.keys()].sort()
  const days = [...new Set([...daysByHost.values()].flatMap((known) => [...known.keys()]))].sort()
  const steps = days.length * stepsPerDay
  if (steps * hosts.length > cellsMost) {
    throw new UnreadableTrace({
      place: identity.folder,
      reason: `${hosts.length} VMs over ${days.length} days exceed ${cellsMost} samples`,
      remedy: "Read fewer days at once",
    })
  }
  const cpu = missingShares(hosts.length * steps)
  hosts.forEach((host, hostIndex) => {
    days.forEach((day, dayIndex) => {
      const percents = daysByHost.get(host)!.get(day)
      if (percents === undefined) return
      const offset = hostIndex * steps + dayIndex * stepsPerDay
      for (let step = 0; step < stepsPerDay; step++) {
        if (percents[step] !== missingPercent) cpu[offset + step] = percents[step]! / 100
      }
    })
  })
  const segments = days.map(
    (day, index): Segment => ({
      label: day === "" ? "day" : day,
      firstStep: index * stepsPerDay,
      steps: stepsPerDay,
      startMs: (isDay(day) ? dayToMs(day) : undefined) ?? 0,
    }),
  )
  return {
    name: identity.name,
    synthetic: false,
    source: planetLab.name,
    provenance: identity.provenance,
    intervalMs,
    hosts,
    steps,
    cpu,
    mem: null,
    cpuMilli: new Float64Array(hosts.length).fill(assumedCpuMilli),
    memMilli: new Float64Array(hosts.length),
    segments,
    importReport: log.toReport(),
  }
}
