import { readFileSync, statSync } from "node:fs"
import { sections, sharedSectionName, sharedSettings } from "./Catalogue.ts"
import {
  type Given,
  lastOfEachName,
  type ReadValue,
  readText,
  type SourceReading,
  suggest,
  wrongValue,
} from "./Given.ts"
import { keyToWord, type Named, type Setting, type Settings } from "./Setting.ts"

// The configuration file: one JSON object with a section per daemon and `common` for all. Checked as a whole by every
// daemon, so that a mistake is found by the first that starts.

export const defaultConfigPath = "/etc/gleaner/gleaner.json"

const fileBytesMax = 1024 * 1024

/** The file's text; undefined when there is none and none was asked for. */
export const readConfigText = (path: string, isAskedFor: boolean): string | Error | undefined => {
  try {
    const { size } = statSync(path)
    if (size > fileBytesMax) return new Error(`has ${size} bytes, at most ${fileBytesMax} are read`)
    return readFileSync(path, "utf8")
  } catch (error) {
    if (!isAskedFor && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    return error as Error
  }
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What the text says to the section of that name; problems of the whole file. */
export const readConfigFile = (path: string, text: string, ownSection: string): SourceReading => {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    return { given: [], problems: [`${path} is not JSON: ${(error as Error).message}`] }
  }
  if (!isObject(content)) {
    return { given: [], problems: [`${path} must hold one JSON object with a section for each daemon`] }
  }
  const settingsByName = new Map<string, Settings>([[sharedSectionName, sharedSettings]])
  for (const { name, settings } of sections) settingsByName.set(name, settings)
  const problems: Array<string> = []
  const given = new Map<string, ReadonlyArray<Given>>()
  for (const name of Object.keys(content)) {
    const settings = settingsByName.get(name)
    if (settings === undefined) {
      const known = Array.from(settingsByName.keys())
      problems.push(`${path}: ${name} is no section${suggest(name, known, (near) => `"${near}"`)}`)
      continue
    }
    const reading = readSection(`${path}: ${name}`, content[name], settings, name === sharedSectionName)
    problems.push(...reading.problems)
    given.set(name, reading.given)
  }
  return { given: [...(given.get(sharedSectionName) ?? []), ...(given.get(ownSection) ?? [])], problems }
}

const readSection = (
  place: string,
  content: unknown,
  settings: Settings,
  isSaidToAll: boolean,
): SourceReading => {
  if (!isObject(content)) return { given: [], problems: [`${place} must be an object of settings`] }
  const keyByWord = new Map<string, string>()
  for (const key of Object.keys(settings)) {
    if (!settings[key]!.isHidden) keyByWord.set(keyToWord(key), key)
  }
  const given: Array<Given> = []
  const problems: Array<string> = []
  for (const word of Object.keys(content)) {
    const key = keyByWord.get(word)
    if (key === undefined) {
      const known = Array.from(keyByWord.keys())
      problems.push(`${place}.${word} is no setting${suggest(word, known, (near) => `"${near}"`)}`)
      continue
    }
    const valuePlace = `${place}.${word}`
    const read = readJson(settings[key]!, valuePlace, content[word])
    if (read._tag === "Wrong") problems.push(read.problem)
    else given.push({ key, place: valuePlace, value: read.value, isSaidToAll })
  }
  return { given, problems }
}

/** JSON's own numbers and booleans, or the text that a flag would have. */
const readJson = (setting: Setting<unknown>, place: string, value: unknown): ReadValue => {
  if (setting.shape === "pairs") return readJsonPairs(setting, place, value)
  if (setting.shape === "switch") {
    return typeof value === "boolean" ? { _tag: "Value", value } : wrongValue(place, value, setting.form)
  }
  if (typeof value === "number") {
    const read = readText(setting, place, String(value))
    return read._tag === "Wrong" ? wrongValue(place, value, setting.form) : read
  }
  return typeof value === "string" ? readText(setting, place, value) : wrongValue(place, value, setting.form)
}

const readJsonPairs = (setting: Setting<unknown>, place: string, value: unknown): ReadValue => {
  if (!isObject(value)) return wrongValue(place, value, `an object of ${setting.form}`)
  const pairs: Array<Named<unknown>> = []
  for (const name of Object.keys(value)) {
    const one = value[name]
    const isValue = typeof one === "string" || typeof one === "number"
    if (!isValue || !setting.isName(name)) {
      return wrongValue(`${place}.${name}`, one, setting.form)
    }
    const read = readText(setting, `${place}.${name}`, String(one))
    if (read._tag === "Wrong") return read
    pairs.push({ name, value: read.value })
  }
  return { _tag: "Value", value: lastOfEachName(pairs) }
}
