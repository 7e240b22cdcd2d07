import type { Headers, Request, Response, Transcript } from "./Transcript.ts"

// What Mesos refuses, in our own words: each kind of mistake once, on a cluster without agents (spec/mesos.md §2.2, §2.11).

type Exchange = Pick<Transcript, "request"> & { readonly response: Response }

const headersOf = (contentType: string | null, accept: string | null): Headers => [
  ["Host", "here"],
  ...(accept === null ? [] : [["Accept", accept] as const]),
  ...(contentType === null ? [] : [["Content-Type", contentType] as const]),
  ["Content-Length", ""],
]

const json = headersOf("application/json", "application/json")
const plain: Headers = [["Content-Type", "text/plain; charset=utf-8"]]

const sent = (body: object | string, change: Partial<Request> = {}): Request => ({
  method: "POST",
  path: "/api/v1",
  headers: json,
  body: typeof body === "string" ? body : JSON.stringify(body),
  ...change,
})
const refused = (request: Request, status: number, body: string, more: Headers = []): Exchange => ({
  request,
  response: { status, headers: [...plain, ...more], body },
})

const wrong = (member: string, content: unknown, problem: string, isScheduler = false): Exchange =>
  refused(
    sent(
      { type: member.toUpperCase(), framework_id: { value: "f" }, [member]: content },
      isScheduler ? { path: "/api/v1/scheduler" } : {},
    ),
    400,
    `Failed to convert JSON into Call protobuf: ${problem}`,
  )
const invalid = (type: string, content: object, sentence: string, status = 400): Exchange =>
  refused(sent({ type, [type.toLowerCase()]: content }), status, sentence)

const agent = { value: "nobody-S9" }
const scalar = (name: string, value: number) => ({ name, type: "SCALAR", scalar: { value } })
const reserved = { ...scalar("cpus", 1), reservations: [{ type: "DYNAMIC", role: "x" }] }
const reserving = (change: object, why: string, text = "cpus(reservations: [(DYNAMIC,x)]):1"): Exchange =>
  invalid(
    "RESERVE_RESOURCES",
    { agent_id: agent, resources: [{ ...reserved, ...change }] },
    `Failed to validate master::Call: Resource '${text}' is invalid: ${why}`,
  )
const health = { type: "GET_HEALTH" }
const isHealthy: Exchange["response"] = {
  status: 200,
  headers: [["Content-Type", "application/json"]],
  body: JSON.stringify({ type: "GET_HEALTH", get_health: { healthy: true } }),
}
const notAcceptable = "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'"
const machine = { hostname: "h", ip: "10.0.0.9" }
const window = (...machine_ids: ReadonlyArray<object>) => ({
  machine_ids,
  unavailability: { start: { nanoseconds: 1 } },
})
const plan = (...windows: ReadonlyArray<object>) => ({ schedule: { windows } })
const put = (path: string, method: string, body: string): Request => sent(body, { path, method })
const form = (path: string, fields: Record<string, string>): Request =>
  sent(new URLSearchParams(fields).toString(), {
    path,
    headers: headersOf("application/x-www-form-urlencoded", null),
  })
const notAllowed = (path: string, method: string, ...allowed: ReadonlyArray<string>): Exchange =>
  refused(
    put(path, method, ""),
    405,
    `405 Method Not Allowed. Expecting one of { '${allowed.join("', '")}' }, but received '${method}'.`,
    [["Allow", allowed.join(", ")]],
  )

export const refusals: { readonly [name: string]: Exchange } = {
  "missing: all of a level of logging": wrong(
    "set_logging_level",
    {},
    "Missing required fields: set_logging_level.level, set_logging_level.duration",
  ),
  "missing: a path within a list": wrong(
    "reserve_resources",
    { agent_id: agent, resources: [{ name: "cpus" }] },
    "Missing required fields: reserve_resources.resources[0].type",
  ),
  "missing: an agent": wrong("drain_agent", {}, "Missing required fields: drain_agent.agent_id"),
  "missing: a framework": wrong(
    "teardown",
    { framework_id: {} },
    "Missing required fields: teardown.framework_id.value",
  ),
  "missing: a weight": wrong(
    "update_weights",
    { weight_infos: [{ role: "x" }] },
    "Missing required fields: update_weights.weight_infos[0].weight",
  ),
  "missing: a task and its bytes": wrong(
    "acknowledge",
    { agent_id: agent },
    "Missing required fields: acknowledge.task_id, acknowledge.uuid",
    true,
  ),
  "missing: who subscribes": wrong(
    "subscribe",
    { framework_info: {} },
    "Missing required fields: subscribe.framework_info.user, subscribe.framework_info.name",
    true,
  ),
  "kind: a text for a message": wrong(
    "mark_agent_gone",
    "x",
    "Not expecting a JSON string for field 'mark_agent_gone'",
  ),
  "kind: a list for a message": wrong(
    "shutdown",
    [],
    "Not expecting a JSON array for field 'shutdown'",
    true,
  ),
  "kind: an object for a text": wrong(
    "list_files",
    { path: {} },
    "Not expecting a JSON object for field 'path'",
  ),
  "kind: a text that is no flag": wrong(
    "update_quota",
    { force: "yes" },
    "Failed to parse 'yes' as a JSON boolean for field 'force': syntax error at line 1 near: yes",
  ),
  "kind: a type of resource that nobody knows": wrong(
    "reserve_resources",
    { agent_id: agent, resources: [{ name: "cpus", type: "HEAP" }] },
    "Failed to find enum for 'HEAP'",
  ),
  "kind: no base64": wrong(
    "message",
    { agent_id: agent, executor_id: { value: "e" }, data: "?" },
    "Failed to base64 decode bytes field 'data': Invalid character '?'",
    true,
  ),
  "form: JSON that is said to be protobuf": refused(
    sent(health, { headers: headersOf("application/x-protobuf", "application/json") }),
    400,
    "Failed to parse body into Call protobuf",
  ),
  "form: protobuf wanted of a large answer": refused(
    sent({ type: "GET_AGENTS" }, { headers: headersOf("application/json", "application/x-protobuf") }),
    406,
    notAcceptable,
  ),
  "form: JSON refused by its q": refused(
    sent(health, { headers: headersOf("application/json", "application/json;q=0") }),
    406,
    notAcceptable,
  ),
  "form: JSON among others": {
    request: sent(health, { headers: headersOf("application/json", "text/html, application/*;q=0.2") }),
    response: isHealthy,
  },
  "form: nothing said of the answer": {
    request: sent(health, { headers: headersOf("application/json", null) }),
    response: isHealthy,
  },
  "a volume to grow, without it": refused(
    sent({ type: "GROW_VOLUME" }),
    400,
    "Failed to validate master::Call: Expecting 'grow_volume' to be present",
  ),
  "a volume to shrink on an unknown agent": invalid(
    "SHRINK_VOLUME",
    { agent_id: agent, volume: scalar("disk", 2), subtract: { value: 1 } },
    "No agent found with specified ID",
  ),
  "a reservation without its role": reserving(
    { reservations: [{ type: "DYNAMIC" }] },
    "Invalid reservation: 'Resource.ReservationInfo.role' field must be set.",
    "cpus(reservations: [(DYNAMIC,)]):1",
  ),
  "a reservation of two values": reserving({ set: { item: ["a"] } }, "Invalid scalar resource"),
  "a reservation for a role that another member denies": reserving(
    { role: "y" },
    "Invalid resource format: 'Resource.role' field with 'y' does not match the role 'x' in 'Resource.reservations'",
  ),
  "a volume of what is no disk, on an unknown agent": invalid(
    "CREATE_VOLUMES",
    { agent_id: agent, volumes: [{ ...reserved, disk: { persistence: { id: "v" } } }] },
    "No agent found with specified ID",
  ),
  "an older form that is no list": refused(
    form("/create-volumes", { slaveId: "x", volumes: "{}" }),
    400,
    "Error in parsing 'volumes' query parameter in the request body: Unexpected JSON type parsed",
  ),
  "an older form of half a resource": refused(
    form("/reserve", { slaveId: "x", resources: '[{"name":"cpus"}]' }),
    400,
    "Error parsing 'resources' query parameter in the request body: Missing required fields: type",
  ),
  "older weights that are no list": refused(
    put("/weights", "PUT", "{}"),
    400,
    "Failed to parse update weights request JSON ('{}'): Unexpected JSON type parsed",
  ),
  "older weights without one": refused(
    put("/weights", "PUT", '[{"role":"x"}]'),
    400,
    `Failed to convert weights JSON array to protobuf ('[{"role":"x"}]'): Missing required fields: weight`,
  ),
  "weights with another method": notAllowed("/weights", "POST", "GET", "PUT"),
  "quotas with another method": notAllowed("/quota", "PUT", "GET", "POST", "DELETE"),
  "the plan of maintenance with another method": notAllowed("/maintenance/schedule", "PUT", "GET", "POST"),
  "the state of maintenance with another method": notAllowed("/maintenance/status", "POST", "GET"),
  "an older quota beyond the cluster": invalid(
    "SET_QUOTA",
    { quota_request: { role: "x", guarantee: [scalar("cpus", 1)] } },
    "Quota guarantees overcommit the cluster (use 'force' to bypass this check): Total quota guarantees 'cpus:1' exceed cluster capacity '{}'",
    409,
  ),
  "an older quota of nothing": invalid(
    "SET_QUOTA",
    { quota_request: { role: "x" } },
    "Failed to validate set quota request: QuotaInfo with empty 'guarantee'",
  ),
  "an older quota below another role": invalid(
    "SET_QUOTA",
    { quota_request: { role: "x/y", guarantee: [scalar("cpus", 1)] } },
    "Setting quota on nested role 'x/y' is not supported yet",
  ),
  "a quota beyond all clusters": invalid(
    "UPDATE_QUOTA",
    { quota_configs: [{ role: "x", guarantees: { cpus: { value: 2e12 } } }] },
    "Invalid QuotaConfig: Invalid 'QuotaConfig.guarantees': {'cpus': 2000000000000} is invalid: values greater than 1 trillion (1000000000000) are not supported",
  ),
  "no machines to take down": invalid("START_MAINTENANCE", {}, "List of machines is empty"),
  "a machine without a name": invalid(
    "STOP_MAINTENANCE",
    { machines: [{}] },
    "Both 'hostname' and 'ip' for a machine are empty",
  ),
  "a machine that is named twice": invalid(
    "START_MAINTENANCE",
    { machines: [machine, machine] },
    `Machine '${JSON.stringify(machine)}' appears more than once in the schedule`,
  ),
  "a plan without machines": invalid(
    "UPDATE_MAINTENANCE_SCHEDULE",
    plan(window()),
    "List of machines in the maintenance window is empty",
  ),
  "a plan that names a machine twice": invalid(
    "UPDATE_MAINTENANCE_SCHEDULE",
    plan(window(machine), window(machine)),
    `Machine '${JSON.stringify(machine)}' appears more than once in the schedule`,
  ),
  "a framework whose time is beyond counting": {
    request: sent(
      {
        type: "SUBSCRIBE",
        subscribe: { framework_info: { user: "u", name: "n", failover_timeout: 1e11 } },
      },
      { path: "/api/v1/scheduler" },
    ),
    response: {
      status: 200,
      headers: [
        ["Transfer-Encoding", "chunked"],
        ["Mesos-Stream-Id", "11111111-2222-4333-8444-666666666666"],
        ["Content-Type", "application/json"],
      ],
      closed: "terminating chunk",
      events: [
        {
          at_ms: 1,
          event: {
            type: "ERROR",
            error: { message: "The framework failover_timeout (1e+11) is invalid" },
          },
        },
      ],
    },
  },
}
