import { Command, Options } from "@effect/cli"
import { Clock, Console, Effect } from "effect"
import { memToText } from "../config/Memory.ts"
import { accessCluster, clusterOptions } from "./ClusterOptions.ts"
import {
  allHosts,
  type ClusterState,
  conditionText,
  fetchState,
  type Scalars,
  type TaskView,
} from "./ClusterState.ts"
import { renderTable } from "./Table.ts"

const options = {
  ...clusterOptions,
  json: Options.boolean("json").pipe(Options.withDescription("Print the state as one JSON object")),
}

export const statusCommand = Command.make("status", options, (args) =>
  Effect.gen(function* () {
    const access = yield* accessCluster(args)
    const state = yield* fetchState(access)
    const nowMs = yield* Clock.currentTimeMillis
    yield* Console.log(args.json ? JSON.stringify(state, undefined, 2) : statusText(state, access.url, nowMs))
  }),
).pipe(
  Command.withDescription("Show hosts, frameworks and tasks of the cluster. Example: gleaner status --json"),
)

const outOf = (part: number, whole: number): string => `${round(part)} / ${round(whole)}`
const round = (value: number): string => String(Math.round(value * 1000) / 1000)

const memOutOf = (part: Scalars, whole: Scalars): string => `${memToText(part.mem)} / ${memToText(whole.mem)}`

/** Three tables, each left out when it has no rows. */
export const statusText = (state: ClusterState, url: string, nowMs: number): string => {
  const hosts = allHosts(state)
  const hostnameById = new Map(hosts.map((agent) => [agent.id, agent.hostname]))
  const agents = hosts.map((agent) => [
    agent.hostname,
    conditionText(agent),
    outOf(agent.used_resources.cpus, agent.resources.cpus),
    memOutOf(agent.used_resources, agent.resources),
    round(agent.offered_resources.cpus),
    round(agent.reserved_resources?.primary?.cpus ?? 0),
    agent.id,
  ])
  const frameworks = state.frameworks.map((framework) => [
    framework.name,
    framework.connected ? "connected" : "disconnected",
    framework.roles.join(","),
    String(framework.tasks.length + framework.unreachable_tasks.length),
    String(framework.offers.length),
    round(framework.used_resources.cpus),
    memToText(framework.used_resources.mem),
    framework.id,
  ])
  const tasks = [
    ...state.frameworks.flatMap((framework) => [...framework.tasks, ...framework.unreachable_tasks]),
    ...state.orphan_tasks,
  ].map((task) => taskRow(task, hostnameById, nowMs))
  const sections = [
    `master ${url}, up ${ageText(nowMs - state.start_time * 1000)}, version ${state.version}`,
    section("No agents yet", agentColumns, agents),
    section("No frameworks", frameworkColumns, frameworks),
    section("No tasks", taskColumns, tasks),
  ]
  return sections.join("\n\n")
}

const left = (title: string) => ({ title, align: "left" as const })
const right = (title: string) => ({ title, align: "right" as const })

const agentColumns = [
  left("agent"),
  left("condition"),
  right("cpus used"),
  right("mem used"),
  right("cpus offered"),
  right("cpus reserved"),
  left("id"),
]
const frameworkColumns = [
  left("framework"),
  left("condition"),
  left("roles"),
  right("tasks"),
  right("offers"),
  right("cpus"),
  right("mem"),
  left("id"),
]
const taskColumns = [
  left("task"),
  left("state"),
  left("agent"),
  right("cpus"),
  right("mem"),
  right("age"),
  left("command"),
]

const section = (
  whenEmpty: string,
  columns: Parameters<typeof renderTable>[0],
  rows: ReadonlyArray<ReadonlyArray<string>>,
): string => (rows.length === 0 ? whenEmpty : renderTable(columns, rows))

const taskRow = (task: TaskView, hostnameById: ReadonlyMap<string, string>, nowMs: number) => [
  task.id,
  task.state.replace(/^TASK_/, "").toLowerCase(),
  hostnameById.get(task.slave_id) ?? task.slave_id,
  round(task.resources.cpus),
  memToText(task.resources.mem),
  ageText(nowMs - task.launched_time * 1000),
  task.command.length > 48 ? `${task.command.slice(0, 47)}…` : task.command,
]

/** The two largest units: `3d 4h`, `12m 5s`. */
export const ageText = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const parts: ReadonlyArray<readonly [number, string]> = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  if (first === -1) return "0s"
  return parts
    .slice(first, first + 2)
    .filter(([count], index) => index === 0 || count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ")
}
