import { suggestNearest } from "../core/policies/Nearest.ts"
import { type Mode, modes } from "./allocation/Job.ts"
import type { AllocationWishes } from "./allocation/Plan.ts"
import { parseShape, type WantedShape } from "./allocation/Shape.ts"
import type { PlacementWishes } from "./placements/Job.ts"
import { workloadNames } from "./placements/Recorded.ts"
import type { RestartWishes } from "./RestartBench.ts"
import { type WireMode, type WireWishes, wireModes } from "./wire/Job.ts"

export const suiteNames = ["policies", "allocation", "placements", "monitor", "wire", "restart"] as const
export type SuiteName = (typeof suiteNames)[number]

export interface BenchArguments {
  /** In the order in which they were named; all of them when none was. */
  readonly suites: ReadonlyArray<SuiteName>
  readonly isHelp: boolean
  readonly isJson: boolean
  /** Where the report goes; null = none is written. */
  readonly outFolder: string | null
  readonly allocation: AllocationWishes
  readonly placements: PlacementWishes
  readonly wire: WireWishes
  readonly restart: RestartWishes
  readonly isCold: boolean
  readonly profileFolder: string | null
}

const valueOptions = [
  "--shape",
  "--mode",
  "--workload",
  "--rounds",
  "--variant",
  "--settings",
  "--agents",
  "--frameworks",
  "--tasks",
  "--seconds",
  "--profile",
  "--out",
] as const
const flags = ["--json", "--cold", "--help"] as const

/** Whose options they are; the others are everybody's. */
const suitesOf: ReadonlyArray<readonly [option: string, suites: ReadonlyArray<SuiteName>]> = [
  ["--shape", ["allocation"]],
  ["--mode", ["allocation", "wire"]],
  ["--settings", ["allocation"]],
  ["--workload", ["placements"]],
  ["--agents", ["wire", "restart"]],
  ["--frameworks", ["wire"]],
  ["--tasks", ["wire", "restart"]],
  ["--seconds", ["wire"]],
  ["--rounds", ["allocation", "placements", "wire", "restart"]],
  ["--variant", ["allocation", "placements"]],
  ["--profile", ["allocation", "placements", "wire"]],
  ["--cold", ["allocation", "placements"]],
]

const numberOptions = ["--rounds", "--agents", "--frameworks", "--tasks", "--seconds"] as const

type ValueOption = (typeof valueOptions)[number]

/** Reads the words after `npm run bench --`. What is wrong with them as a text. */
export const readArguments = (words: ReadonlyArray<string>): BenchArguments | string => {
  const named: Array<SuiteName> = []
  const given = new Map<string, Array<string>>()
  for (let at = 0; at < words.length; at++) {
    const word = words[at] === "-h" ? "--help" : words[at]!
    const [option, written] = splitOption(word)
    if (!word.startsWith("-")) {
      const suite = suiteNames.find((name) => name === word)
      if (suite === undefined) return unknownWord("suite", word, suiteNames)
      if (!named.includes(suite)) named.push(suite)
    } else if (isOneOf(option, flags)) {
      if (written !== null) return `${option} takes no value`
      given.set(option, [])
    } else if (isOneOf(option, valueOptions)) {
      const value = written ?? words[++at]
      if (value === undefined || value === "") return `${option} needs a value`
      given.set(option, [...(given.get(option) ?? []), ...value.split(",")])
    } else return unknownWord("option", word, [...valueOptions, ...flags])
  }
  return misplacedOption(named, given) ?? readValues(named, given)
}

/** An option that none of the suites would look at; null = there is none. */
const misplacedOption = (
  named: ReadonlyArray<SuiteName>,
  given: ReadonlyMap<string, ReadonlyArray<string>>,
): string | null => {
  if (named.length === 0) return null
  const misplaced = suitesOf.find(
    ([option, suites]) => given.has(option) && !suites.some((suite) => named.includes(suite)),
  )
  if (misplaced === undefined) return null
  const [option, suites] = misplaced
  return `${option} is an option of the suite${suites.length > 1 ? "s" : ""} ${suites.join(" and ")}`
}

const readValues = (
  named: ReadonlyArray<SuiteName>,
  given: ReadonlyMap<string, ReadonlyArray<string>>,
): BenchArguments | string => {
  const of = (option: ValueOption) => given.get(option) ?? []
  const shapes: Array<WantedShape> = []
  for (const text of of("--shape")) {
    const shape = parseShape(text)
    if (typeof shape === "string") return `--shape: ${shape}`
    shapes.push(shape)
  }
  const wantedModes = readModes(named, of("--mode"))
  if (typeof wantedModes === "string") return wantedModes
  const variants = readChoices("variant", of("--variant"), ["alike", "mixed"] as const)
  if (typeof variants === "string") return variants
  const workloads = readChoices("workload", of("--workload"), workloadNames)
  if (typeof workloads === "string") return workloads
  const settings = readChoices("settings", of("--settings"), ["mesos", "default"] as const)
  if (typeof settings === "string") return settings
  for (const option of [...numberOptions, "--profile", "--out"] as const) {
    if (of(option).length > 1) return `${option} can be given once`
  }
  for (const option of numberOptions) {
    const text = of(option)[0]
    if (text !== undefined && !/^[1-9]\d{0,5}$/.test(text))
      return `${option}: "${text}" is not a whole number from 1 to 999999`
  }
  const numberOf = (option: (typeof numberOptions)[number]) =>
    of(option)[0] === undefined ? null : Number(of(option)[0])
  const rounds = numberOf("--rounds")
  return {
    suites: named.length === 0 ? suiteNames : named,
    isHelp: given.has("--help"),
    isJson: given.has("--json"),
    outFolder: of("--out")[0] ?? (named.length === 0 ? "bench-report" : null),
    allocation: { modes: wantedModes.allocation, shapes, variants, settings, rounds },
    placements: { workloads, variants, rounds },
    wire: {
      modes: wantedModes.wire,
      agents: numberOf("--agents"),
      frameworks: numberOf("--frameworks"),
      tasks: numberOf("--tasks"),
      seconds: numberOf("--seconds"),
      rounds,
    },
    restart: { agents: numberOf("--agents"), tasks: numberOf("--tasks"), rounds },
    isCold: given.has("--cold"),
    profileFolder: of("--profile")[0] ?? null,
  }
}

/** Two suites have modes, each its own. */
const readModes = (
  named: ReadonlyArray<SuiteName>,
  words: ReadonlyArray<string>,
): { readonly allocation: ReadonlyArray<Mode>; readonly wire: ReadonlyArray<WireMode> } | string => {
  const isWanted = (suite: SuiteName) => named.length === 0 || named.includes(suite)
  const known = [...(isWanted("allocation") ? modes : []), ...(isWanted("wire") ? wireModes : [])]
  const chosen = readChoices<Mode | WireMode>("mode", words, known)
  if (typeof chosen === "string") return chosen
  return {
    allocation: chosen.filter((mode): mode is Mode => isOneOf(mode, modes)),
    wire: chosen.filter((mode): mode is WireMode => isOneOf(mode, wireModes)),
  }
}

const splitOption = (word: string): readonly [option: string, value: string | null] => {
  const at = word.indexOf("=")
  return at < 0 ? [word, null] : [word.slice(0, at), word.slice(at + 1)]
}

const isOneOf = <Word extends string>(word: string, words: ReadonlyArray<Word>): word is Word =>
  (words as ReadonlyArray<string>).includes(word)

const readChoices = <Choice extends string>(
  what: string,
  words: ReadonlyArray<string>,
  choices: ReadonlyArray<Choice>,
): ReadonlyArray<Choice> | string => {
  const chosen: Array<Choice> = []
  for (const word of words) {
    if (!isOneOf(word, choices)) return unknownWord(what, word, choices)
    chosen.push(word)
  }
  return chosen
}

const unknownWord = (what: string, word: string, known: ReadonlyArray<string>): string =>
  `no ${what} "${word}"${suggestNearest(word, known)} (there are ${known.join(", ")})`
