import { processSurroundings, readSettings, type SettledSettings } from "../config/ReadSettings.ts"
import type { Section } from "../config/Section.ts"
import type { Settings } from "../config/Setting.ts"
import { settingsHelp, settingsJson, settingsTable } from "../config/SettingsText.ts"

export interface Wish {
  readonly isJsonWanted: boolean
}

/** Reads a command's settings from everywhere and runs it, or answers instead; resolves with the exit code. */
export const runSettingsCommand = async <S extends Settings>(
  section: Section<S>,
  words: ReadonlyArray<string>,
  run: (settled: SettledSettings<S>, wish: Wish) => Promise<number>,
): Promise<number> => {
  const reading = readSettings(section, words)
  switch (reading._tag) {
    case "HelpWanted":
      process.stdout.write(settingsHelp(section, processSurroundings()))
      return 0
    case "Refused":
      for (const problem of reading.problems) process.stderr.write(`gleaner: ${problem}\n`)
      process.stderr.write(`gleaner: see \`gleaner ${section.command} --help\`\n`)
      return 2
    case "Settled": {
      const { settled, isPrintWanted, isJsonWanted } = reading
      if (!isPrintWanted) return run(settled, { isJsonWanted })
      process.stdout.write((isJsonWanted ? settingsJson : settingsTable)(section, settled))
      return 0
    }
  }
}
