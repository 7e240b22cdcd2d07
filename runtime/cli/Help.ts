/** What the command line can do, one line each; `gleaner COMMAND --help` tells the rest. */
const commands: ReadonlyArray<readonly [name: string, summary: string]> = [
  ["up", "start a whole cluster on this host: master, agent and monitor, with a live display"],
  ["run", "run one task on the cluster, stream its output, exit with its code"],
  ["status", "show hosts, frameworks and tasks (--json)"],
  ["explain", "say why hosts are not offered to a framework, or why a task does not fit (--json)"],
  ["evaluate", "replay recordings through reservation policies (--json, --report FILE.html)"],
  ["journal", "check, print, copy and restore the master's journal (verify, export, backup, restore)"],
  ["replay", "step through a journal again, or through what other settings had made of it (--json)"],
  ["master", "run a master alone"],
  ["agent", "run the agent of this host alone"],
  ["monitor", "run the monitor of this host: how much may be lent, moment by moment"],
  ["doctor", "show what this host can and cannot enforce (--json)"],
  ["trace record", "record this host's use, for evaluate and for tuning a policy"],
]

const examples: ReadonlyArray<readonly [command: string, meaning: string]> = [
  ["gleaner up", "a cluster on this host; Ctrl-C stops it"],
  ["gleaner run --cpus 0.5 --mem 64M -- sh -c 'echo hello'", "one task in its limits"],
  ["gleaner evaluate", "all policies on an invented fleet"],
  ["gleaner evaluate --trace recordings/ --report report.html", "on your own recordings"],
]

const table = (rows: ReadonlyArray<readonly [string, string]>): string => {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n")
}

/** The front page. Written by hand so that it needs no option parser, which alone takes longer to load than this. */
export const helpText = (version: string): string => `gleaner ${version}
Lends the idle CPU and memory of legacy servers to other tasks, and takes it back
before the business notices.

Usage: gleaner COMMAND [OPTIONS]

Commands
${table(commands)}

Examples
${table(examples)}

gleaner COMMAND --help   options of a command      gleaner --version
gleaner DAEMON --print-config   settings in force, from file, environment and flags
gleaner --completions sh|bash|fish|zsh             completions for a shell

Exit codes: 0 done, 1 not possible now, 2 wrong usage or input; \`run\` ends with the task's own.
`

/** The commands that exist, for messages about those that do not. */
export const commandNames: ReadonlyArray<string> = commands.map(([name]) => name)

/** Whether the words begin with one of them; `trace record` has two. */
export const beginsWithCommand = (words: ReadonlyArray<string>): boolean =>
  commandNames.some((name) => name.split(" ").every((word, index) => words[index] === word))
