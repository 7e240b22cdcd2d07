import type { Section } from "../config/Section.ts"
import { agentSection } from "../config/sections/AgentSection.ts"
import { doctorSection } from "../config/sections/DoctorSection.ts"
import { monitorSection } from "../config/sections/MonitorSection.ts"
import { recordSection } from "../config/sections/RecordSection.ts"
import { runSettingsCommand } from "./SettingsCommand.ts"

/** What there is to say of each, in the order of help. */
export const hostSections: ReadonlyArray<Section> = [
  agentSection,
  monitorSection,
  doctorSection,
  recordSection,
]

/** Runs with the words behind the command's own; resolves with the exit code. */
export type RunCommand = (words: ReadonlyArray<string>) => Promise<number>

/**
 * The commands that run on every host, also a legacy one, by the words that start them. Each loads what it needs by
 * itself: the monitor is a small process and has no use for what the agent is made of.
 */
export const hostCommands: { readonly [command: string]: RunCommand } = {
  agent: (words) =>
    runSettingsCommand(agentSection, words, async (settled) => {
      // Before anything is loaded: until somebody listens, Node opens its debugger on SIGUSR1.
      const endTasks = new Promise<void>((resolve) => process.on("SIGUSR1", () => resolve()))
      const { runAgent } = await import("./Agent.ts")
      return runAgent(settled, endTasks)
    }),
  monitor: (words) =>
    runSettingsCommand(monitorSection, words, async (settled) =>
      (await import("./Monitor.ts")).runMonitor(settled),
    ),
  "trace record": (words) =>
    runSettingsCommand(recordSection, words, async (settled) =>
      (await import("./TraceRecord.ts")).runTraceRecord(settled),
    ),
  doctor: (words) =>
    runSettingsCommand(doctorSection, words, async ({ values }, { isJsonWanted }) => {
      const { runDoctor } = await import("./doctor/Doctor.ts")
      const { data, quick, cgroupParent } = values
      return runDoctor({ json: isJsonWanted, quick, dataPath: data, cgroupParent })
    }),
}

/** Finds the command that the words begin with. */
export const findCommand = (
  commands: { readonly [command: string]: RunCommand },
  words: ReadonlyArray<string>,
): { readonly run: RunCommand; readonly rest: ReadonlyArray<string> } | undefined => {
  for (const name of Object.keys(commands)) {
    const own = name.split(" ")
    if (own.every((word, index) => words[index] === word)) {
      return { run: commands[name]!, rest: words.slice(own.length) }
    }
  }
  return undefined
}
