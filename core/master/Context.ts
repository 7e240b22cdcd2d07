import type { Touch } from "../allocation/InverseOffers.ts"
import type { Turn } from "../Machine.ts"
import { heldResources } from "../resources/HeldResources.ts"
import { isTerminal, type TaskSpec, type TaskState, type TaskStatus, taskKey } from "../Task.ts"
import type { MasterAction } from "./Action.ts"
import { joinExecutor, leaveExecutor } from "./Executors.ts"
import type { GoneRecord, KeptOrder, MachineId, MachineRecord, MaintenanceWindow } from "./HostRecords.ts"
import { allocatorAgent, allocatorFramework } from "./NewAllocator.ts"
import { type OperationRecord, operationKey } from "./Operation.ts"
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
  indexAgent(state, agent)
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
  noteHolders(state, agentId)
  turn.touch("offer", id)
}

export const putTask = ({ state, turn }: MasterContext, task: TaskRecord): void => {
  const key = taskKey(task.spec.frameworkId, task.spec.taskId)
  unindexTask(state, key)
  state.tasks.set(key, task)
  indexTask(state, key, task)
  turn.touch("task", key)
}

/** Of one that holds nothing any more. */
export const deleteAgent = ({ state, turn }: MasterContext, agentId: string): void => {
  state.agents.delete(agentId)
  state.unreachableAgents.delete(agentId)
  state.allocator.removeAgent(agentId)
  turn.touch("agent", agentId)
}

export const putOperation = (context: MasterContext, record: OperationRecord): void => {
  const { state, turn } = context
  const key = operationKey(record)
  state.operations.set(key, record)
  indexOperation(state, key, record)
  turn.touch("operation", key)
  noteDrainProgress(context, record.agentId)
}

export const deleteOperation = (context: MasterContext, record: OperationRecord): void => {
  const { state, turn } = context
  const key = operationKey(record)
  state.operations.delete(key)
  state.operationsByFramework.delete(record.frameworkId, key)
  state.operationsByAgent.delete(record.agentId, key)
  turn.touch("operation", key)
  noteDrainProgress(context, record.agentId)
}

export const deleteTask = (context: MasterContext, key: string): void => {
  const { state, turn } = context
  const task = state.tasks.get(key)
  unindexTask(state, key)
  state.tasks.delete(key)
  turn.touch("task", key)
  if (task !== undefined) noteDrainProgress(context, task.spec.agentId)
}

export const putGone = ({ state, turn }: MasterContext, gone: GoneRecord): void => {
  state.gone.set(gone.agentId, gone)
  turn.touch("gone", gone.agentId)
}

export const deleteGone = ({ state, turn }: MasterContext, agentId: string): void => {
  state.gone.delete(agentId)
  turn.touch("gone", agentId)
}

export const putKeptOrder = ({ state, turn }: MasterContext, order: KeptOrder): void => {
  state.keptOrders.set(order.agentId, order)
  turn.touch("keptOrder", order.agentId)
}

export const deleteKeptOrder = ({ state, turn }: MasterContext, agentId: string): void => {
  if (state.keptOrders.delete(agentId)) turn.touch("keptOrder", agentId)
}

export const putMachine = ({ state, turn }: MasterContext, machine: MachineRecord): void => {
  const key = machineKey(machine.id)
  state.machines.set(key, machine)
  turn.touch("machine", key)
}

export const deleteMachine = ({ state, turn }: MasterContext, id: MachineId): void => {
  const key = machineKey(id)
  state.machines.delete(key)
  turn.touch("machine", key)
}

export const putSchedule = (
  { state, turn }: MasterContext,
  schedule: ReadonlyArray<MaintenanceWindow>,
): void => {
  state.schedule = schedule
  turn.touch("schedule", "all")
}

/** Names match in any case (spec/mesos.md §1.11). */
export const machineKey = ({ hostname, ip }: MachineId): string =>
  JSON.stringify([hostname.toLowerCase(), ip])

/** What everything that changes inverse offers must be given: stores the row, and wakes the master when a filter ends. */
export const touchInverse =
  ({ state, turn }: MasterContext): Touch =>
  (kind, key) => {
    turn.touch(kind, key)
    if (kind === "inverseOffers") followInversePair(state, key)
    else state.inverseCandidates.add(key)
  }

export const followInversePair = (state: MasterState, key: string): void => {
  const [agentId, frameworkId] = JSON.parse(key) as [string, string]
  const pairs = state.inverse.pairs.get(agentId)
  const pair = pairs?.get(frameworkId)
  const untilMs = pair === undefined ? null : pair.filteredUntilMs
  if (untilMs === null) state.deadlines.cancel(inverseDeadline(key))
  else state.deadlines.set(inverseDeadline(key), untilMs)
  state.inverseCandidates.add(agentId)
}

/** What somebody holds of the host has changed, or who could be told. */
const noteHolders = (state: MasterState, agentId: string): void => {
  if (state.inverse.windows.has(agentId)) state.inverseCandidates.add(agentId)
}

/** A framework can be told again: of all hosts on which it has something. */
export const noteHoldings = (state: MasterState, frameworkId: string): void => {
  for (const { spec } of tasksOfFramework(state, frameworkId)) noteHolders(state, spec.agentId)
}

/** Something of a host is over: the last one may have been what it drained for. */
export const noteDrainProgress = ({ state }: MasterContext, agentId: string): void => {
  const agent = state.agents.get(agentId)
  const isDraining = agent !== undefined && agent.drain !== null && agent.drain.stage === "draining"
  if (isDraining) state.perhapsDrained.add(agentId)
}

// Who has what, for a restored state too.

export const indexAgent = (state: MasterState, { id, condition }: AgentRecord): void => {
  if (condition === "unreachable") state.unreachableAgents.add(id)
  else state.unreachableAgents.delete(id)
}

export const indexOffer = (state: MasterState, { id, frameworkId, agentId }: OfferRecord): void => {
  noteHolders(state, agentId)
  state.offersByFramework.add(frameworkId, id)
  state.offersByAgent.add(agentId, id)
}

export const indexTask = (state: MasterState, key: string, task: TaskRecord): void => {
  const { spec } = task
  noteHolders(state, spec.agentId)
  if (task.state === "TASK_UNREACHABLE") state.unreachableByFramework.add(spec.frameworkId, key)
  state.tasksByFramework.add(spec.frameworkId, key)
  state.tasksByAgent.add(spec.agentId, key)
}

export const indexOperation = (
  state: MasterState,
  key: string,
  { frameworkId, agentId }: OperationRecord,
): void => {
  state.operationsByFramework.add(frameworkId, key)
  state.operationsByAgent.add(agentId, key)
}

const unindexTask = (state: MasterState, key: string): void => {
  const task = state.tasks.get(key)
  if (task === undefined) return
  state.unreachableByFramework.delete(task.spec.frameworkId, key)
  state.tasksByFramework.delete(task.spec.frameworkId, key)
  state.tasksByAgent.delete(task.spec.agentId, key)
  noteHolders(state, task.spec.agentId)
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
/** By `inversePairKey`: when its filter is over. */
export const inverseDeadline = (pairKey: string): string => `inverse:${pairKey}`
export const agentDeadline = (agentId: string): string => `agent:${agentId}`
export const frameworkDeadline = (frameworkId: string): string => `framework:${frameworkId}`
export const operationDeadline = (key: string): string => `operation:${key}`
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

export const operationsOfFramework = (
  state: MasterState,
  frameworkId: string,
): ReadonlyArray<OperationRecord> =>
  state.operationsByFramework.of(frameworkId).map((key) => state.operations.get(key)!)

export const operationsOfAgent = (state: MasterState, agentId: string): ReadonlyArray<OperationRecord> =>
  state.operationsByAgent.of(agentId).map((key) => state.operations.get(key)!)

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
  { state: { agents }, wallMs }: MasterContext,
  framework: FrameworkRecord,
  task: { readonly taskId: string; readonly agentId: string | null },
  state: TaskState,
  reason: string,
  message: string,
): TaskStatus => {
  const agent = task.agentId === null ? undefined : agents.get(task.agentId)
  const unreachableWallMs =
    state === "TASK_UNREACHABLE" && agent !== undefined ? agent.unreachableWallMs : null
  return {
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
    ...(unreachableWallMs === null ? {} : { unreachableWallMs }),
  }
}

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
