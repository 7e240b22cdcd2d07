import { suggest } from "../../config/Given.ts"
import { findCommand, hostCommands, hostSections } from "../HostCommands.ts"
import { version } from "../Version.ts"

// gleaner on a host as old as kernel 2.6.32 and Node 10: what runs beside the primary, and nothing of the rest.

const helpText = (): string => `gleaner ${version}, the part for the hosts themselves

${hostSections.map(({ command, summary }) => `  gleaner ${command}\n      ${summary}`).join("\n")}

gleaner COMMAND --help   options of a command
`

const run = async (words: ReadonlyArray<string>): Promise<number> => {
  const [first] = words
  if (first === undefined || first === "help" || first === "--help" || first === "-h") {
    process.stdout.write(helpText())
    return 0
  }
  if (first === "--version" || first === "-V") {
    process.stdout.write(`${version}\n`)
    return 0
  }
  const command = findCommand(hostCommands, words)
  if (command !== undefined) return command.run(command.rest)
  const near = suggest(first, Object.keys(hostCommands), (name) => name)
  process.stderr.write(`gleaner: no command "${first}" in the bundle for legacy hosts${near}\n`)
  return 2
}

run(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
    // Pipes may still be draining; sockets and timers must not keep a finished command alive.
    setImmediate(() => process.exit())
  },
  (error: unknown) => {
    process.stderr.write(`gleaner: a defect of gleaner itself, please report it\n${(error as Error).stack}\n`)
    process.exit(1)
  },
)
