#!/usr/bin/env node
import { commandNames, helpText } from "./Help.ts"
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
  if (!first.startsWith("-") && !commandNames.includes(first)) {
    process.stderr.write(`gleaner: no command "${first}"; there are ${commandNames.join(", ")}\n`)
    return 2
  }
  return undefined
}

const code = answerHere()
if (code !== undefined) process.exitCode = code
else {
  const { runCommandLine } = await import("./CommandLine.ts")
  await runCommandLine(words)
}
