import { filesPath } from "../protocol/FilesProtocol.ts"
import { hostViewPath } from "../protocol/HostView.ts"
import type { Caller } from "./Caller.ts"
import type { CallLike, Demand } from "./CallRules.ts"

// Which right each of an agent's doors and calls needs. One that has no line here is for administrators only: so are all calls
// about containers, which gleaner's agents do not take.

/** `everybody`: whoever has proven who they are. `filtered`: the same, and the answer holds what they may see. */
type AgentRule = "everybody" | "filtered" | "byHandler" | ((path: string | null) => ReadonlyArray<Demand>)

/** As the agent's own log is called. */
export const agentLogPath = "/slave/log"

const any = (action: Demand["action"]) => (): ReadonlyArray<Demand> => [{ action, object: null }]

const endpoint = (path: string) => (): ReadonlyArray<Demand> => [{ action: "get_endpoints", object: path }]

/** A file of a sandbox: of all users, since a sandbox does not say whose it is. */
const file = (path: string | null): ReadonlyArray<Demand> => [
  {
    action: path?.replace(/\/+$/, "") === agentLogPath ? "access_mesos_logs" : "access_sandboxes",
    object: null,
  },
]

export const agentRouteRules: { readonly [path: string]: AgentRule } = {
  [filesPath]: any("access_sandboxes"),
  [hostViewPath]: endpoint(hostViewPath),
  "/api/v1": "byHandler",
  "/state": "filtered",
  "/containers": "filtered",
  "/monitor/statistics": "filtered",
  "/flags": any("view_flags"),
  "/metrics/snapshot": endpoint("/metrics/snapshot"),
  "/logging/toggle": () => [...endpoint("/logging/toggle")(), ...any("set_log_level")()],
  "/files/browse": file,
  "/files/read": file,
  "/files/download": file,
  "/files/debug": endpoint("/files/debug"),
}

export const agentCallRules: { readonly [type: string]: AgentRule } = {
  UNKNOWN: "everybody",
  GET_HEALTH: "everybody",
  GET_VERSION: "everybody",
  GET_METRICS: "everybody",
  GET_LOGGING_LEVEL: "everybody",
  GET_AGENT: "everybody",
  GET_RESOURCE_PROVIDERS: "everybody",
  GET_FLAGS: any("view_flags"),
  SET_LOGGING_LEVEL: any("set_log_level"),
  LIST_FILES: file,
  READ_FILE: file,
  GET_STATE: "filtered",
  GET_CONTAINERS: "filtered",
  GET_FRAMEWORKS: "filtered",
  GET_EXECUTORS: "filtered",
  GET_TASKS: "filtered",
  // Whose they are is not known here.
  GET_OPERATIONS: any("view_frameworks"),
}

const isAllowed = (caller: Caller, rule: AgentRule | undefined, path: string | null): boolean =>
  rule !== undefined &&
  (typeof rule === "string" || rule(path).every(({ action, object }) => caller.isAllowed(action, object)))

const ruleIn = (rules: { readonly [name: string]: AgentRule }, name: string): AgentRule | undefined =>
  Object.hasOwn(rules, name) ? rules[name] : undefined

/** Whether the caller may enter. `file`: the path that the query names. */
export const mayEnter = (caller: Caller, route: string, filePath: string | null): boolean =>
  caller.isAdministrator || isAllowed(caller, ruleIn(agentRouteRules, route), filePath)

/** Whether the caller may make the call. What is wrong with it otherwise is for its handler to say. */
export const mayCallAgent = (caller: Caller, call: CallLike): boolean => {
  if (caller.isAdministrator) return true
  const wish = call[call.type === "READ_FILE" ? "read_file" : "list_files"] as
    | { readonly path?: string }
    | undefined
  return isAllowed(caller, ruleIn(agentCallRules, call.type), wish?.path ?? null)
}
