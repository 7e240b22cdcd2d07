import { findNearest } from "../../core/policies/Nearest.ts"
import { sections, sharedSettings } from "./Catalogue.ts"
import {
  type Given,
  lastOfEachName,
  type ReadValue,
  readPair,
  readText,
  type SourceReading,
  suggest,
} from "./Given.ts"
import { type Section, variablePrefix } from "./Section.ts"
import { keyToVariable, type Named, type Setting, type Settings, type Surroundings } from "./Setting.ts"

/** Names the configuration file. */
export const configVariable = "GLEANER_CONFIG"

/** gleaner's own, which are no settings. */
const otherVariables = [configVariable, "GLEANER_VERSION", "GLEANER_BUILD"]
const testPrefix = "GLEANER_TEST_"

const variablesOf = (prefix: string, settings: Settings): ReadonlyArray<readonly [string, string]> =>
  Object.keys(settings)
    .filter((key) => !settings[key]!.isHidden)
    .map((key): readonly [string, string] => [`${prefix}${keyToVariable(key)}`, key])

/**
 * What the environment says to the section: `GLEANER_DATA` to all, `GLEANER_AGENT_PORT` to one. An empty variable says
 * nothing. Other daemons' variables are theirs to judge, since one environment may serve several.
 */
export const readEnvironment = (
  { name, settings }: Section,
  environment: Surroundings["environment"],
): SourceReading => {
  const own = new Map(variablesOf(variablePrefix(name), settings))
  const shared = new Map(variablesOf("GLEANER_", sharedSettings))
  const given: Array<Given> = []
  const ownGiven: Array<Given> = []
  const problems: Array<string> = []
  for (const variable of Object.keys(environment)) {
    const written = environment[variable]
    if (variable.indexOf("GLEANER_") !== 0 || written === undefined || written === "") continue
    const key = own.get(variable) ?? shared.get(variable)
    if (key === undefined) {
      const problem = unknownVariable(variable, name, Array.from(own.keys()), Array.from(shared.keys()))
      if (problem !== undefined) problems.push(problem)
      continue
    }
    const setting = settings[key]
    if (setting === undefined) continue // shared, but not with this command
    const read = readVariable(setting, `$${variable}`, written)
    if (read._tag === "Wrong") problems.push(read.problem)
    else {
      const isSaidToAll = !own.has(variable)
      ;(isSaidToAll ? given : ownGiven).push({ key, place: `$${variable}`, value: read.value, isSaidToAll })
    }
  }
  return { given: [...given, ...ownGiven], problems }
}

/**
 * Why a variable is refused. One with this daemon's prefix is meant for it; one without any daemon's is refused when it
 * looks like a misspelt setting, and somebody else's otherwise.
 */
const unknownVariable = (
  variable: string,
  ownName: string,
  own: ReadonlyArray<string>,
  shared: ReadonlyArray<string>,
): string | undefined => {
  const prefix = variablePrefix(ownName)
  const isOwn = variable.indexOf(prefix) === 0
  const isForeign =
    otherVariables.indexOf(variable) !== -1 ||
    variable.indexOf(testPrefix) === 0 ||
    sections.some(({ name }) => variable.indexOf(variablePrefix(name)) === 0)
  if (!isOwn && isForeign) return undefined
  const shownPrefix = isOwn ? prefix : "GLEANER_"
  // Compared without what all have in common, and in lower case, as the search wants them.
  const toWord = (known: string) => known.slice(shownPrefix.length).toLowerCase()
  const known = (isOwn ? own : shared).map(toWord)
  const show = (word: string) => `$${shownPrefix}${word.toUpperCase()}`
  const isNear = findNearest(toWord(variable), known) !== undefined
  return isOwn || isNear ? `$${variable} is no setting${suggest(toWord(variable), known, show)}` : undefined
}

const readVariable = (setting: Setting<unknown>, place: string, written: string): ReadValue => {
  if (setting.shape !== "pairs") return readText(setting, place, written)
  const pairs: Array<Named<unknown>> = []
  for (const part of written.split(",")) {
    const read = readPair(setting, place, part)
    if (read._tag === "Wrong") return read
    pairs.push(read.value as Named<unknown>)
  }
  return { _tag: "Value", value: lastOfEachName(pairs) }
}
