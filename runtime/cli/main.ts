#!/usr/bin/env node
import { suggest } from "../config/Given.ts"
import { daemonCommands } from "./DaemonCommands.ts"
import { beginsWithCommand, commandNames, helpText } from "./Help.ts"
import { findCommand } from "./HostCommands.ts"
import { version } from "./Version.ts"

// The door. What needs no option parser is answered here; everything else loads only then.

const words = process.argv.slice(2)
const [first] = words

const answerHere = (): number | undefined => {
  if (first === undefined || first === "help" || first === "--help" || first === "-h") {
    process.stdout.write(helpText(version))
    return 0
  }
  if (first === "--version" || first === "-V") {
    process.stdout.write(`${version}\n`)
    return 0
  }
  if (!first.startsWith("-") && !beginsWithCommand(words)) {
    process.stderr.write(`gleaner: no command "${first}"${suggest(first, commandNames, (near) => near)}\n`)
    return 2
  }
  return undefined
}

const run = async (): Promise<number> => {
  const command = findCommand(daemonCommands, words)
  if (command !== undefined) return command.run(command.rest)
  const { runCommandLine } = await import("./CommandLine.ts")
  return runCommandLine(words)
}

process.exitCode = answerHere() ?? (await run())
// Pipes may still be draining; sockets and timers must not keep a finished command alive.
setImmediate(() => process.exit())
