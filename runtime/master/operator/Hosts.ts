import { isDraining } from "../../../core/master/Draining.ts"
import { badRequest, notFound } from "../../http/HttpMessage.ts"
import { change } from "./Change.ts"

// What operators order of single hosts (spec/mesos.md §1.11); texts as in the transcripts operator/DRAIN_AGENT_unknown and its like.

const unknownAgent = () => badRequest("Unknown agent")

/** DRAIN_AGENT: no new offers, its tasks are killed, each within its grace but no later than `graceMaxMs`. */
export const drainAgent = (agentId: string, graceMaxMs: number | null, isGoneAfter: boolean) =>
  change((state) => {
    if (graceMaxMs !== null && !(graceMaxMs >= 0)) {
      return badRequest("Failed to validate master::Call: 'max_grace_period' must be a time from 0 on")
    }
    if (!state.agents.has(agentId)) return unknownAgent()
    return { type: "DrainRequested", agentId, graceMaxMs, isGoneAfter }
  })

/** DEACTIVATE_AGENT: no new offers; what runs, runs on. */
export const deactivateAgent = (agentId: string) =>
  change((state) => (state.agents.has(agentId) ? { type: "AgentDeactivated", agentId } : unknownAgent()))

/** REACTIVATE_AGENT: offers again; not while its tasks are still being killed. */
export const reactivateAgent = (agentId: string) =>
  change((state) => {
    const agent = state.agents.get(agentId)
    if (agent === undefined) return unknownAgent()
    return isDraining(agent)
      ? badRequest("Agent is still in the DRAINING state")
      : { type: "AgentReactivated", agentId }
  })

/**
 * MARK_AGENT_GONE, for good; said again it is done already. It happens in one step, so nobody can meet Mesos's 409 for an agent that is
 * just being marked.
 */
export const markAgentGone = (agentId: string) =>
  change((state) => {
    if (state.gone.has(agentId)) return undefined
    return state.agents.has(agentId)
      ? { type: "AgentGone", agentId }
      : notFound(`Agent '${agentId}' not found`)
  })
