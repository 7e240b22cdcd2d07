import type { AgentRecord } from "./State.ts"

// How Mesos calls an agent in its sentences and its views (transcripts operator/CREATE_VOLUMES_duplicate_id, idle_GET_AGENTS).

export const agentPid = ({ address: { ip, port } }: AgentRecord): string =>
  `slave(1)@${ip.indexOf(":") === -1 ? ip : `[${ip}]`}:${port}`

export const agentText = (agent: AgentRecord): string =>
  `${agent.id} at ${agentPid(agent)} (${agent.address.hostname})`
