import type { Turn } from "../Machine.ts"
import { heldResources } from "../resources/HeldResources.ts"
import { isTerminal, type TaskSpec, type TaskState, type TaskStatus, taskKey } from "../Task.ts"
import type { MasterAction } from "./Action.ts"
import { joinExecutor, leaveExecutor } from "./Executors.ts"
import { allocatorAgent, allocatorFramework } from "./NewAllocator.ts"
import type { AgentRecord, FrameworkRecord, MasterState, OfferRecord, TaskRecord } from "./State.ts"

/** What every handler of one master step works with. */
export interface MasterContext {
  readonly state: MasterState
  readonly turn: Turn<MasterAction>
  readonly nowMs: number
  readonly wallMs: number
}

// Every change of an entity goes through here, so that no row is forgotten, and the allocator hears of it.

export const putFramework = ({ state, turn }: MasterContext, framework: FrameworkRecord): void => {
  state.frameworks.set(framework.id, framework)
  state.allocator.putFramework(allocatorFramework(framework))
  turn.touch("framework", framework.id)
}

export const deleteFramework = ({ state, turn }: MasterContext, frameworkId: string): void => {
  state.frameworks.delete(frameworkId)
  state.allocator.removeFramework(frameworkId)
  turn.touch("framework", frameworkId)
}

/** One that becomes unreachable must hold nothing any more: its resources count no longer. */
export const putAgent = ({ state, turn }: MasterContext, agent: AgentRecord): void => {
  state.agents.set(agent.id, agent)
  if (agent.condition === "unreachable") state.allocator.removeAgent(agent.id)
  else state.allocator.putAgent(allocatorAgent(agent))
  turn.touch("agent", agent.id)
}

export const putOffer = ({ state, turn }: MasterContext, offer: OfferRecord): void => {
  state.offers.set(offer.id, offer)
  indexOffer(state, offer)
  turn.touch("offer", offer.id)
}

export const deleteOffer = (
  { state, turn }: MasterContext,
  { id, frameworkId, agentId }: OfferRecord,
): void => {
  state.offers.delete(id)
  state.offersByFramework.delete(frameworkId, id)
  state.offersByAgent.delete(agentId, id)
  turn.touch("offer", id)
}

export const putTask = ({ state, turn }: MasterContext, task: TaskRecord): void => {
  const key = taskKey(task.spec.frameworkId, task.spec.taskId)
  unindexTask(state, key)
  state.tasks.set(key, task)
  indexTask(state, key, task)
  turn.touch("task", key)
}

/** Of an unreachable one, which the allocator does not know any more. */
export const deleteAgent = ({ state, turn }: MasterContext, agentId: string): void => {
  state.agents.delete(agentId)
  turn.touch("agent", agentId)
}

export const deleteTask = ({ state, turn }: MasterContext, key: string): void => {
  unindexTask(state, key)
  state.tasks.delete(key)
  turn.touch("task", key)
}

// Who has what, for a restored state too.

export const indexOffer = (state: MasterState, { id, frameworkId, agentId }: OfferRecord): void => {
  state.offersByFramework.add(frameworkId, id)
  state.offersByAgent.add(agentId, id)
}

export const indexTask = (state: MasterState, key: string, task: TaskRecord): void => {
  const { spec } = task
  if (task.state === "TASK_UNREACHABLE") state.unreachableByFramework.add(spec.frameworkId, key)
  state.tasksByFramework.add(spec.frameworkId, key)
  state.tasksByAgent.add(spec.agentId, key)
}

const unindexTask = (state: MasterState, key: string): void => {
  const task = state.tasks.get(key)
  if (task === undefined) return
  state.unreachableByFramework.delete(task.spec.frameworkId, key)
  state.tasksByFramework.delete(task.spec.frameworkId, key)
  state.tasksByAgent.delete(task.spec.agentId, key)
}

// What a task holds. Its end is news to its framework, which may want offers again.

/** Of a task that goes on: whether or not it still fits. */
export const bookTask = (state: MasterState, { spec }: TaskRecord): void => {
  state.allocator.adopt(spec, heldResources(spec.resources))
  if (spec.executor !== undefined && joinExecutor(state, spec, spec.executor)) {
    state.allocator.adopt(spec, heldResources(spec.executor.resources))
  }
}

/** Of a new one, from an offer. */
export const bookLaunched = (state: MasterState, spec: TaskSpec): void => {
  state.allocator.charge(spec, heldResources(spec.resources))
  if (spec.executor !== undefined && joinExecutor(state, spec, spec.executor)) {
    state.allocator.charge(spec, heldResources(spec.executor.resources))
  }
}

export const releaseTask = ({ state, nowMs }: MasterContext, { spec }: TaskRecord): void => {
  state.allocator.release(spec, heldResources(spec.resources))
  if (spec.executor !== undefined && leaveExecutor(state, spec, spec.executor)) {
    state.allocator.release(spec, heldResources(spec.executor.resources))
  }
  state.allocator.wake(spec.frameworkId, nowMs)
}

// Deadlines of the master, by what they are about.

export const offerDeadline = (offerId: string): string => `offer:${offerId}`
export const agentDeadline = (agentId: string): string => `agent:${agentId}`
export const frameworkDeadline = (frameworkId: string): string => `framework:${frameworkId}`
export const allocationDeadline = "allocation"

// Listings are sorted by key: a restored map has another insertion order, and order must not decide anything (law L4).

export const sortedKeys = (map: ReadonlyMap<string, unknown>): ReadonlyArray<string> =>
  Array.from(map.keys()).sort()

export const offersOfFramework = (state: MasterState, frameworkId: string): ReadonlyArray<OfferRecord> =>
  state.offersByFramework.of(frameworkId).map((id) => state.offers.get(id)!)

export const offersOfAgent = (state: MasterState, agentId: string): ReadonlyArray<OfferRecord> =>
  state.offersByAgent.of(agentId).map((id) => state.offers.get(id)!)

export const tasksOfFramework = (state: MasterState, frameworkId: string): ReadonlyArray<TaskRecord> =>
  state.tasksByFramework.of(frameworkId).map((key) => state.tasks.get(key)!)

export const tasksOfAgent = (state: MasterState, agentId: string): ReadonlyArray<TaskRecord> =>
  state.tasksByAgent.of(agentId).map((key) => state.tasks.get(key)!)

/** Whether the task's resources are booked: until it ends or its agent becomes unreachable. */
export const holdsResources = (task: TaskRecord): boolean =>
  !task.hasEnded && !isTerminal(task.state) && task.state !== "TASK_UNREACHABLE"

export const hasCapability = (framework: FrameworkRecord, capability: string): boolean =>
  framework.info.capabilities.includes(capability)

/** What a framework is told: without PARTITION_AWARE the finer losses are all TASK_LOST (spec/mesos.md §1.12). */
export const visibleState = (framework: FrameworkRecord, state: TaskState): TaskState =>
  hasCapability(framework, "PARTITION_AWARE") ||
  !["TASK_UNREACHABLE", "TASK_DROPPED", "TASK_GONE", "TASK_GONE_BY_OPERATOR", "TASK_UNKNOWN"].includes(state)
    ? state
    : "TASK_LOST"

/** A status of the master's own: without uuid, so nothing is to be acknowledged (spec/mesos.md §2.7). */
export const masterStatus = (
  { wallMs }: MasterContext,
  framework: FrameworkRecord,
  task: { readonly taskId: string; readonly agentId: string | null },
  state: TaskState,
  reason: string,
  message: string,
): TaskStatus => ({
  taskId: task.taskId,
  frameworkId: framework.id,
  agentId: task.agentId,
  state: visibleState(framework, state),
  source: "SOURCE_MASTER",
  reason,
  message,
  uuid: null,
  wallMs,
  containerId: null,
  labels: [],
})

export const sendMasterStatus = (
  context: MasterContext,
  framework: FrameworkRecord,
  task: { readonly taskId: string; readonly agentId: string | null },
  state: TaskState,
  reason: string,
  message: string,
): void => sendStatus(context, framework, masterStatus(context, framework, task, state, reason, message))

/** To the framework, if it is there. */
export const sendStatus = (
  { turn }: MasterContext,
  { streamId }: FrameworkRecord,
  status: TaskStatus,
): void => {
  if (streamId !== null) turn.emit({ type: "SendStatus", streamId, status })
}
