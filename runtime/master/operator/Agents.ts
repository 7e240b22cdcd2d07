import { agentPid } from "../../../core/master/AgentText.ts"
import { agentCapabilities } from "../../../core/master/NewAllocator.ts"
import type { AgentRecord, MasterState } from "../../../core/master/State.ts"
import { isRecovered } from "../../../core/master/Statuses.ts"
import { addResources } from "../../../core/resources/Resources.ts"
import { agentInfoToWire, agentToWire, drainInfo, isActive } from "../../mesos/OperatorViews.ts"
import { resourcesToBothForms } from "../../mesos/Resources.ts"
import { type AgentAmounts, amountsOfAgent, resourcesView, scalarsView, sharesOfAgent } from "./Amounts.ts"
import { ownMembers, type ViewForm } from "./ViewForm.ts"

// Agents, in the v0 naming of `/slaves` and `/state` and in that of GET_AGENTS.

/** What `/state` and `/state-summary` say of an agent. */
export const agentSummary = (
  agent: AgentRecord,
  { used, offered, reserved, unreserved }: AgentAmounts,
  form: ViewForm,
) => ({
  id: agent.id,
  hostname: agent.address.hostname,
  port: agent.address.port,
  pid: agentPid(agent),
  attributes: Object.fromEntries(agent.attributes.map(({ name, value }) => [name, value])),
  registered_time: agent.registeredWallMs / 1000,
  ...(agent.reregisteredWallMs === undefined ? {} : { reregistered_time: agent.reregisteredWallMs / 1000 }),
  resources: resourcesView(agent.total),
  used_resources: resourcesView(used),
  offered_resources: resourcesView(offered),
  reserved_resources: Object.fromEntries(
    reserved.map(({ role, resources }) => [role, resourcesView(resources)]),
  ),
  unreserved_resources: resourcesView(unreserved),
  active: isActive(agent),
  deactivated: agent.isDeactivated,
  version: agent.version,
  capabilities: agentCapabilities,
  ...(agent.drain === null
    ? {}
    : {
        drain_info: drainInfo(agent.drain),
        estimated_drain_start_time_seconds: agent.drain.startedWallMs / 1000,
      }),
  ...ownMembers(form, () => ({
    /** The whole reserve that is wanted; what tasks hold of it is taken when they end. */
    wanted_reserve: scalarsView(agent.reserve),
    /** Connected, stopping, disconnected (tasks believed to run) or unreachable. */
    condition: agent.condition,
  })),
})

/** What `/slaves` says of it, which alone has resources in full. */
export const agentView = (agent: AgentRecord, amounts: AgentAmounts, form: ViewForm) => ({
  ...agentSummary(agent, amounts, form),
  reserved_resources_full: Object.fromEntries(
    amounts.reserved.map(({ role, resources }) => [role, resourcesToBothForms(resources)]),
  ),
  unreserved_resources_full: resourcesToBothForms(amounts.unreserved),
  used_resources_full: resourcesToBothForms(amounts.used),
  offered_resources_full: resourcesToBothForms(amounts.offered),
})

/**
 * How Mesos lists agents: those that registered with this master; recovered ones, which are known from before it started and have not
 * come back yet; unreachable ones nowhere.
 */
export const agentsByStanding = (state: MasterState) => {
  const registered: Array<AgentRecord> = []
  const recovered: Array<AgentRecord> = []
  const unreachable: Array<AgentRecord> = []
  for (const agent of state.agents.values()) {
    if (agent.condition === "unreachable") unreachable.push(agent)
    else if (isRecovered(state, agent)) recovered.push(agent)
    else registered.push(agent)
  }
  return { registered, recovered, unreachable }
}

/** Whether GET_AGENTS has it among `agents`. */
export const isListed = (state: MasterState, agent: AgentRecord): boolean =>
  agent.condition !== "unreachable" && !isRecovered(state, agent)

/** The agents, or the one of this id. gleaner's own: `unreachable_slave_list`, so that people see which ones are missing. */
export const agentViews = (
  state: MasterState,
  agentId: string | null,
  toView: (agent: AgentRecord, amounts: AgentAmounts) => object,
  form: ViewForm,
) => {
  const views = (agents: ReadonlyArray<AgentRecord>) =>
    agents
      .filter(({ id }) => agentId === null || id === agentId)
      .map((agent) => toView(agent, amountsOfAgent(state, agent)))
  const { registered, recovered, unreachable } = agentsByStanding(state)
  return {
    slaves: views(registered),
    recovered_slaves: views(recovered),
    ...ownMembers(form, () => ({ unreachable_slave_list: views(unreachable) })),
  }
}

/** One agent in the words of GET_AGENTS. */
export const agentMessage = (state: MasterState, agent: AgentRecord) => {
  const { reserved, unreserved } = amountsOfAgent(state, agent)
  const total = reserved.reduce((sum, { resources }) => addResources(sum, resources), unreserved)
  return agentToWire(agent, { total, ...sharesOfAgent(state, agent) })
}

/** GET_AGENTS: of recovered ones only what they are, as in Mesos. */
export const getAgents = (state: MasterState) => {
  const { registered, recovered } = agentsByStanding(state)
  return {
    agents: registered.map((agent) => agentMessage(state, agent)),
    recovered_agents: recovered.map(agentInfoToWire),
  }
}
