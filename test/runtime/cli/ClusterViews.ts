import type { ClusterState } from "../../../runtime/cli/ClusterState.ts"

type AgentView = ClusterState["slaves"][number]
type FrameworkView = ClusterState["frameworks"][number]

/** A cluster that came up ten seconds before 1,000,000 s. */
export const clusterState = (change: Partial<ClusterState> = {}): ClusterState => ({
  id: "m",
  version: "9.9",
  start_time: 999_990,
  slaves: [],
  recovered_slaves: [],
  frameworks: [],
  orphan_tasks: [],
  ...change,
})

export const agentView = (change: Partial<AgentView> = {}): AgentView => ({
  id: "m-S0",
  hostname: "host",
  condition: "connected",
  deactivated: false,
  resources: { cpus: 4, mem: 8_192 },
  used_resources: { cpus: 0.5, mem: 64 },
  offered_resources: { cpus: 3.5, mem: 8_128 },
  ...change,
})

export const frameworkView = (change: Partial<FrameworkView> = {}): FrameworkView => ({
  id: "m-0000",
  name: "shop",
  connected: true,
  roles: ["web", "api"],
  used_resources: { cpus: 0.5, mem: 64 },
  offers: [{}],
  tasks: [],
  unreachable_tasks: [],
  ...change,
})
