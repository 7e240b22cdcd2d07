import { assert } from "../Assert.ts"
import { type Step, Turn } from "../Machine.ts"
import { onOffersAccepted } from "./Accept.ts"
import type { MasterAction } from "./Action.ts"
import { lossesPerStep, onAgentDeadline } from "./AgentLoss.ts"
import { disconnectAgent, onAgentDisconnected, onAgentRegistered, onAgentStopping } from "./Agents.ts"
import { allocationDeadline, type MasterContext, sortedKeys } from "./Context.ts"
import { onAgentDeactivated, onAgentReactivated, onDrainRequested, settleDrains } from "./Draining.ts"
import type { MasterEvent } from "./Event.ts"
import {
  onOperationAcknowledged,
  onOperationDue,
  onOperationReported,
  onOperationsReconciled,
} from "./Feedback.ts"
import {
  disconnectFramework,
  onFrameworkDisconnected,
  onFrameworkSubscribed,
  removeFramework,
} from "./Frameworks.ts"
import { onFrameworkUpdated } from "./FrameworkUpdates.ts"
import { onAgentGone } from "./GoneAgents.ts"
import { onInverseFilterOver, onInverseOffersAnswered, refreshInverseOffers } from "./InverseOffers.ts"
import { onMachinesBroughtDown, onMachinesBroughtUp, onMaintenanceScheduled } from "./Maintenance.ts"
import {
  nextAllocationAtMs,
  onOffersDeclined,
  onOffersRevived,
  onOffersSuppressed,
  rescindOffer,
  runAllocation,
  scheduleAllocation,
} from "./Offers.ts"
import { onOperationRequested } from "./Operations.ts"
import { onReserveChanged } from "./Reserves.ts"
import { onQuotaRemoved, onQuotasUpdated, onWeightsUpdated } from "./RoleSettings.ts"
import type { MasterState } from "./State.ts"
import {
  onExecutorShutdownRequested,
  onKillRequested,
  onReconciliationRequested,
  onStatusAcknowledged,
  onStatusReported,
} from "./Statuses.ts"

/**
 * The master: one event in, ordered actions out (design §2). Only `TimePassed` fires deadlines, the allocation cycle
 * among them; every other event may want one and says so by `wakeAtMs`. So a shell that steps a batch of events and
 * then lets the time pass runs one cycle for all of them.
 */
export const stepMaster = (state: MasterState, event: MasterEvent): Step<MasterAction> => {
  const { nowMs, wallMs } = event
  assert(nowMs >= state.nowMs, () => `time went back from ${state.nowMs} to ${nowMs}`)
  state.nowMs = nowMs
  const turn = new Turn<MasterAction>()
  turn.touch("master", "counters")
  const context = { state, turn, nowMs, wallMs }
  handle(context, event)
  settleDrains(context)
  for (const { kind, key } of state.upgraded.concat(state.allocator.takeChanged())) turn.touch(kind, key)
  state.upgraded = []
  scheduleAllocation(state)
  return turn.finish(state.deadlines.nextAtMs())
}

const handle = (context: MasterContext, event: MasterEvent): void => {
  switch (event.type) {
    case "MasterStarted":
      return onMasterStarted(context)
    case "TimePassed":
      return fireDeadlines(context)
    case "AgentRegistered":
      return onAgentRegistered(context, event)
    case "AgentDisconnected":
      return onAgentDisconnected(context, event)
    case "ReserveChanged":
      return onReserveChanged(context, event)
    case "AgentStopping":
      return onAgentStopping(context, event)
    case "StatusReported":
      return onStatusReported(context, event)
    case "FrameworkSubscribed":
      return onFrameworkSubscribed(context, event)
    case "FrameworkUpdated":
      return onFrameworkUpdated(context, event)
    case "FrameworkDisconnected":
      return onFrameworkDisconnected(context, event)
    case "OffersAccepted":
      return onOffersAccepted(context, event)
    case "OffersDeclined":
      return onOffersDeclined(context, event)
    case "OffersRevived":
      return onOffersRevived(context, event)
    case "OffersSuppressed":
      return onOffersSuppressed(context, event)
    case "KillRequested":
      return onKillRequested(context, event)
    case "ExecutorShutdownRequested":
      return onExecutorShutdownRequested(context, event)
    case "StatusAcknowledged":
      return onStatusAcknowledged(context, event)
    case "ReconciliationRequested":
      return onReconciliationRequested(context, event)
    case "OperationReported":
      return onOperationReported(context, event)
    case "OperationAcknowledged":
      return onOperationAcknowledged(context, event)
    case "OperationsReconciled":
      return onOperationsReconciled(context, event)
    case "OperationRequested":
      return onOperationRequested(context, event)
    case "TeardownRequested":
      return removeFramework(context, event.frameworkId)
    case "WeightsUpdated":
      return onWeightsUpdated(context, event)
    case "QuotasUpdated":
      return onQuotasUpdated(context, event)
    case "QuotaRemoved":
      return onQuotaRemoved(context, event)
    case "InverseOffersAnswered":
      return onInverseOffersAnswered(context, event)
    case "AgentDeactivated":
      return onAgentDeactivated(context, event)
    case "AgentReactivated":
      return onAgentReactivated(context, event)
    case "DrainRequested":
      return onDrainRequested(context, event)
    case "AgentGone":
      return onAgentGone(context, event)
    case "MaintenanceScheduled":
      return onMaintenanceScheduled(context, event)
    case "MachinesBroughtDown":
      return onMachinesBroughtDown(context, event)
    case "MachinesBroughtUp":
      return onMachinesBroughtUp(context, event)
  }
}

/**
 * After a restart no stream is left: all that were connected are not. The frameworks did not leave, so each gets at
 * least the time that agents have to return (spec/mesos.md §2.6).
 */
const onMasterStarted = (context: MasterContext): void => {
  const { state, nowMs } = context
  state.startedAtMs = nowMs
  for (const id of sortedKeys(state.frameworks)) {
    const framework = state.frameworks.get(id)!
    const waitMs = Math.max(framework.info.failoverTimeoutMs, state.settings.agentTimeoutMs)
    if (framework.streamId !== null) disconnectFramework(context, framework, waitMs)
  }
  for (const id of sortedKeys(state.agents)) {
    const agent = state.agents.get(id)!
    if (agent.streamId !== null) disconnectAgent(context, agent)
  }
}

/**
 * Fires what is due, allocation last, so that everything freed on the way is offered in the same cycle. After many agents that are
 * lost together the rest waits for the next step, which comes at once.
 */
const fireDeadlines = (context: MasterContext): void => {
  const { state, nowMs } = context
  let losses = 0
  for (let key = state.deadlines.popDue(nowMs); key !== undefined; key = state.deadlines.popDue(nowMs)) {
    if (key === allocationDeadline) continue
    fireDeadline(context, key)
    if (key.startsWith("agent:") && ++losses === lossesPerStep) return
  }
  const allocationAtMs = nextAllocationAtMs(state)
  if (allocationAtMs !== null && allocationAtMs <= nowMs) runAllocation(context)
  refreshInverseOffers(context)
}

const fireDeadline = (context: MasterContext, key: string): void => {
  const { state } = context
  const colon = key.indexOf(":")
  const subject = key.slice(colon + 1)
  switch (key.slice(0, colon)) {
    case "offer": {
      const offer = state.offers.get(subject)
      if (offer !== undefined) rescindOffer(context, offer)
      return
    }
    case "agent":
      return onAgentDeadline(context, subject)
    case "operation":
      return onOperationDue(context, subject)
    case "framework":
      return removeFramework(context, subject)
    case "inverse":
      return onInverseFilterOver(context, subject)
  }
}
