import { Command, Options } from "@effect/cli"
import { Effect } from "effect"
import { sections } from "../config/Catalogue.ts"
import { keyToWord, type Setting } from "../config/Setting.ts"

const optionOf = (key: string, setting: Setting<unknown>): Options.Options<unknown> => {
  const word = keyToWord(key)
  const option = setting.shape === "switch" ? Options.boolean(word) : Options.optional(Options.text(word))
  return Options.withDescription(option as Options.Options<unknown>, setting.meaning)
}

/**
 * The commands with a table of settings, as far as completions for a shell need them: their words never come this way,
 * see DaemonCommands.ts.
 */
export const completedCommands = sections
  .filter(({ command }) => !command.includes(" "))
  .map(({ command, settings, summary }) => {
    const options: Record<string, Options.Options<unknown>> = {}
    for (const key of Object.keys(settings)) {
      const setting = settings[key]!
      if (!setting.isHidden) options[key] = optionOf(key, setting)
    }
    return Command.make(command, options, () => Effect.void).pipe(Command.withDescription(summary))
  })
