import { memToText } from "../../config/Memory.ts"
import { allHosts, type ClusterState, type Scalars } from "../ClusterState.ts"

const sum = (parts: ReadonlyArray<Scalars>): Scalars =>
  parts.reduce((total, { cpus, mem }) => ({ cpus: total.cpus + cpus, mem: total.mem + mem }), {
    cpus: 0,
    mem: 0,
  })

const amountText = ({ cpus, mem }: Scalars): string =>
  `${Math.round(cpus * 100) / 100} cpus ${memToText(mem)}`

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`

/** What a master knows, in parts of a line: agents, what tasks hold, what is offered, frameworks. */
export const clusterText = (state: ClusterState): ReadonlyArray<string> => {
  const hosts = allHosts(state)
  const connected = hosts.filter((agent) => agent.condition === "connected")
  const away = hosts.length - connected.length
  const tasks = state.frameworks.reduce((number, framework) => number + framework.tasks.length, 0)
  const used = sum(connected.map((agent) => agent.used_resources))
  const offered = sum(connected.map((agent) => agent.offered_resources))
  return [
    ...(hosts.length === 1 && away === 0
      ? []
      : [count(connected.length, "agent") + (away === 0 ? "" : ` (${away} away)`)]),
    `${count(tasks + state.orphan_tasks.length, "task")}: ${amountText(used)}`,
    `offered ${amountText(offered)}`,
    count(state.frameworks.length, "framework"),
  ]
}
