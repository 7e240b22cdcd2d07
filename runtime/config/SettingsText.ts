import type { SettledSettings } from "./ReadSettings.ts"
import { type Section, variablePrefix } from "./Section.ts"
import { keyToVariable, keyToWord, type Setting, type Settings, type Surroundings } from "./Setting.ts"

// What people read of a table of settings: help, and what is in force.

const columnsMax = 100

const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line]
}

const flagText = (key: string, { placeholder, shape }: Setting<unknown>, isOn: boolean): string =>
  shape === "switch" ? `--${isOn ? "no-" : ""}${keyToWord(key)}` : `--${keyToWord(key)} ${placeholder}`

const defaultText = (setting: Setting<unknown>, initial: unknown): string => {
  if (setting.isRequired) return " (required)"
  if (setting.shape !== "value") return initial === true ? " (on by default)" : ""
  return ` (default: ${setting.initialText ?? setting.print(initial)})`
}

/** The options of a command with meaning and default, and where else they may be said. */
export const settingsHelp = (section: Section, surroundings: Surroundings): string => {
  const { command, summary, examples, settings, name } = section
  const rows: Array<readonly [string, string]> = []
  for (const key of Object.keys(settings)) {
    const setting = settings[key]!
    if (setting.isHidden) continue
    const initial: unknown = setting.initial(surroundings)
    rows.push([
      flagText(key, setting, initial === true),
      `${setting.meaning}${defaultText(setting, initial)}`,
    ])
  }
  rows.push([
    "--config FILE",
    "Configuration file (default: $GLEANER_CONFIG, else /etc/gleaner/gleaner.json if there is one)",
  ])
  rows.push(["--print-config", "Show the settings in force and who said them, and end; --json as JSON"])
  rows.push(["--help", "This text"])
  const width = Math.max(...rows.map(([left]) => left.length))
  const lines: Array<string> = []
  for (const [left, right] of rows) {
    const [first, ...rest] = wrap(right, columnsMax - width - 4)
    lines.push(`  ${left.padEnd(width)}  ${first}`)
    for (const line of rest) lines.push(`  ${"".padEnd(width)}  ${line}`)
  }
  const elsewhere = `Each option may also stand in the configuration file, section "${name}", under its name without the dashes, or in the environment as ${variablePrefix(name)}NAME; flags win over the environment, which wins over the file.`
  return `${wrap(`gleaner ${command}: ${summary}`, columnsMax).join("\n")}

Usage: gleaner ${command} [OPTIONS]

${lines.join("\n")}

${wrap(elsewhere, columnsMax).join("\n")}

Examples
${examples.map((example) => `  ${example}`).join("\n")}
`
}

/** The settings in force as `/flags` of Mesos names them, sorted. Left out are those that have no value of their own, as there. */
export const settingsAsFlags = <S extends Settings>(
  { settings }: Section<S>,
  { values }: SettledSettings<S>,
): ReadonlyArray<{ readonly name: string; readonly value: string }> =>
  Object.keys(settings)
    .sort()
    .filter((key) => !settings[key]!.isHidden)
    .map((key) => {
      const setting: Setting<unknown> = settings[key]!
      return { name: keyToVariable(key).toLowerCase(), value: setting.print(values[key]) }
    })
    .filter(({ value }) => value !== "")

/** The settings in force as a table: name, value, who said it. */
export const settingsTable = <S extends Settings>(
  section: Section<S>,
  settled: SettledSettings<S>,
): string => {
  const rows: Array<readonly [string, string, string]> = [["setting", "value", "said by"]]
  for (const key of Object.keys(section.settings)) {
    const setting: Setting<unknown> = section.settings[key]!
    if (setting.isHidden) continue
    const value: unknown = settled.values[key]
    const text = setting.print(value)
    rows.push([
      keyToWord(key),
      text === "" ? `(${setting.initialText ?? "none"})` : text,
      settled.places[key]!,
    ])
  }
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map(([name, value, place]) => `${name.padEnd(widths[0]!)}  ${value.padEnd(widths[1]!)}  ${place}\n`)
    .join("")
}

/** The same for programs: values in the form of the configuration file. */
export const settingsJson = <S extends Settings>(
  section: Section<S>,
  settled: SettledSettings<S>,
): string => {
  const settings: { [word: string]: unknown } = {}
  for (const key of Object.keys(section.settings)) {
    const setting: Setting<unknown> = section.settings[key]!
    if (setting.isHidden) continue
    const place = settled.places[key]
    settings[keyToWord(key)] = { value: valueAsInFile(setting, settled.values[key]), source: place }
  }
  return `${JSON.stringify({ section: section.name, file: settled.configPath ?? null, settings }, undefined, 2)}\n`
}

const valueAsInFile = (setting: Setting<unknown>, value: unknown): unknown => {
  if (setting.shape === "pairs") {
    const pairs: { [name: string]: unknown } = {}
    for (const { name, value: one } of value as ReadonlyArray<{ name: string; value: unknown }>)
      pairs[name] = typeof one === "number" ? one : setting.printOne(one)
    return pairs
  }
  if (value === null || typeof value === "boolean") return value
  const text = setting.print(value)
  return typeof value === "number" && text === String(value) ? value : text
}
