import type { Step } from "./Scenarios.ts"
import { bodyText, clockTimeOf, type Json, type Transcript } from "./Transcript.ts"

// Which exchanges with an agent belong together, and what the recorded framework had done before each.

type Transcripts = ReadonlyMap<string, Transcript>

export type Act = { readonly atS: number } & (
  | { readonly does: "subscribe"; readonly name: string }
  | { readonly does: "launch"; readonly operation: (transcripts: Transcripts) => Json }
  /** Acknowledges what comes until then. */
  | {
      readonly does: "await"
      readonly taskId: string
      readonly state: string
      /** As it was called when it was recorded. */
      readonly container?: string
    }
  | { readonly does: "tear down" | "be quiet" }
)

export interface AgentScene {
  readonly name: string
  /** Id of the recorded master. */
  readonly master: string
  readonly port: number
  /** The script began; `HH:MM:SS`. */
  readonly from: string
  readonly to: string
  /** Seconds after the beginning, for exchanges whose order is not told by a time. */
  readonly places?: { readonly [exchange: string]: number }
  readonly acts: ReadonlyArray<Act>
}

const scalar = (name: string, value: number) => ({
  name,
  type: "SCALAR",
  scalar: { value },
  allocation_info: { role: "web" },
})

const launchOf = (master: string, taskId: string, name: string, command: string) => ({
  type: "LAUNCH",
  launch: {
    task_infos: [
      {
        name,
        task_id: { value: taskId },
        agent_id: { value: `${master}-S0` },
        resources: [scalar("cpus", 0.1), scalar("mem", 32)],
        command: { value: command, shell: true },
      },
    ],
  },
})

/** What a recorded ACCEPT did. */
const recorded =
  (name: string) =>
  (transcripts: Transcripts): Json => {
    const { request } = transcripts.get(name)!
    return JSON.parse(bodyText(request.body, request.headers)).accept.operations[0]
  }

/** The recorded group with others in its place: its own launch was not kept. */
const otherGroup =
  (executorId: string, taskIds: ReadonlyArray<string>, commands: ReadonlyArray<string>) =>
  (transcripts: Transcripts): Json => {
    const operation = recorded("scheduler/group_ACCEPT_ok")(transcripts)
    operation.launch_group.executor.executor_id.value = executorId
    for (const [index, task] of operation.launch_group.task_group.tasks.entries()) {
      task.task_id.value = taskIds[index]
      task.command.value = commands[index]
    }
    return operation
  }

const tasksMaster = "2724b9f9-4ff8-41c1-baa4-eedb2b95352f"
const groupsMaster = "f946994e-b292-4271-8ef1-fe13dda6fa38"

export const agentScenes: ReadonlyArray<AgentScene> = [
  {
    name: "an agent idle, with tasks, and after them",
    master: tasksMaster,
    port: 5051,
    from: "07:39:29",
    to: "07:39:46",
    acts: [
      { atS: 1, does: "subscribe", name: "sched_stream" },
      {
        atS: 1,
        does: "launch",
        operation: () => launchOf(tasksMaster, "ag-1", "ag", "echo started; sleep 500"),
      },
      {
        ...{ atS: 1, does: "await", taskId: "ag-1", state: "TASK_RUNNING" },
        container: "cee257b5-3574-4bb9-af6c-2b6c9d0c2ea0",
      },
      { atS: 11.1995, does: "launch", operation: recorded("agent/oom_ACCEPT") },
      {
        ...{ atS: 12, does: "await", taskId: "ag-oom", state: "TASK_FAILED" },
        container: "c69faa1c-ca66-4480-92e9-ceb3e517ada0",
      },
      { atS: 13, does: "tear down" },
    ],
  },
  {
    name: "an agent with groups of tasks",
    master: groupsMaster,
    port: 5051,
    from: "08:16:09",
    to: "08:16:40",
    acts: [
      { atS: 0, does: "subscribe", name: "group_stream" },
      { atS: 1, does: "launch", operation: recorded("scheduler/group_ACCEPT_ok") },
      { atS: 2, does: "await", taskId: "g-b", state: "TASK_FINISHED" },
      {
        atS: 5,
        does: "launch",
        operation: otherGroup("g2", ["g-c", "g-d"], ["sleep 100", "sleep 1; exit 3"]),
      },
      { atS: 6, does: "await", taskId: "g-c", state: "TASK_KILLED" },
      { atS: 7, does: "be quiet" },
      { atS: 19, does: "launch", operation: recorded("scheduler/group_ACCEPT_long") },
      {
        ...{ atS: 19, does: "await", taskId: "g-g", state: "TASK_RUNNING" },
        container: "4e80c286-0b43-4cc1-b82d-5ae7d9f2a911",
      },
      {
        ...{ atS: 19, does: "await", taskId: "g-h", state: "TASK_RUNNING" },
        container: "8780a4ce-97ad-483a-b62d-01028a27c874",
      },
    ],
  },
  {
    name: "what kills an agent of Apache Mesos",
    master: "c6376f34-75b4-45d0-a289-bf9ab5050946",
    port: 5071,
    from: "",
    to: "",
    places: { "crashes/agent_REMOVE_CONTAINER_toplevel": 0 },
    acts: [],
  },
]

/** Asked of an agent, and not of its master. */
const isOfAgent = ({ name, port }: Transcript): boolean =>
  name.startsWith("agent/") || name.startsWith("crashes/agent_") ? port !== 5050 : false

/** The exchanges of a scene in order. */
export const agentStepsOf = (
  { from, to, port, places = {} }: AgentScene,
  transcripts: Iterable<Transcript>,
): ReadonlyArray<Step> => {
  const steps: Array<Step> = []
  for (const transcript of transcripts) {
    if (!isOfAgent(transcript) || transcript.port !== port) continue
    const time = clockTimeOf(transcript)
    const place = places[transcript.name]
    if (place === undefined && !(time !== undefined && time >= from && time < to)) continue
    steps.push({ atS: place ?? transcript.at_s ?? 0, transcript })
  }
  return steps.sort((left, right) => left.atS - right.atS)
}
