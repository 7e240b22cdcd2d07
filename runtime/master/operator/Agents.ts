import { agentCapabilities } from "../../../core/master/NewAllocator.ts"
import type { AgentRecord, MasterState } from "../../../core/master/State.ts"
import { addResources, isNoResources, scalarQuantities } from "../../../core/resources/Resources.ts"
import { agentPid, agentToWire } from "../../mesos/OperatorViews.ts"
import { resourcesToBothForms } from "../../mesos/Resources.ts"
import {
  type AgentAmounts,
  amountsOfAgent,
  primaryRole,
  resourcesView,
  scalarsView,
  sharesOfAgent,
} from "./Amounts.ts"

// Agents, in the v0 naming of `/slaves` and `/state` and in that of GET_AGENTS.

/** What `/state-summary` says of an agent, too. */
export const agentSummary = (agent: AgentRecord, { used, offered, held, unreserved }: AgentAmounts) => ({
  id: agent.id,
  hostname: agent.address.hostname,
  port: agent.address.port,
  pid: agentPid(agent),
  attributes: Object.fromEntries(agent.attributes.map(({ name, value }) => [name, value])),
  registered_time: agent.registeredWallMs / 1000,
  resources: resourcesView(agent.total),
  used_resources: resourcesView(used),
  offered_resources: resourcesView(offered),
  reserved_resources: isNoResources(held) ? {} : { [primaryRole]: scalarsView(scalarQuantities(held)) },
  unreserved_resources: resourcesView(unreserved),
  active: agent.condition === "connected",
  deactivated: false,
  version: agent.version,
  capabilities: agentCapabilities,
})

const agentView = (agent: AgentRecord, amounts: AgentAmounts) => ({
  ...agentSummary(agent, amounts),
  reserved_resources_full: isNoResources(amounts.held)
    ? {}
    : { [primaryRole]: resourcesToBothForms(amounts.held) },
  unreserved_resources_full: resourcesToBothForms(amounts.unreserved),
  used_resources_full: resourcesToBothForms(amounts.used),
  offered_resources_full: resourcesToBothForms(amounts.offered),
  /** gleaner's own: the whole reserve that is wanted; what tasks hold of it is taken when they end. */
  wanted_reserve: scalarsView(agent.reserve),
  /** gleaner's own: connected, stopping, disconnected (tasks believed to run) or unreachable. */
  condition: agent.condition,
})

/** The agents, or the one of this id. */
export const agentViews = (state: MasterState, agentId: string | null) =>
  [...state.agents.values()]
    .filter(({ id }) => agentId === null || id === agentId)
    .map((agent) => agentView(agent, amountsOfAgent(state, agent)))

/**
 * GET_AGENTS. As in Mesos without those that are unreachable. None is `recovered`: Mesos calls so what it knows by name only until it
 * comes back after a restart of the master, and this journal knows all of them.
 */
export const getAgents = (state: MasterState) => ({
  agents: [...state.agents.values()]
    .filter(({ condition }) => condition !== "unreachable")
    .map((agent) => {
      const { held, unreserved } = amountsOfAgent(state, agent)
      const total = addResources(unreserved, held)
      return agentToWire(agent, { total, ...sharesOfAgent(state, agent) })
    }),
  recovered_agents: [],
})
