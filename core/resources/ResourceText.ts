import { type Reading, readJson } from "../policies/JsonPlace.ts"
import { decimalToMilli } from "./Decimal.ts"
import { defaultReservations, mesosJsonToResources } from "./MesosJson.ts"
import { type KindFields, type Reservation, type Resource, resourceOf, toKind } from "./Resource.ts"
import { listProblem, mostUnits, resourceProblem } from "./ResourceRules.ts"
import { type Resources, toResources } from "./Resources.ts"
import { roleProblem } from "./RoleName.ts"
import { readValueText } from "./ValueText.ts"

/**
 * Reads resources as Mesos agents take them (spec/mesos.md §1.7, "Agent flag syntax"): either
 * `cpus:8;mem(ads):1024;ports:[21000-24000,30000-34000];zones(*):{a,b}`, where a role in parentheses is a static reservation, or a
 * JSON array, which can say more ({@link mesosJsonToResources}). The default role is for what names none; `*` = unreserved.
 *
 * Amounts are in Mesos's units, rounded to thousandths ({@link decimalToMilli}); one that comes to 0 is nothing, and the same
 * kind twice adds up. The answer is the resources or a sentence with the place of what is wrong and its remedy.
 */
export const parseResources = (text: string, defaultRole = "*"): Resources | string => {
  const problem = defaultRole === "*" ? null : roleProblem(defaultRole)
  if (problem !== null) return `default role: ${problem}`
  const trimmed = text.trim()
  return trimmed.charAt(0) === "[" || trimmed.charAt(0) === "{"
    ? parseJson(trimmed, defaultRole)
    : parseEntries(trimmed, defaultRole)
}

const parseJson = (text: string, defaultRole: string): Resources | string => {
  const reading: Reading = { reason: null }
  const json = readJson(reading, text)
  return reading.reason === null
    ? mesosJsonToResources(json, "resources", defaultRole)
    : `resources: ${reading.reason}`
}

const parseEntries = (text: string, defaultRole: string): Resources | string => {
  const entries = text
    .split(";")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
  const placeAt = (index: number): string => `resource ${index + 1} '${entries[index]}'`
  const list: Array<Resource> = []
  for (let index = 0; index < entries.length; index++) {
    const resource = parseEntry(entries[index]!, defaultRole)
    if (typeof resource === "string") return `${placeAt(index)}: ${resource}`
    list.push(resource)
  }
  const problem = listProblem(list)
  return problem === null ? toResources(list) : `${placeAt(problem.index)}: ${problem.why}`
}

const parseEntry = (entry: string, defaultRole: string): Resource | string => {
  const colon = entry.indexOf(":")
  if (colon < 0) return "there is no colon: write name:value or name(role):value"
  const head = /^([^()]*)(?:\(([^()]*)\))?$/.exec(entry.slice(0, colon).trim())
  if (head === null) return "its parentheses do not fit: write name(role):value"
  const reservations = entryReservations(head[2], defaultRole)
  if (typeof reservations === "string") return reservations
  const value = readValueText(entry.slice(colon + 1))
  if (typeof value === "string") return value
  if (value.type === "text") {
    return `'${value.text}' is a text, which is no resource: make it an attribute, or write a number, [ranges] or {a set}`
  }
  const amount = value.type === "scalar" ? decimalToMilli(value.text) : value.value
  if (amount === null || (typeof amount === "number" && amount < 0)) {
    return `the amount must be from 0 to ${mostUnits}`
  }
  const fields: KindFields = { name: head[1]!.trim(), type: value.type, reservations }
  return resourceProblem(fields, amount) ?? resourceOf(toKind(fields), amount)
}

const entryReservations = (
  written: string | undefined,
  defaultRole: string,
): ReadonlyArray<Reservation> | string => {
  if (written === undefined) return defaultReservations(defaultRole)
  const role = written.trim()
  if (role === "*") return []
  return roleProblem(role) ?? defaultReservations(role)
}
