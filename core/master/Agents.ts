import { resourcesOfRegistration, settleCheckpoint } from "./AgentCheckpoint.ts"
import { bookHeldTasks, takeTasksOf } from "./AgentTasks.ts"
import { agentDeadline, deleteKeptOrder, type MasterContext, machineKey, putAgent } from "./Context.ts"
import { continueDrain } from "./Draining.ts"
import type { MasterEventOf } from "./Event.ts"
import { loseUncheckpointedTasks } from "./LostTasks.ts"
import { announceWindowOf, isDown } from "./Maintenance.ts"
import { rescindOffersOn, wantAllocationNow } from "./Offers.ts"
import type { AgentRecord, MasterState } from "./State.ts"

// The life of agents as the master sees it (spec/mesos.md §2.9).

/** Takes an agent in, new or returning, with its tasks; or says why it may not come. */
export const onAgentRegistered = (context: MasterContext, event: MasterEventOf<"AgentRegistered">): void => {
  const { state, turn, nowMs, wallMs } = context
  const id = event.agentId === null ? nextAgentId(state) : event.agentId
  const before = state.agents.get(id)
  const banned = describeBan(state, id, event)
  if (banned !== undefined) {
    // Whatever the master still has of it stays as it is: nothing says that this is the agent that it knows.
    turn.emit({ type: "ShutDownAgent", streamId: event.streamId, reason: banned })
    return
  }
  const stranger = before === undefined ? undefined : describeStranger(before, event)
  const resources = stranger === undefined ? resourcesOfRegistration(before, event) : stranger
  if (typeof resources === "string") {
    const reason = stranger === undefined ? `agent id ${id}: ${resources}` : stranger
    turn.emit({ type: "RefuseRegistration", streamId: event.streamId, reason })
    return
  }
  if (before !== undefined && before.streamId !== null) {
    turn.emit({ type: "CloseStream", streamId: before.streamId })
  }
  rescindOffersOn(context, id)
  state.deadlines.cancel(agentDeadline(id))
  const ordered = before === undefined ? state.keptOrders.get(id) : before
  deleteKeptOrder(context, id)
  const agent: AgentRecord = {
    id,
    address: event.address,
    ...resources,
    reserve: event.reserve,
    attributes: event.attributes,
    version: event.version,
    condition: "connected",
    streamId: event.streamId,
    registeredWallMs: before === undefined ? wallMs : before.registeredWallMs,
    ...(event.agentId === null ? {} : { reregisteredWallMs: wallMs }),
    sinceMs: nowMs,
    removeAtMs: null,
    unreachableWallMs: null,
    isDeactivated: ordered?.isDeactivated === true,
    drain: ordered === undefined ? null : ordered.drain,
  }
  putAgent(context, agent)
  if (before !== undefined && before.condition === "unreachable") bookHeldTasks(state, agent)
  turn.emit({ type: "ConfirmRegistration", streamId: event.streamId, agentId: id })
  settleCheckpoint(context, agent, event)
  takeTasksOf(context, agent, event)
  if (before === undefined || machineKey(before.address) !== machineKey(agent.address)) {
    announceWindowOf(context, agent)
  }
  continueDrain(context, agent, event.killing)
  wantAllocationNow(context)
}

/** Why an agent must end its tasks and itself instead of registering; undefined when it may come. */
const describeBan = (
  state: MasterState,
  agentId: string,
  { address }: MasterEventOf<"AgentRegistered">,
): string | undefined => {
  if (state.gone.has(agentId)) return "Agent has been marked gone"
  return isDown(state, address) ? "Machine is `DOWN`" : undefined
}

/**
 * An id that is in use belongs to one host (spec/mesos.md §2.9): a copied data folder must not take over another host's
 * tasks. A host that really changed its address is taken in once the old one counts as unreachable.
 */
const describeStranger = (
  before: AgentRecord,
  { address }: MasterEventOf<"AgentRegistered">,
): string | undefined => {
  const isSameHost = before.address.hostname === address.hostname && before.address.ip === address.ip
  if (isSameHost || before.condition === "unreachable") return undefined
  const known = `${before.address.hostname} (${before.address.ip})`
  return `agent id ${before.id} belongs to ${known}, not to ${address.hostname} (${address.ip}): if its data folder was copied, remove agent/checkpoint on the copy; if the host has a new address, this goes away when the old one counts as unreachable`
}

/** Ids come from outside too, so one that was never given may be taken already. */
const nextAgentId = (state: MasterState): string => {
  let id: string
  do id = `${state.masterId}-S${state.nextAgentNumber++}`
  while (state.agents.has(id) || state.gone.has(id))
  return id
}

/** It ends its tasks: whatever it is offered now would be launched into nothing. */
export const onAgentStopping = (context: MasterContext, event: MasterEventOf<"AgentStopping">): void => {
  const agent = context.state.agents.get(event.agentId)
  if (agent === undefined || agent.streamId !== event.streamId || agent.condition === "stopping") return
  putAgent(context, { ...agent, condition: "stopping", sinceMs: context.nowMs })
  rescindOffersOn(context, agent.id)
}

export const onAgentDisconnected = (
  context: MasterContext,
  event: MasterEventOf<"AgentDisconnected">,
): void => {
  const agent = context.state.agents.get(event.agentId)
  // A stream that was replaced by a newer one ends without consequence.
  if (agent === undefined || agent.streamId !== event.streamId) return
  disconnectAgent(context, agent)
  loseUncheckpointedTasks(context, agent)
}

/** Its tasks are believed to run on; only its offers are taken back. */
export const disconnectAgent = (context: MasterContext, agent: AgentRecord): void => {
  const { state, nowMs } = context
  putAgent(context, { ...agent, condition: "disconnected", streamId: null, sinceMs: nowMs })
  rescindOffersOn(context, agent.id)
  state.deadlines.set(agentDeadline(agent.id), nowMs + state.settings.agentTimeoutMs)
}
