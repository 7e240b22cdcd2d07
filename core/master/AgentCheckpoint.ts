import { heldResources } from "../resources/HeldResources.ts"
import { noResources, type Resources, sameResources } from "../resources/Resources.ts"
import { checkpointedOn, combineResources } from "./AgentResources.ts"
import { type MasterContext, operationsOfAgent } from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import { settleOperation } from "./Feedback.ts"
import { operationKey } from "./Operation.ts"
import { tellCheckpointed } from "./Operations.ts"
import type { AgentRecord } from "./State.ts"

// What is reserved and made on an agent, when it registers: the master's word counts where it has one, otherwise the agent's.

/** All that it has, or why it cannot be taken in like this. */
export const resourcesOfRegistration = (
  before: AgentRecord | undefined,
  event: MasterEventOf<"AgentRegistered">,
): Pick<AgentRecord, "base" | "total"> | string => {
  const base = heldResources(event.total)
  const checkpointed = before === undefined ? heldResources(event.checkpointed) : checkpointedOn(before)
  const total = combineResources(base, checkpointed)
  return typeof total === "string" ? total : { base, total }
}

/** Brings both views together, and settles what the agent has done meanwhile. */
export const settleCheckpoint = (
  context: MasterContext,
  agent: AgentRecord,
  event: MasterEventOf<"AgentRegistered">,
): void => {
  const told = new Set(event.converting)
  for (const outcome of event.outcomes) {
    told.add(operationKey(outcome))
    settleOperation(context, agent.id, outcome)
  }
  // Neither on its way nor answered: the agent has lost it, with a copy of its checkpoints perhaps. It is done now.
  const lost = operationsOfAgent(context.state, agent.id).filter(
    (record) => record.state === "OPERATION_PENDING" && !told.has(operationKey(record)),
  )
  for (const { frameworkId, operationId } of lost) {
    tellCheckpointed(context, agent, { frameworkId, operationId }, noResources)
  }
  const known: Resources = heldResources(event.checkpointed)
  if (lost.length === 0 && !sameResources(known, checkpointedOn(agent))) {
    tellCheckpointed(context, agent, null, noResources)
  }
}
