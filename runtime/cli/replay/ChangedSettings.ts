import { defaultMasterSettings, type MasterSettings } from "../../../core/master/State.ts"
import { suggest } from "../../config/Given.ts"
import { masterSettingsOf } from "../../config/MasterProfile.ts"
import { readSettings, type SettingsReading } from "../../config/ReadSettings.ts"
import { keyToWord } from "../../config/Setting.ts"
import { allocationSettings, masterSection } from "../../config/sections/MasterSection.ts"
import type { CommandFailure } from "../CommandFailure.ts"
import { refuseInput } from "../CommandFailure.ts"

// `--set NAME=VALUE` of a replay: a setting of `gleaner master` by its own name, or one of the core's by its path.

interface Assignment {
  readonly path: ReadonlyArray<string>
  readonly value: unknown
}

/** The settings with all changes made. */
export type ChangeSettings = (settings: MasterSettings) => MasterSettings

type Plain = { readonly [key: string]: unknown }

/** Reads what stands behind each `--set`; or says what is wrong with it. */
export const readChanges = (given: ReadonlyArray<string>): ChangeSettings | CommandFailure => {
  const assignments: Array<Assignment> = []
  for (const text of given) {
    const at = text.indexOf("=")
    if (at < 1)
      return refuseInput(`--set ${text}: write NAME=VALUE, like --set allocator.decline-backoff-max=off`)
    const read = readChange(text.slice(0, at), text.slice(at + 1))
    if ("message" in read) return read
    assignments.push(...read)
  }
  return (settings) => assignments.reduce(assign, settings as unknown as Plain) as unknown as MasterSettings
}

const readChange = (name: string, value: string): ReadonlyArray<Assignment> | CommandFailure => {
  const bare = name.replace(/^(master|allocator)\./, "")
  const key = allocationKeys.find((one) => one === bare || keyToWord(one) === bare)
  if (key !== undefined) return readNamed(name, keyToWord(key), value)
  const path = name.replace(/^master\./, "").split(".")
  if (!hasPath(defaultMasterSettings, path)) return unknownName(name)
  try {
    return [{ path, value: JSON.parse(value) as unknown }]
  } catch {
    return refuseInput(
      `--set ${name}=${value}: ${path.join(".")} is one of the core's settings and takes JSON, like 30000 or null`,
    )
  }
}

const unknownName = (name: string): CommandFailure => {
  const words = allocationKeys.map(keyToWord)
  const paths = [...leavesOf(defaultMasterSettings)].map(({ path }) => path.join("."))
  return refuseInput(
    `--set ${name}: there is no such setting of what is offered${suggest(name, [...words, ...paths], (near) => near)}; see \`gleaner master --help\``,
  )
}

/** A setting of the command line stands for all that it changes in the core's. */
const readNamed = (name: string, word: string, value: string): ReadonlyArray<Assignment> | CommandFailure => {
  const alone = { environment: {}, homeFolder: "/", userId: 0 }
  const setting = masterSection.settings[keyOf(word)]
  const words =
    setting.shape === "switch"
      ? [setting.parse(value) === false ? `--no-${word}` : `--${word}`]
      : [`--${word}`, value]
  if (setting.shape === "switch" && setting.parse(value) === undefined)
    return refuseInput(`--set ${name}=${value}: it must be ${setting.form}`)
  const without = readSettings(masterSection, [], alone)
  const reading = readSettings(masterSection, words, alone)
  if (reading._tag !== "Settled" || without._tag !== "Settled") return refuseReading(name, value, reading)
  const before = masterSettingsOf(without.settled.values)
  const after = masterSettingsOf(reading.settled.values)
  const changes = [...leavesOf(after)].filter(
    ({ path, value: leaf }) => JSON.stringify(leaf) !== JSON.stringify(at(before, path)),
  )
  // What is said is the default: it may not have been what was recorded.
  return changes.length > 0
    ? changes
    : [...leavesOf(after)].filter(({ path }) => namesIn(word).includes(path.join(".")))
}

const refuseReading = (
  name: string,
  value: string,
  reading: SettingsReading<typeof masterSection.settings>,
) =>
  refuseInput(
    `--set ${name}=${value}: ${reading._tag === "Refused" ? reading.problems.join("; ") : "not understood"}`,
  )

/** Settings of the command line that the core hears of. */
const allocationKeys: ReadonlyArray<string> = Object.keys(allocationSettings)

type Key = keyof typeof masterSection.settings

const keyOf = (word: string): Key =>
  Object.keys(masterSection.settings).find((key) => keyToWord(key) === word) as Key

/** Where the value of a setting goes when it is the default, which no comparison shows. */
const namesIn = (word: string): ReadonlyArray<string> => {
  const places: { readonly [word: string]: ReadonlyArray<string> } = {
    "offer-timeout": ["offerTimeoutMs"],
    "allocation-interval": ["allocationIntervalMs"],
    "min-allocatable": ["allocator.minAllocatable"],
    "offer-part-min": ["allocator.partMin"],
    "decline-backoff-max": ["allocator.backoffMsMax"],
    "filter-gpu-resources": ["allocator.filterGpuResources"],
    "fair-sharing-excluded-resource-names": ["allocator.excludedNames"],
    profile: [...leavesOf(defaultMasterSettings)].map(({ path }) => path.join(".")),
  }
  return places[word] ?? []
}

/** The settings one by one; `allocator` is the only group. */
const leavesOf = function* (settings: MasterSettings): IterableIterator<Assignment> {
  for (const [name, value] of Object.entries(settings)) {
    if (name !== "allocator") yield { path: [name], value }
  }
  for (const [name, value] of Object.entries(settings.allocator)) yield { path: ["allocator", name], value }
}

const at = (settings: MasterSettings, path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>((value, name) => (value as Plain | undefined)?.[name], settings)

const hasPath = (settings: MasterSettings, path: ReadonlyArray<string>): boolean =>
  [...leavesOf(settings)].some((leaf) => leaf.path.join(".") === path.join("."))

/** Weights, priorities and quotas are given role by role: the other roles keep theirs. */
const assign = (settings: Plain, { path: [first, second], value }: Assignment): Plain => {
  if (second === undefined) return { ...settings, [first!]: value }
  const group = settings[first!] as Plain
  const isByRole = ["weights", "priorities", "quotas"].includes(second)
  const next = isByRole ? { ...(group[second] as Plain), ...(value as Plain) } : value
  return { ...settings, [first!]: { ...group, [second]: next } }
}
