import type { ClusterState, Scalars } from "../ClusterState.ts"
import { memToText } from "../Memory.ts"

const sum = (parts: ReadonlyArray<Scalars>): Scalars =>
  parts.reduce((total, { cpus, mem }) => ({ cpus: total.cpus + cpus, mem: total.mem + mem }), {
    cpus: 0,
    mem: 0,
  })

const round = (value: number): string => String(Math.round(value * 100) / 100)

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`

/** The cluster on one line: `1 agent · cpus 0.5 of 2 · mem 64M of 22.4G · 1 task · 1 framework`. */
export const statusLine = (state: ClusterState): string => {
  const connected = state.slaves.filter((agent) => agent.condition === "connected")
  const total = sum(connected.map((agent) => agent.resources))
  const used = sum(connected.map((agent) => agent.used_resources))
  const tasks = state.frameworks.reduce((number, framework) => number + framework.tasks.length, 0)
  const away = state.slaves.length - connected.length
  return [
    count(connected.length, "agent") + (away === 0 ? "" : ` (${away} away)`),
    `cpus ${round(used.cpus)} of ${round(total.cpus)} lent`,
    `mem ${memToText(used.mem)} of ${memToText(total.mem)} lent`,
    count(tasks + state.orphan_tasks.length, "task"),
    count(state.frameworks.length, "framework"),
  ].join(" · ")
}

/** Shows a line that is replaced on a terminal, and written only when it changes elsewhere. */
export const createLiveLine = (stream: NodeJS.WriteStream) => {
  let shown = ""
  return {
    show: (line: string): void => {
      if (stream.isTTY) {
        const width = stream.columns ?? 80
        const fitted = line.length < width ? line : `${line.slice(0, width - 2)}…`
        stream.write(`\r\u001b[2K${fitted}`)
      } else if (line !== shown) {
        stream.write(`${line}\n`)
      }
      shown = line
    },
    /** Ends the line, so that what follows begins on its own. */
    end: (): void => {
      if (stream.isTTY && shown !== "") stream.write("\n")
      shown = ""
    },
  }
}
