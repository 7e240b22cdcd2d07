import { discardInverseOffersOf, forgetInverseOffersOf } from "../allocation/InverseOffers.ts"
import { isTerminal } from "../Task.ts"
import {
  deleteFramework,
  frameworkDeadline,
  type MasterContext,
  masterStatus,
  noteHoldings,
  putFramework,
  putTask,
  tasksOfFramework,
  touchInverse,
  visibleState,
} from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import { forgetOperationsOf, sendFinalStatuses } from "./Feedback.ts"
import { principalProblem, withFixedFields } from "./FrameworkUpdates.ts"
import { completeTask, rememberRemoval, rememberTask } from "./History.ts"
import { discardOffersOf, wantAllocationNow } from "./Offers.ts"
import type { FrameworkRecord, MasterState, TaskRecord } from "./State.ts"
import { acknowledgeToAgent } from "./Statuses.ts"
import { withNote } from "./StatusNotes.ts"

// The life of frameworks: subscribe, fail over, disconnect, leave (spec/mesos.md §2.3, §2.6).

export const onFrameworkSubscribed = (
  context: MasterContext,
  event: MasterEventOf<"FrameworkSubscribed">,
): void => {
  const { state, turn, nowMs, wallMs } = context
  const { streamId, info } = event
  if (event.frameworkId !== null && state.removals.has(event.frameworkId)) {
    turn.emit({ type: "RefuseSubscription", streamId, message: "Framework has been removed" })
    return
  }
  const id = event.frameworkId === null ? nextFrameworkId(state) : event.frameworkId
  const before = state.frameworks.get(id)
  const known = before === undefined || before.isRecovered ? undefined : before.info
  // What others started under its id is not handed to whoever asks for it first.
  const isOwned = before !== undefined && (!before.isRecovered || before.isOwnerKnown === true)
  const problem = isOwned ? principalProblem(before.info, info) : undefined
  if (problem !== undefined) {
    turn.emit({ type: "RefuseSubscription", streamId, message: problem })
    return
  }
  if (before !== undefined && before.streamId !== null) {
    turn.emit({ type: "RefuseSubscription", streamId: before.streamId, message: "Framework failed over" })
  }
  discardOffersOf(context, id)
  discardInverseOffersOf(state.inverse, id, touchInverse(context))
  state.allocator.dropFilters(id, null)
  state.deadlines.cancel(frameworkDeadline(id))
  const framework: FrameworkRecord = {
    id,
    info: known === undefined ? info : withFixedFields(known, info),
    streamId,
    suppressedRoles: event.suppressedRoles,
    registeredWallMs: before === undefined ? wallMs : before.registeredWallMs,
    reregisteredWallMs: event.frameworkId === null ? null : wallMs,
    isRecovered: false,
    ...(before?.isOwnerKnown === true ? { isOwnerKnown: true } : {}),
    sinceMs: nowMs,
    removeAtMs: null,
  }
  putFramework(context, framework)
  noteHoldings(state, id)
  turn.emit({ type: "ConfirmSubscription", streamId, framework })
  sendUnacknowledged(context, framework, streamId)
  sendFinalStatuses(context, id)
  wantAllocationNow(context)
}

/** Ids come from outside too, so one that was never given may be taken already. */
const nextFrameworkId = (state: MasterState): string => {
  let id: string
  do id = `${state.masterId}-${String(state.nextFrameworkNumber++).padStart(4, "0")}`
  while (state.frameworks.has(id) || state.removals.has(id))
  return id
}

/** After a failover nothing waits for the agents' retry timers: what is unacknowledged is told again at once. */
const sendUnacknowledged = (context: MasterContext, framework: FrameworkRecord, streamId: string): void => {
  const waiting = tasksOfFramework(context.state, framework.id).filter((task) => task.unacknowledged)
  for (const { status } of waiting) {
    if (status === null) continue
    const told = { ...status, state: visibleState(framework, status.state) }
    context.turn.emit({ type: "SendStatus", streamId, status: told })
  }
}

export const onFrameworkDisconnected = (
  context: MasterContext,
  event: MasterEventOf<"FrameworkDisconnected">,
): void => {
  const framework = context.state.frameworks.get(event.frameworkId)
  // A stream that was replaced by a newer one ends without consequence.
  if (framework === undefined || framework.streamId !== event.streamId) return
  disconnectFramework(context, framework)
}

/** Its offers are void; it is removed unless it returns within `waitMs`. */
export const disconnectFramework = (
  context: MasterContext,
  framework: FrameworkRecord,
  waitMs: number = framework.info.failoverTimeoutMs,
): void => {
  const { state, nowMs } = context
  const removeAtMs = nowMs + waitMs
  putFramework(context, { ...framework, streamId: null, sinceMs: nowMs, removeAtMs })
  discardOffersOf(context, framework.id)
  discardInverseOffersOf(state.inverse, framework.id, touchInverse(context))
  if (waitMs <= 0) removeFramework(context, framework.id)
  else state.deadlines.set(frameworkDeadline(framework.id), removeAtMs)
}

/**
 * Ends a framework for good: its tasks are killed and its id may not subscribe again. Tasks stay in the state, and
 * hold their resources, until their agent says that they ended; nobody is left to acknowledge, so the master does.
 */
export const removeFramework = (context: MasterContext, frameworkId: string): void => {
  const { state, turn } = context
  const framework = state.frameworks.get(frameworkId)
  if (framework === undefined) return
  discardOffersOf(context, frameworkId)
  state.deadlines.cancel(frameworkDeadline(frameworkId))
  for (const task of tasksOfFramework(state, frameworkId)) endTaskOfRemoved(context, framework, task)
  forgetOperationsOf(context, frameworkId)
  forgetInverseOffersOf(state.inverse, frameworkId, touchInverse(context))
  deleteFramework(context, frameworkId)
  rememberRemoval(context, framework)
  if (framework.streamId !== null) turn.emit({ type: "CloseStream", streamId: framework.streamId })
}

/**
 * In the history it is killed from now on, whatever its agent will say of it later (spec/mesos.md §2.3, TEARDOWN), unless its end is known
 * already. Nobody is left to acknowledge: the master does, at once, or its agent would repeat for minutes what it told last.
 */
const endTaskOfRemoved = (context: MasterContext, framework: FrameworkRecord, task: TaskRecord): void => {
  const { frameworkId, taskId, agentId } = task.spec
  if (task.unacknowledged && task.status !== null) acknowledgeToAgent(context, agentId, task.status)
  if (isTerminal(task.state) || task.state === "TASK_UNREACHABLE") {
    completeTask(context, task, task.state)
    return
  }
  const acknowledged: TaskRecord = { ...task, unacknowledged: false, killRequested: true }
  putTask(context, acknowledged)
  if (task.endState === undefined) {
    const message = `Framework ${frameworkId} removed`
    const reason = "REASON_FRAMEWORK_REMOVED"
    const killed = masterStatus(context, framework, task.spec, "TASK_KILLED", reason, message)
    rememberTask(context, { ...acknowledged, notes: withNote(task.notes, killed) }, "TASK_KILLED")
  } else rememberTask(context, acknowledged, task.endState)
  context.turn.emit({
    type: "SendToAgent",
    agentId,
    message: { type: "KillTask", frameworkId, taskId, graceMs: null },
  })
}
