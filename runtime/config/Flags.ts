import {
  type Given,
  lastOfEachName,
  type ReadValue,
  readPair,
  readText,
  type SourceReading,
  suggest,
} from "./Given.ts"
import type { Section } from "./Section.ts"
import { keyToWord, type Named, type Setting } from "./Setting.ts"

/** The words of a command line, and what they ask for besides settings. */
export interface FlagReading extends SourceReading {
  readonly configPath: string | undefined
  readonly isHelpWanted: boolean
  readonly isPrintWanted: boolean
  readonly isJsonWanted: boolean
}

const ownSwitches = ["help", "print-config", "json"]

interface Flag {
  readonly key: string
  readonly setting: Setting<unknown>
  readonly isNegated: boolean
}

interface Draft {
  readonly given: Array<Given>
  readonly pairs: Map<string, Array<Named<unknown>>>
  readonly problems: Array<string>
  readonly asked: Set<string>
  configPath: string | undefined
}

/** Reads `--name value`, `--name=value`, `--name` and `--no-name`; of one setting the last counts. */
export const readFlags = (section: Section, words: ReadonlyArray<string>): FlagReading => {
  const keyByWord = new Map(
    Object.keys(section.settings).map((key): [string, string] => [keyToWord(key), key]),
  )
  const draft: Draft = { given: [], pairs: new Map(), problems: [], asked: new Set(), configPath: undefined }
  for (let at = 0; at < words.length; at++) {
    const following = words[at + 1]
    const value = following === undefined || following.indexOf("--") === 0 ? undefined : following
    if (takeWord(section, keyByWord, draft, words[at]!, value)) at++
  }
  for (const [key, named] of Array.from(draft.pairs)) {
    draft.given.push({ key, place: `--${keyToWord(key)}`, value: lastOfEachName(named), isSaidToAll: false })
  }
  return {
    given: draft.given,
    problems: draft.problems,
    configPath: draft.configPath,
    isHelpWanted: draft.asked.has("help"),
    isPrintWanted: draft.asked.has("print-config"),
    isJsonWanted: draft.asked.has("json"),
  }
}

/** Takes one word, and says whether it took the following one as its value. */
const takeWord = (
  section: Section,
  keyByWord: ReadonlyMap<string, string>,
  draft: Draft,
  written: string,
  following: string | undefined,
): boolean => {
  if (written === "-h") {
    draft.asked.add("help")
    return false
  }
  if (written.indexOf("--") !== 0 || written === "--") {
    draft.problems.push(`"${written}" stands where \`gleaner ${section.command}\` expects an option`)
    return false
  }
  const equals = written.indexOf("=")
  const name = written.slice(2, equals === -1 ? undefined : equals)
  const inlined = equals === -1 ? undefined : written.slice(equals + 1)
  if (ownSwitches.indexOf(name) !== -1 && inlined === undefined) {
    draft.asked.add(name)
    return false
  }
  const flag = findFlag(section, keyByWord, name)
  if (name !== "config" && flag === undefined) {
    draft.problems.push(unknownFlag(section, name, keyByWord))
    // What follows was most likely meant as its value.
    return inlined === undefined && following !== undefined
  }
  if (flag !== undefined && flag.setting.shape === "switch") {
    takeSwitch(draft, flag, `--${name}`, inlined)
    return false
  }
  const value = inlined ?? following
  if (value === undefined || value === "") draft.problems.push(`--${name} needs a value behind it`)
  else if (flag === undefined) draft.configPath = value
  else takeValue(draft, flag, `--${name}`, value)
  return inlined === undefined && value !== undefined
}

const take = (draft: Draft, { key, setting }: Flag, place: string, read: ReadValue): void => {
  if (read._tag === "Wrong") draft.problems.push(read.problem)
  else if (setting.shape !== "pairs") draft.given.push({ key, place, value: read.value, isSaidToAll: false })
  else draft.pairs.set(key, [...(draft.pairs.get(key) ?? []), read.value as Named<unknown>])
}

const takeSwitch = (draft: Draft, flag: Flag, place: string, inlined: string | undefined): void => {
  if (inlined === undefined) take(draft, flag, place, { _tag: "Value", value: !flag.isNegated })
  else if (flag.isNegated) draft.problems.push(`${place} takes no value`)
  else take(draft, flag, place, readText(flag.setting, place, inlined))
}

const takeValue = (draft: Draft, flag: Flag, place: string, value: string): void =>
  take(
    draft,
    flag,
    place,
    flag.setting.shape === "pairs"
      ? readPair(flag.setting, place, value)
      : readText(flag.setting, place, value),
  )

const findFlag = (
  { settings }: Section,
  keyByWord: ReadonlyMap<string, string>,
  name: string,
): Flag | undefined => {
  const key = keyByWord.get(name)
  if (key !== undefined) return { key, setting: settings[key]!, isNegated: false }
  const positive = name.indexOf("no-") === 0 ? keyByWord.get(name.slice(3)) : undefined
  if (positive === undefined || settings[positive]!.shape !== "switch") return undefined
  return { key: positive, setting: settings[positive]!, isNegated: true }
}

const unknownFlag = (section: Section, name: string, keyByWord: ReadonlyMap<string, string>): string => {
  const known: Array<string> = ["config", ...ownSwitches]
  for (const [word, key] of Array.from(keyByWord)) {
    const setting: Setting<unknown> = section.settings[key]!
    if (setting.isHidden) continue
    known.push(word)
    if (setting.shape === "switch") known.push(`no-${word}`)
  }
  return `--${name} is no option of \`gleaner ${section.command}\`${suggest(name, known, (near) => `--${near}`)}`
}
