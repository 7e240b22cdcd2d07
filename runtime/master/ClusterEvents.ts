import type { EntityRef } from "../../core/Machine.ts"
import { tasksOfFramework } from "../../core/master/Context.ts"
import type { AgentRecord, FrameworkRecord, MasterState, TaskRecord } from "../../core/master/State.ts"
import { resourcesToPlain } from "../../core/resources/PlainForm.ts"
import { isTerminal, type TaskState, type TaskStatus, taskKey, taskOfKey } from "../../core/Task.ts"
import {
  agentAdded,
  agentRemoved,
  frameworkAdded,
  frameworkRemoved,
  frameworkUpdated,
  taskAdded,
  taskUpdated,
} from "../mesos/OperatorEvent.ts"
import { agentMessage, isListed } from "./operator/Agents.ts"

// What a step is to those who watch the cluster: the rows that it changed, each as it was and as it is, become events. Whoever applies
// them to the state that came first knows, after each step, which agents, frameworks and tasks there are, what agents and frameworks said
// of themselves, whether frameworks are connected, and the state of each task. Amounts, offers and whether agents are connected are not
// told, as in Mesos: who wants those, asks.

/** One event, and what it is about: a framework, a task of one, or neither, but an agent. */
export interface ClusterEvent {
  readonly framework: FrameworkRecord | null
  readonly task: TaskRecord | null
  readonly event: object
}

const ofAgent = (event: object): ClusterEvent => ({ framework: null, task: null, event })
const ofFramework = (framework: FrameworkRecord, event: object): ClusterEvent => ({
  ...{ framework, task: null, event },
})

/** Rows that a step has changed, and when it was. */
export interface Changes {
  readonly changed: ReadonlyArray<EntityRef>
  readonly wallMs: number
}

/** The cluster as it was last told. Records are never changed in place, so remembering them costs a reference each. */
export class ToldCluster {
  private readonly frameworks: Map<string, FrameworkRecord>
  private readonly agents: Map<string, AgentRecord>
  /** Told as `recovered_agents`: known from before this master started, and not back yet. */
  private readonly recoveredAgents: Set<string>
  private readonly tasks: Map<string, TaskRecord>

  constructor(state: MasterState) {
    this.frameworks = new Map(state.frameworks)
    this.agents = new Map([...state.agents].filter(([, agent]) => isListed(state, agent)))
    const others = [...state.agents.values()].filter(({ id }) => !this.agents.has(id))
    this.recoveredAgents = new Set(others.filter(isThere).map(({ id }) => id))
    this.tasks = new Map([...state.tasks].filter(([, { spec }]) => state.frameworks.has(spec.frameworkId)))
  }

  /** Whoever comes is told before what is of it, whoever leaves after. */
  hear(state: MasterState, { changed, wallMs }: Changes): ReadonlyArray<ClusterEvent> {
    const events: Array<ClusterEvent> = []
    const keysOf = (kind: string) => changed.flatMap((ref) => (ref.kind === kind ? [ref.key] : []))
    const frameworkIds = keysOf("framework")
    const agentIds = keysOf("agent")
    const taskKeys = new Set(keysOf("task"))
    for (const id of frameworkIds) {
      // Tasks that nobody's framework had are somebody's with it, and nobody's without it.
      if (this.frameworks.has(id) === state.frameworks.has(id)) continue
      for (const { spec } of tasksOfFramework(state, id)) taskKeys.add(taskKey(id, spec.taskId))
    }
    for (const id of frameworkIds) this.hearFramework(state.frameworks.get(id), id, events)
    for (const id of agentIds) this.hearAgent(state, id, events)
    for (const key of taskKeys) this.hearTask(state, key, wallMs, events)
    for (const id of agentIds) this.hearAgentLeave(state, id, events)
    for (const id of frameworkIds) this.hearFrameworkLeave(state, id, events)
    return events
  }

  private hearFramework(after: FrameworkRecord | undefined, id: string, events: Array<ClusterEvent>): void {
    if (after === undefined) return
    const before = this.frameworks.get(id)
    this.frameworks.set(id, after)
    if (before === undefined) events.push(ofFramework(after, frameworkAdded(after)))
    else if (before.info !== after.info || before.streamId !== after.streamId)
      events.push(ofFramework(after, frameworkUpdated(after)))
  }

  private hearFrameworkLeave(state: MasterState, id: string, events: Array<ClusterEvent>): void {
    const before = this.frameworks.get(id)
    if (before === undefined || state.frameworks.has(id)) return
    this.frameworks.delete(id)
    events.push(ofFramework(before, frameworkRemoved(before)))
  }

  /** Told again when it registers and says something else of itself: there is no other event that could say so. */
  private hearAgent(state: MasterState, id: string, events: Array<ClusterEvent>): void {
    const after = state.agents.get(id)
    if (after === undefined || !isListed(state, after)) return
    const before = this.agents.get(id)
    this.agents.set(id, after)
    this.recoveredAgents.delete(id)
    if (before === undefined || hasOtherFacts(before, after))
      events.push(ofAgent(agentAdded(agentMessage(state, after))))
  }

  private hearAgentLeave(state: MasterState, id: string, events: Array<ClusterEvent>): void {
    const after = state.agents.get(id)
    if (after !== undefined && isThere(after)) return
    const [wasThere, wasRecovered] = [this.agents.delete(id), this.recoveredAgents.delete(id)]
    // One that comes back after staying away is told as new, also where its absence was not.
    const isTold = after === undefined || state.settings.tellsUnreachableAgents
    if (isTold && (wasThere || wasRecovered)) events.push(ofAgent(agentRemoved(id)))
  }

  private hearTask(state: MasterState, key: string, wallMs: number, events: Array<ClusterEvent>): void {
    const framework = this.frameworks.get(taskOfKey(key).frameworkId)
    if (framework === undefined) return
    const before = this.tasks.get(key)
    const after = state.frameworks.has(framework.id) ? state.tasks.get(key) : undefined
    if (after !== undefined) {
      this.tasks.set(key, after)
      if (before === undefined) events.push({ framework, task: after, event: taskAdded(after) })
      else if (isNews(before, after))
        events.push({ framework, task: after, event: taskUpdated(statusOf(after, wallMs), after.state) })
      return
    }
    if (before === undefined) return
    this.tasks.delete(key)
    if (isTerminal(before.state)) return
    const last = { ...before, ...lastStatus(state, before) }
    events.push({ framework, task: last, event: taskUpdated(statusOf(last, wallMs), last.state) })
  }
}

/** Whether it counts as running, though nobody may have heard of it for a moment. */
const isThere = ({ condition }: AgentRecord): boolean => condition !== "unreachable"

/** What an agent says when it registers; its reserve and its stream come and go without. */
const hasOtherFacts = (before: AgentRecord, after: AgentRecord): boolean =>
  before.streamId !== after.streamId && factsOf(before) !== factsOf(after)

const factsOf = ({ address, attributes, version, total }: AgentRecord): string =>
  JSON.stringify([address, attributes, version, resourcesToPlain(total)])

/** Reasons of statuses that say something new without a new state. */
const checkReasons: ReadonlyArray<string | null> = [
  "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED",
  "REASON_TASK_CHECK_STATUS_UPDATED",
]

const isNews = (before: TaskRecord, after: TaskRecord): boolean =>
  before.state !== after.state ||
  (after.status !== null &&
    checkReasons.includes(after.status.reason) &&
    before.status?.uuid !== after.status.uuid)

/** How a task that is not there any more has ended for those who watch, when no status said so (spec/mesos.md §2.8). */
const lastStatus = (
  state: MasterState,
  { spec }: TaskRecord,
): { readonly state: TaskState; readonly status: null } => {
  // It is being killed; nobody is left to hear of it, and as in Mesos those who watch are told so at once.
  if (!state.frameworks.has(spec.frameworkId)) return { state: "TASK_KILLED", status: null }
  if (state.gone.has(spec.agentId)) return { state: "TASK_GONE_BY_OPERATOR", status: null }
  return { state: state.agents.has(spec.agentId) ? "TASK_GONE" : "TASK_UNKNOWN", status: null }
}

/** The reason of what the master says of a task by itself. */
const reasonOf = (state: TaskState): string => {
  switch (state) {
    case "TASK_KILLED":
      return "REASON_FRAMEWORK_REMOVED"
    case "TASK_UNREACHABLE":
      return "REASON_AGENT_REMOVED"
    case "TASK_GONE_BY_OPERATOR":
      return "REASON_AGENT_REMOVED_BY_OPERATOR"
    case "TASK_GONE":
    case "TASK_UNKNOWN":
      return "REASON_RECONCILIATION"
    default:
      return "REASON_AGENT_REREGISTERED"
  }
}

/** The status that brought the task into its state, or the master's own words for it. */
const statusOf = ({ spec, state, status }: TaskRecord, wallMs: number): TaskStatus =>
  status !== null && status.state === state
    ? status
    : {
        taskId: spec.taskId,
        frameworkId: spec.frameworkId,
        agentId: spec.agentId,
        state,
        source: "SOURCE_MASTER",
        reason: reasonOf(state),
        message: state === "TASK_KILLED" ? `Framework ${spec.frameworkId} removed` : null,
        uuid: null,
        wallMs,
        containerId: null,
        labels: [],
      }
