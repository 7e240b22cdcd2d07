import { homedir } from "node:os"
import { defaultConfigPath, readConfigFile, readConfigText } from "./ConfigFile.ts"
import { configVariable, readEnvironment } from "./EnvironmentVariables.ts"
import { readFlags } from "./Flags.ts"
import type { Given, SourceReading } from "./Given.ts"
import type { Section } from "./Section.ts"
import { keyToWord, type Settings, type Surroundings, type ValuesOf } from "./Setting.ts"

/** Where no source says anything. */
export const defaultPlace = "default"

/** The settings in force, each with the place that said it last. */
export interface SettledSettings<S extends Settings> {
  readonly values: ValuesOf<S>
  readonly places: { readonly [Key in keyof S]: string }
  /** Those that somebody said to this command alone. */
  readonly ownKeys: ReadonlyArray<keyof S>
  /** The file that was read, if any. */
  readonly configPath: string | undefined
}

/** An answer, not an exception: the settings, or everything that is wrong with what was given. */
export type SettingsReading<S extends Settings> =
  | {
      readonly _tag: "Settled"
      readonly settled: SettledSettings<S>
      readonly isPrintWanted: boolean
      readonly isJsonWanted: boolean
    }
  | { readonly _tag: "HelpWanted" }
  | { readonly _tag: "Refused"; readonly problems: ReadonlyArray<string> }

export const processSurroundings = (): Surroundings => ({
  environment: process.env,
  homeFolder: homedir(),
  userId: process.getuid === undefined ? undefined : process.getuid(),
})

/** Default < file < environment < flags. Unknown names and wrong values of any of them refuse the whole. */
export const readSettings = <S extends Settings>(
  section: Section<S>,
  words: ReadonlyArray<string>,
  surroundings: Surroundings = processSurroundings(),
): SettingsReading<S> => {
  const flags = readFlags(section, words)
  if (flags.isHelpWanted) return { _tag: "HelpWanted" }
  const { environment } = surroundings
  const path = flags.configPath ?? (environment[configVariable] || undefined)
  const file = readFile(path ?? defaultConfigPath, path !== undefined, section.name)
  const sources: ReadonlyArray<SourceReading> = [file, readEnvironment(section, environment), flags]
  const problems: Array<string> = []
  const values: { [key: string]: unknown } = {}
  const places: { [key: string]: string } = {}
  const ownKeys = new Set<string>()
  for (const key of Object.keys(section.settings)) {
    values[key] = section.settings[key]!.initial(surroundings)
    places[key] = defaultPlace
  }
  for (const source of sources) {
    problems.push(...source.problems)
    for (const { key, place, value, isSaidToAll } of source.given as ReadonlyArray<Given>) {
      // A shared setting of the file may be none of this command's.
      if (section.settings[key] === undefined) continue
      values[key] = value
      places[key] = place
      if (isSaidToAll) ownKeys.delete(key)
      else ownKeys.add(key)
    }
  }
  for (const key of Object.keys(section.settings)) {
    const { isRequired, placeholder, meaning } = section.settings[key]!
    if (isRequired && values[key] === null) {
      problems.push(`--${keyToWord(key)} ${placeholder} is missing: ${meaning}`)
    }
  }
  if (problems.length > 0) return { _tag: "Refused", problems }
  return {
    _tag: "Settled",
    settled: {
      values: values as ValuesOf<S>,
      places: places as SettledSettings<S>["places"],
      ownKeys: Array.from(ownKeys),
      configPath: file.isRead ? (path ?? defaultConfigPath) : undefined,
    },
    isPrintWanted: flags.isPrintWanted,
    isJsonWanted: flags.isJsonWanted,
  }
}

const readFile = (
  path: string,
  isAskedFor: boolean,
  section: string,
): SourceReading & { readonly isRead: boolean } => {
  const text = readConfigText(path, isAskedFor)
  if (text === undefined) return { given: [], problems: [], isRead: false }
  if (typeof text === "string") return { ...readConfigFile(path, text, section), isRead: true }
  const remedy = isAskedFor
    ? "name another with --config"
    : "let this user read it, or name another with --config"
  return {
    given: [],
    problems: [`configuration file ${path} cannot be read (${text.message}): ${remedy}`],
    isRead: false,
  }
}
