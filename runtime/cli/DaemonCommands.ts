import { masterSection } from "../config/sections/MasterSection.ts"
import { upSection } from "../config/sections/UpSection.ts"
import { hostCommands, type RunCommand } from "./HostCommands.ts"
import { runSettingsCommand } from "./SettingsCommand.ts"

/** Every command whose settings come from file, environment and flags. */
export const daemonCommands: { readonly [command: string]: RunCommand } = {
  ...hostCommands,
  master: (words) =>
    runSettingsCommand(masterSection, words, async (settled) =>
      (await import("./Master.ts")).runMaster(settled),
    ),
  up: (words) =>
    runSettingsCommand(upSection, words, async (settled) => (await import("./Up.ts")).runUp(settled)),
}
