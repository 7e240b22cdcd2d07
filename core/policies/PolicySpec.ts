import { assert } from "../Assert.ts"
import { type PolicyKind, type PolicyParameter, policyKinds } from "./Catalogue.ts"
import { durationForm, parseDurationMs, printDurationMs } from "./Duration.ts"
import { suggestNearest } from "./Nearest.ts"
import type { Policy } from "./Policy.ts"

/** A policy with all its parameters, in the order of the catalogue: what a written spec stands for. */
export interface PolicySpec {
  readonly kind: PolicyKind
  readonly values: ReadonlyArray<number>
}

/** An answer, not an exception (design §2, law 4): the spec, or why the text is none. */
export type ParsedPolicy =
  | { readonly _tag: "Accepted"; readonly spec: PolicySpec }
  | { readonly _tag: "Refused"; readonly reason: string }

/**
 * Reads `NAME[:parameter=value,…]`, for example `window-max:window=1h,margin=5%`. Shares are written as percentages or
 * as fractions, parameters that are left out take the catalogue's default.
 */
export const parsePolicySpec = (text: string): ParsedPolicy => {
  const written = text.trim()
  const colon = written.indexOf(":")
  const name = (colon < 0 ? written : written.slice(0, colon)).trim()
  const kind = policyKinds.find((candidate) => candidate.name === name)
  if (kind === undefined) {
    const names = policyKinds.map((candidate) => candidate.name)
    return refuse(
      text,
      `there is no policy "${name}"${suggestNearest(name, names)}; known are ${names.join(", ")}`,
    )
  }
  const values = kind.parameters.map((parameter) => parameter.initial)
  const given: Array<string> = []
  for (const pair of colon < 0 ? [] : written.slice(colon + 1).split(",")) {
    const refusal = takePair(kind, pair, values, given)
    if (refusal !== undefined) return refuse(text, refusal)
  }
  return { _tag: "Accepted", spec: { kind, values } }
}

/** The one canonical way to write a spec: every parameter, in catalogue order. */
export const printPolicySpec = ({ kind, values }: PolicySpec): string =>
  `${kind.name}:${kind.parameters
    .map((parameter, index) => `${parameter.name}=${printValue(parameter, values[index]!)}`)
    .join(",")}`

/** Starts the policy for a block of hosts whose samples are `intervalMs` apart. */
export const createPolicy = (spec: PolicySpec, hosts: number, intervalMs: number): Policy =>
  spec.kind.create(hosts, spec.values, intervalMs)

/** A spec with the given values and defaults for the rest; for callers that know the catalogue. */
export const policySpec = (name: string, given: Readonly<Record<string, number>> = {}): PolicySpec => {
  const kind = policyKinds.find((candidate) => candidate.name === name)
  assert(kind !== undefined, `there is no policy ${name}`)
  return { kind, values: kind.parameters.map((parameter) => given[parameter.name] ?? parameter.initial) }
}

/** A parameter's value as it is written in a spec: `5%`, `1h`, `3`. */
export const printValue = (parameter: PolicyParameter, value: number): string =>
  parameter.unit === "share"
    ? `${roundDecimal(value * 100)}%`
    : parameter.unit === "duration"
      ? printDurationMs(value)
      : String(value)

const refuse = (text: string, reason: string): ParsedPolicy => ({
  _tag: "Refused",
  reason: `policy "${text}": ${reason}`,
})

/** Reads one `parameter=value` into `values`; returns why it cannot. */
const takePair = (
  kind: PolicyKind,
  pair: string,
  values: Array<number>,
  given: Array<string>,
): string | undefined => {
  const equals = pair.indexOf("=")
  const name = (equals < 0 ? pair : pair.slice(0, equals)).trim()
  const names = kind.parameters.map((parameter) => parameter.name)
  const example = `${kind.name}:${kind.parameters.map((known) => `${known.name}=${printValue(known, known.initial)}`).join(",")}`
  if (equals < 0) return `"${name}" is not of the form parameter=value, as in ${example}`
  const index = names.indexOf(name)
  if (index < 0) {
    return `${kind.name} has no parameter "${name}"${suggestNearest(name, names)}; it has ${names.join(", ")}`
  }
  if (given.includes(name)) return `${name} is given twice`
  given.push(name)
  const reading = readParameter(kind.parameters[index]!, pair.slice(equals + 1).trim())
  if (typeof reading === "string") return `${name}=${reading}`
  values[index] = reading
  return undefined
}

/** The value that a text gives a parameter, or the text with why it is none. */
export const readParameter = (parameter: PolicyParameter, text: string): number | string => {
  const value = parseValue(parameter, text)
  if (value === undefined) return `${text} is not ${formOf(parameter)}`
  if (value >= parameter.least && value <= parameter.most) return value
  return `${text} is not between ${printValue(parameter, parameter.least)} and ${printValue(parameter, parameter.most)}`
}

const formOf = (parameter: PolicyParameter): string =>
  parameter.unit === "share"
    ? "a share of capacity, like 5% or 0.05"
    : parameter.unit === "duration"
      ? durationForm
      : "a number, like 3"

const parseValue = (parameter: PolicyParameter, text: string): number | undefined => {
  if (parameter.unit === "duration") return parseDurationMs(text)
  const match = /^(\d{1,9}(?:\.\d{1,12})?)(%?)$/.exec(text)
  if (match === null) return undefined
  const value = Number(match[1])
  if (parameter.unit === "number") return match[2] === "" ? value : undefined
  return match[2] === "%" ? roundDecimal(value / 100) : roundDecimal(value)
}

/** Ten significant digits: so that 7 % is 0.07 and is written `7%` again, not 7.000000000000001%. */
export const roundDecimal = (value: number): number => Number(value.toPrecision(10))
