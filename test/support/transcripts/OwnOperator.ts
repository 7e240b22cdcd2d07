import type { Json, Request, Transcript } from "./Transcript.ts"

// Exchanges of operators in our own words, on a cluster without agents (spec/mesos.md §2.4, §2.5).

const json = [
  ["Host", "here"],
  ["Accept", "application/json"],
  ["Content-Type", "application/json"],
  ["Content-Length", ""],
] as const
const plain = [["Content-Type", "text/plain; charset=utf-8"]] as const
const asJson = [["Content-Type", "application/json"]] as const

type Exchange = Pick<Transcript, "request" | "response">

const asked = (type: string, members: object = {}): Request => ({
  method: "POST",
  path: "/api/v1",
  headers: json,
  body: JSON.stringify({ type, ...members }),
})
const read = (path: string): Request => ({ method: "GET", path, headers: [["Host", "here"]], body: null })

/** Asked for what lies in the member named after the call. */
const told = (type: string, content: Json): Exchange => ({
  request: asked(type),
  response: {
    status: 200,
    headers: asJson,
    body: JSON.stringify({ type, ...(content === undefined ? {} : { [type.toLowerCase()]: content }) }),
  },
})
const shown = (path: string, content: Json): Exchange => ({
  request: read(path),
  response: { status: 200, headers: asJson, body: JSON.stringify(content) },
})
const answered = (request: Request, status: number, body = ""): Exchange => ({
  request,
  response: { status, headers: body === "" ? [] : plain, body },
})
const nobody = { value: "nobody-S9" }
const memberMissing = (type: string): Exchange =>
  answered(
    asked(type),
    400,
    `Failed to validate master::Call: Expecting '${type.toLowerCase()}' to be present`,
  )
const onNobody = (type: string, status: number, body: string): Exchange =>
  answered(asked(type, { [type.toLowerCase()]: { agent_id: nobody } }), status, body)

const scalar = (name: string, value: number) => ({ name, type: "SCALAR", scalar: { value } })
const reserved = [{ ...scalar("cpus", 1), reservations: [{ type: "DYNAMIC", role: "x" }] }]
const volume = [
  {
    ...scalar("disk", 1),
    reservations: [{ type: "DYNAMIC", role: "x" }],
    disk: { persistence: { id: "v" }, volume: { container_path: "data", mode: "RW" } },
  },
]

const weights = { update_weights: { weight_infos: [{ role: "x", weight: 3 }] } }
const quota = { update_quota: { quota_configs: [{ role: "x", limits: { cpus: { value: 2 } } }] } }
const noQuota = { update_quota: { quota_configs: [{ role: "x" }] } }
const nowhere = { hostname: "nowhere", ip: "10.9.8.7" }

export const operatorExchanges: { readonly [name: string]: Exchange } = {
  "health, by call": told("GET_HEALTH", { healthy: true }),
  "agents, where none are": told("GET_AGENTS", { agents: [], recovered_agents: [] }),
  "frameworks, where none are": told("GET_FRAMEWORKS", { frameworks: [], completed_frameworks: [] }),
  "executors, where none are": told("GET_EXECUTORS", { executors: [] }),
  "operations, where none are": told("GET_OPERATIONS", {}),
  "tasks, where none are": told("GET_TASKS", { tasks: [], unreachable_tasks: [], completed_tasks: [] }),
  "roles, where none are": told("GET_ROLES", {}),
  "weights, where none are": told("GET_WEIGHTS", undefined),
  "quotas, where none are": told("GET_QUOTA", { status: {} }),
  "a weight": answered(asked("UPDATE_WEIGHTS", weights), 200),
  "the weight that was set": told("GET_WEIGHTS", { weight_infos: [{ role: "x", weight: 3 }] }),
  "the role that has a weight": told("GET_ROLES", { roles: [{ name: "x", weight: 3 }] }),
  "weights, as older tools read them": shown("/weights", [{ role: "x", weight: 3 }]),
  "a weight of nothing": answered(
    asked("UPDATE_WEIGHTS", { update_weights: { weight_infos: [{ role: "x", weight: 0 }] } }),
    400,
    "Failed to validate update weights request JSON for role 'x': Invalid weight '0': Weights must be positive",
  ),
  "a quota": answered(asked("UPDATE_QUOTA", quota), 200),
  "the quota that was set": told("GET_QUOTA", {
    status: { infos: [{ role: "x" }], configs: [{ role: "x", limits: { cpus: { value: 2 } } }] },
  }),
  "a quota that is taken back": answered(asked("UPDATE_QUOTA", noQuota), 200),
  "a quota that is no quota any more": told("GET_QUOTA", {
    status: { infos: [{ role: "x" }], configs: [{ role: "x" }] },
  }),
  "an older quota that nobody has": answered(
    asked("REMOVE_QUOTA", { remove_quota: { role: "unheard" } }),
    400,
    "Failed to remove quota: Role 'unheard' has no quota set",
  ),
  "no maintenance": told("GET_MAINTENANCE_STATUS", { status: {} }),
  "no plan of maintenance": told("GET_MAINTENANCE_SCHEDULE", { schedule: {} }),
  "maintenance of a host that nobody announced": answered(
    asked("START_MAINTENANCE", { start_maintenance: { machines: [nowhere] } }),
    400,
    `Machine '${JSON.stringify(nowhere)}' is not part of a maintenance schedule`,
  ),
  "draining of an unknown agent": onNobody("DRAIN_AGENT", 400, "Unknown agent"),
  "deactivating of an unknown agent": onNobody("DEACTIVATE_AGENT", 400, "Unknown agent"),
  "reactivating of an unknown agent": onNobody("REACTIVATE_AGENT", 400, "Unknown agent"),
  "giving up of an unknown agent": onNobody("MARK_AGENT_GONE", 404, "Agent 'nobody-S9' not found"),
  "the end of an unknown framework": answered(
    asked("TEARDOWN", { teardown: { framework_id: { value: "unheard" } } }),
    400,
    "No framework found with specified ID",
  ),
  "a reservation on an unknown agent": answered(
    asked("RESERVE_RESOURCES", { reserve_resources: { agent_id: nobody, resources: reserved } }),
    400,
    "No agent found with specified ID",
  ),
  "a reservation given back on an unknown agent": answered(
    asked("UNRESERVE_RESOURCES", { unreserve_resources: { agent_id: nobody, resources: reserved } }),
    400,
    "No agent found with specified ID",
  ),
  "a volume on an unknown agent": answered(
    asked("CREATE_VOLUMES", { create_volumes: { agent_id: nobody, volumes: volume } }),
    400,
    "No agent found with specified ID",
  ),
  "the end of a volume on an unknown agent": answered(
    asked("DESTROY_VOLUMES", { destroy_volumes: { agent_id: nobody, volumes: volume } }),
    400,
    "No agent found with specified ID",
  ),
  ...Object.fromEntries(
    [
      "GET_METRICS",
      "SET_LOGGING_LEVEL",
      "LIST_FILES",
      "READ_FILE",
      "UPDATE_WEIGHTS",
      "RESERVE_RESOURCES",
      "UNRESERVE_RESOURCES",
      "CREATE_VOLUMES",
      "DESTROY_VOLUMES",
      "UPDATE_MAINTENANCE_SCHEDULE",
      "START_MAINTENANCE",
      "STOP_MAINTENANCE",
      "UPDATE_QUOTA",
      "TEARDOWN",
      "MARK_AGENT_GONE",
      "DRAIN_AGENT",
      "DEACTIVATE_AGENT",
      "REACTIVATE_AGENT",
    ].map((type) => [`${type} without its member`, memberMissing(type)]),
  ),
  "a file of nobody": {
    request: asked("READ_FILE", { read_file: { path: "/unheard", offset: 0 } }),
    response: { status: 404, headers: plain, body: "" },
  },
  "a level of logging": told("GET_LOGGING_LEVEL", { level: 0 }),
  "agents, as older tools read them": shown("/slaves", { slaves: [], recovered_slaves: [] }),
  "tasks, as older tools read them": shown("/tasks", { tasks: [] }),
  "frameworks, as older tools read them": shown("/frameworks", {
    frameworks: [],
    completed_frameworks: [],
    unregistered_frameworks: [],
  }),
  "maintenance, as older tools read it": shown("/maintenance/status", {}),
  "its plan, as older tools read it": shown("/maintenance/schedule", {}),
}
