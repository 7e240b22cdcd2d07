import { durationToSteps, type PolicyKind, type PolicyParameter, policyKinds } from "./Catalogue.ts"
import {
  type JsonObject,
  placeOf,
  type Reading,
  readJson,
  readNumber,
  readObject,
  refuseAt,
  showJson,
  valueAt,
} from "./JsonPlace.ts"
import { suggestNearest } from "./Nearest.ts"
import {
  type PolicySpec,
  policySpec,
  printPolicySpec,
  printValue,
  readParameter,
  roundDecimal,
} from "./PolicySpec.ts"

/**
 * A `*.policy.json`: what was tuned in simulation and is run unchanged in production (design §6). As text:
 *
 *     {
 *       "version": 1,
 *       "policy": "window-max",
 *       "parameters": { "window": "1h", "margin": "10%" },
 *       "resources": { "mem": { "policy": "n-sigma", "parameters": { "n": 5, "window": "1d" } } },
 *       "intervalMs": 10000,
 *       "horizonMs": 600000,
 *       "tunedOn": {
 *         "traceHash": "sha256:5e8f…", "hosts": 1313, "from": "2018-01-01", "to": "2018-01-08", "budget": 0.005
 *       },
 *       "expected": {
 *         "cpu": {
 *           "harvestShare": 0.61, "oracleShare": 0.78, "violationRate": 0.0046, "meanDepth": 0.05,
 *           "worstHostViolationRate": 0.02
 *         }
 *       }
 *     }
 *
 * - `version`, `policy`, `intervalMs` (between two steps of the policy) and `horizonMs` (how far ahead a reserve must hold)
 *   are required. `parameters` that are left out take the catalogue's defaults. Durations are texts with a unit; shares
 *   are texts like "5%" or numbers from 0 to 1.
 * - `policy` and `parameters` hold for both resources; `resources.cpu` and `resources.mem` say what differs: with the same
 *   policy (or none named) their parameters are laid over the common ones, another policy starts from its own defaults.
 * - `tunedOn`: the recording, its hosts and span (UTC, a day or an instant, null when it does not say) and the budget, the
 *   violation rate that was allowed. `expected`: figures on it, named as in `EvaluationRow`. Nothing is decided on them.
 */
export interface PolicyFile {
  readonly version: 1
  readonly cpu: PolicySpec
  readonly mem: PolicySpec
  readonly intervalMs: number
  readonly horizonMs: number
  readonly tunedOn: TunedOn | null
  readonly expected: Expected | null
}

export interface TunedOn {
  readonly traceHash: string
  readonly hosts: number
  readonly from: string | null
  readonly to: string | null
  /** Violation rate allowed, 0 to 1. */
  readonly budget: number
}

export interface Expected {
  readonly cpu: ExpectedFigures | null
  readonly mem: ExpectedFigures | null
}

/** Fractions, as in `EvaluationRow` of the simulator. */
export interface ExpectedFigures {
  readonly harvestShare: number
  readonly oracleShare: number
  readonly violationRate: number
  readonly meanDepth: number
  readonly worstHostViolationRate: number
}

/** An answer, not an exception (design §2, law 4): the file, or why and where the text is none. */
export type ParsedPolicyFile =
  | { readonly _tag: "Accepted"; readonly file: PolicyFile }
  | { readonly _tag: "Refused"; readonly reason: string }

/** A longer text is refused unread. */
export const policyFileLengthMost = 65_536
/** Samples in a policy's window at most: a few MiB per host (design L10). */
export const windowStepsMost = 100_000

/**
 * What runs when nobody gives a file: the highest hour plus 10 points for cpu, the highest day plus 5 for memory, which
 * cannot be taken back in time. Not tuned; more cautious than any baseline of spec/baselines.md §2 with a window.
 */
export const defaultPolicyFile: PolicyFile = {
  version: 1,
  cpu: policySpec("window-max", { window: 3_600_000, margin: 0.1 }),
  mem: policySpec("window-max", { window: 86_400_000, margin: 0.05 }),
  intervalMs: 10_000,
  horizonMs: 600_000,
  tunedOn: null,
  expected: null,
}

/** What `initialMonitorState` takes. */
export const toMonitorPolicy = ({
  cpu,
  mem,
  intervalMs,
}: PolicyFile): Pick<PolicyFile, "cpu" | "mem" | "intervalMs"> => ({ cpu, mem, intervalMs })

/**
 * Reads a policy file for production. Refused, with the place: what is not JSON, unknown versions, keys, policies and
 * parameters (with the nearest known one), values out of range, windows of more than {@link windowStepsMost} intervals,
 * and policies that need the future.
 */
export const parsePolicyFile = (text: string): ParsedPolicyFile => {
  const reading: Reading = { reason: null }
  const file = readFile(reading, text)
  return file === undefined || reading.reason !== null
    ? { _tag: "Refused", reason: `policy file: ${reading.reason}` }
    : { _tag: "Accepted", file }
}

/** The one canonical text: every parameter named; reading it gives the same file. */
export const printPolicyFile = (file: PolicyFile): string => {
  const isCommon = printPolicySpec(file.cpu) === printPolicySpec(file.mem)
  const content = {
    version: file.version,
    ...specToJson(file.cpu),
    resources: isCommon ? {} : { mem: specToJson(file.mem) },
    intervalMs: file.intervalMs,
    horizonMs: file.horizonMs,
    tunedOn: file.tunedOn,
    expected: file.expected,
  }
  return `${JSON.stringify(content, null, 2)}\n`
}

const specToJson = ({ kind, values }: PolicySpec) => {
  const parameters: { [name: string]: string | number } = {}
  kind.parameters.forEach((parameter, index) => {
    const value = values[index]!
    parameters[parameter.name] = parameter.unit === "number" ? value : printValue(parameter, value)
  })
  return { policy: kind.name, parameters }
}

const fileKeys = [
  "version",
  "policy",
  "parameters",
  "resources",
  "intervalMs",
  "horizonMs",
  "tunedOn",
  "expected",
]

const readFile = (reading: Reading, text: string): PolicyFile | undefined => {
  if (text.length > policyFileLengthMost) {
    return refuseAt(reading, "", `longer than ${policyFileLengthMost} characters: this is no policy file`)
  }
  const value = readJson(reading, text)
  if (reading.reason !== null) return undefined
  // The version first: a later one may have other keys.
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const version = valueAt(value as JsonObject, "version")
    if (version !== 1) {
      return refuseAt(
        reading,
        "version",
        `${showJson(version)} is not a version this gleaner reads; it reads 1`,
      )
    }
  }
  const object = readObject(reading, "", value, fileKeys)
  if (object === undefined) return undefined
  const ms = { isWhole: true, unit: "ms" }
  const intervalMs = readNumber(reading, "", object, "intervalMs", { least: 1_000, most: 3_600_000, ...ms })
  const horizonMs = readNumber(reading, "", object, "horizonMs", { least: 1_000, most: 2_678_400_000, ...ms })
  if (intervalMs === undefined || horizonMs === undefined) return undefined
  if (horizonMs < intervalMs) {
    return refuseAt(reading, "horizonMs", `${horizonMs} is shorter than intervalMs, ${intervalMs}`)
  }
  const specs = readSpecs(reading, object, intervalMs)
  const tunedOn = readTunedOn(reading, valueAt(object, "tunedOn"))
  const expected = readExpected(reading, valueAt(object, "expected"))
  return specs === undefined ? undefined : { version: 1, ...specs, intervalMs, horizonMs, tunedOn, expected }
}

const readSpecs = (
  reading: Reading,
  object: JsonObject,
  intervalMs: number,
): { readonly cpu: PolicySpec; readonly mem: PolicySpec } | undefined => {
  const common = readSpec(reading, "", object, null, intervalMs)
  if (common === undefined) return undefined
  const resources = readOptional(reading, "resources", valueAt(object, "resources"), ["cpu", "mem"])
  const readOwn = (name: string): PolicySpec | undefined => {
    const place = placeOf("resources", name)
    const own = readOptional(reading, place, valueAt(resources, name), ["policy", "parameters"])
    return readSpec(reading, place, own, common, intervalMs)
  }
  const cpu = readOwn("cpu")
  const mem = readOwn("mem")
  return cpu === undefined || mem === undefined ? undefined : { cpu, mem }
}

/** A policy and its parameters, the latter laid over `common` where it is the same policy. */
const readSpec = (
  reading: Reading,
  place: string,
  object: JsonObject,
  common: PolicySpec | null,
  intervalMs: number,
): PolicySpec | undefined => {
  const kind = readKind(reading, placeOf(place, "policy"), valueAt(object, "policy"), common)
  if (kind === undefined) return undefined
  const base = common !== null && common.kind === kind ? common : policySpec(kind.name)
  const parametersPlace = placeOf(place, "parameters")
  const names = kind.parameters.map((parameter) => parameter.name)
  const given = readOptional(reading, parametersPlace, valueAt(object, "parameters"), names)
  const values = kind.parameters.map((parameter, index) => {
    const value = valueAt(given, parameter.name)
    if (value === undefined) return base.values[index]!
    return readValue(reading, placeOf(parametersPlace, parameter.name), parameter, value, intervalMs)
  })
  return { kind, values }
}

const readKind = (
  reading: Reading,
  place: string,
  name: unknown,
  common: PolicySpec | null,
): PolicyKind | undefined => {
  if (name === undefined && common !== null) return common.kind
  const kind = policyKinds.find((candidate) => candidate.name === name)
  if (kind === undefined) {
    const names = policyKinds.filter((candidate) => candidate.causal).map((candidate) => candidate.name)
    const hint = typeof name === "string" ? suggestNearest(name, names) : ""
    return refuseAt(
      reading,
      place,
      `${showJson(name)} is not a policy${hint}${hint === "" ? "; " : " "}known are ${names.join(", ")}`,
    )
  }
  if (kind.causal) return kind
  return refuseAt(reading, place, `"${kind.name}" needs the future: simulation only`)
}

const readValue = (
  reading: Reading,
  place: string,
  parameter: PolicyParameter,
  value: unknown,
  intervalMs: number,
): number => {
  const { unit, least, most, initial } = parameter
  if (unit !== "duration" && typeof value === "number") {
    if (value >= least && value <= most) return unit === "share" ? roundDecimal(value) : value
    refuseAt(reading, place, `${value} is not between ${least} and ${most}`)
    return initial
  }
  if (typeof value !== "string") {
    refuseAt(reading, place, `${showJson(value)} is not a text like "${printValue(parameter, initial)}"`)
    return initial
  }
  const read = readParameter(parameter, value.trim())
  if (typeof read === "string") {
    refuseAt(reading, place, read)
    return initial
  }
  if (unit === "duration" && durationToSteps(read, intervalMs) > windowStepsMost) {
    const why = `${value} is more than ${windowStepsMost} intervals of ${intervalMs} ms: choose a shorter one or a longer intervalMs`
    refuseAt(reading, place, why)
  }
  return read
}

/** An object that may be left out; an empty one stands for it, also after a refusal. */
const readOptional = (
  reading: Reading,
  place: string,
  value: unknown,
  keys: ReadonlyArray<string>,
): JsonObject => {
  const object = value === undefined ? undefined : readObject(reading, place, value, keys)
  return object === undefined ? {} : object
}

const instant =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3})?Z)?$/

// One text, because the structure test takes a quoted word after "from" for an import.
const tunedOnKeys = "traceHash hosts budget from to".split(" ")
const [fromKey, toKey] = tunedOnKeys.slice(3) as [string, string]

const readTunedOn = (reading: Reading, value: unknown): TunedOn | null => {
  if (value === undefined || value === null) return null
  const place = "tunedOn"
  const object = readObject(reading, place, value, tunedOnKeys)
  if (object === undefined) return null
  const traceHash = valueAt(object, "traceHash")
  if (typeof traceHash !== "string" || !/^[\w:.+/=-]{1,200}$/.test(traceHash)) {
    refuseAt(reading, "tunedOn.traceHash", `${showJson(traceHash)} is not the hash of a trace`)
    return null
  }
  const count = { least: 1, most: 1e9, isWhole: true, unit: "hosts" }
  const hosts = readNumber(reading, place, object, "hosts", count)
  const share = { least: 0, most: 1, isWhole: false, unit: "violation rate" }
  const budget = readNumber(reading, place, object, "budget", share)
  const readInstant = (key: string): string | null => {
    const text = valueAt(object, key)
    if (text === undefined || text === null) return null
    if (typeof text === "string" && instant.test(text)) return text
    refuseAt(
      reading,
      placeOf(place, key),
      `${showJson(text)} is not a day or instant like 2018-01-08 or 2018-01-08T12:00:00Z`,
    )
    return null
  }
  const from = readInstant(fromKey)
  const to = readInstant(toKey)
  if (from !== null && to !== null && to < from.slice(0, to.length)) {
    refuseAt(reading, "tunedOn.to", `${to} is before tunedOn.from, ${from}`)
  }
  return hosts === undefined || budget === undefined ? null : { traceHash, hosts, from, to, budget }
}

const figureKeys = ["harvestShare", "oracleShare", "violationRate", "meanDepth", "worstHostViolationRate"]

const readExpected = (reading: Reading, value: unknown): Expected | null => {
  if (value === undefined || value === null) return null
  const object = readOptional(reading, "expected", value, ["cpu", "mem"])
  return {
    cpu: readFigures(reading, "expected.cpu", valueAt(object, "cpu")),
    mem: readFigures(reading, "expected.mem", valueAt(object, "mem")),
  }
}

const readFigures = (reading: Reading, place: string, value: unknown): ExpectedFigures | null => {
  if (value === undefined || value === null) return null
  const object = readObject(reading, place, value, figureKeys)
  if (object === undefined) return null
  const figure = (key: string, most: number): number => {
    const read = readNumber(reading, place, object, key, { least: 0, most, isWhole: false, unit: "fraction" })
    return read === undefined ? 0 : read
  }
  return {
    harvestShare: figure("harvestShare", 1),
    // A policy that reserves less than the oracle harvests more than it.
    oracleShare: figure("oracleShare", 1_000),
    violationRate: figure("violationRate", 1),
    meanDepth: figure("meanDepth", 1),
    worstHostViolationRate: figure("worstHostViolationRate", 1),
  }
}
