import { removeAgent } from "./AgentLoss.ts"
import { deleteGone, type MasterContext, putGone } from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import type { GoneRecord } from "./HostRecords.ts"
import type { AgentRecord } from "./State.ts"

// MARK_AGENT_GONE: an operator promises that a host, and all that ran on it, is no more (spec/mesos.md §1.11). There is no way back:
// frameworks have started elsewhere what may exist only once.

export const onAgentGone = (context: MasterContext, event: MasterEventOf<"AgentGone">): void => {
  const agent = context.state.agents.get(event.agentId)
  if (agent !== undefined) markGone(context, agent)
}

export const markGone = (context: MasterContext, agent: AgentRecord): void => {
  const { state, wallMs } = context
  const { hostname } = agent.address
  removeAgent(context, agent, {
    state: "TASK_GONE_BY_OPERATOR",
    reason: "REASON_AGENT_REMOVED_BY_OPERATOR",
    message: `Agent ${hostname} was marked gone by an operator`,
    toldAgent: "Agent has been marked gone",
    isForGood: true,
  })
  putGone(context, { agentId: agent.id, hostname, wallMs, number: state.nextGoneNumber++ })
  if (state.gone.size <= state.settings.awayAgentsMax) return
  let oldest: GoneRecord | undefined
  state.gone.forEach((gone) => {
    if (oldest === undefined || gone.number < oldest.number) oldest = gone
  })
  deleteGone(context, oldest!.agentId)
}
