import type { MasterState } from "../../core/master/State.ts"
import type { Action } from "./Action.ts"
import type { Caller } from "./Caller.ts"
import { volumeOn } from "./VolumeCreator.ts"

// Which right each call of the operator API needs. A call that has no line here is for administrators only.

/** A right that the caller must have. Object null = to do it to any of them. */
export interface Demand {
  readonly action: Action
  readonly object: string | null
}

/** As the reader of calls has left it: members are there or not, and what is in them has not been judged. */
export interface CallLike {
  readonly type: string
  readonly [member: string]: unknown
}

/**
 * `everybody`: whoever has proven who they are. `filtered`: the same, and the answer holds what they may see
 * (mesos-transcripts README, 24; see `Sight.ts`). Otherwise all of the demands.
 */
export type CallRule =
  | "everybody"
  | "filtered"
  | "administrator"
  | ((call: CallLike, state: MasterState) => ReadonlyArray<Demand>)

/** Anything at all, to be looked into with care. */
type Loose = { readonly [member: string]: unknown } | undefined

const memberOf = (value: unknown, name: string): Loose => {
  const member = typeof value === "object" && value !== null ? (value as Loose)![name] : undefined
  return typeof member === "object" && member !== null ? (member as Loose) : undefined
}

/** Null where there is none that could be judged: then only a right to all of them helps. */
const textOf = (value: unknown, name: string): string | null => {
  const text = (value as Loose)?.[name]
  return typeof text === "string" && text !== "" ? text : null
}

/** As the reader of calls takes it: one alone is a list of one, lists may lie in lists, and nulls are nothing. */
const itemsIn = (value: unknown, name: string): ReadonlyArray<unknown> =>
  [(value as Loose)?.[name] ?? []].flat(Number.POSITIVE_INFINITY).filter((item) => item !== null)

/** A list that is missing, empty or none counts as one thing of which nothing is known. */
const listIn = (value: unknown, name: string): ReadonlyArray<unknown> => {
  const list = itemsIn(value, name)
  return list.length > 0 ? list : [undefined]
}

const lastReservation = (resource: unknown): Loose => {
  const stack = itemsIn(resource, "reservations")
  const last: unknown = stack[stack.length - 1]
  return typeof last === "object" && last !== null ? (last as Loose) : undefined
}

/** The role that it is reserved for, in the new form or the old one. */
const reservedFor = (resource: unknown): string | null => {
  const reservation = lastReservation(resource)
  return reservation === undefined ? textOf(resource, "role") : textOf(reservation, "role")
}

const reserver = (resource: unknown): string | null => {
  const reservation = lastReservation(resource)
  return textOf(reservation ?? memberOf(resource, "reservation"), "principal")
}

/** Whoever made it, where it is there; what the call says of that is not asked for anything else. */
const destroyedVolumes: CallRule = (call, state) => {
  const agent = state.agents.get(textOf(memberOf(call.destroy_volumes, "agent_id"), "value") ?? "")
  return listIn(call.destroy_volumes, "volumes").map((volume) => {
    const persistence = memberOf(memberOf(volume, "disk"), "persistence")
    const role = reservedFor(volume)
    const made = volumeOn(agent, role, textOf(persistence, "id"))
    // Only of one that is certainly not there what the call says is taken for true: its handler refuses that.
    const stated = role === null ? null : textOf(persistence, "principal")
    const object = made === undefined ? stated : made.principal
    return { action: "destroy_volumes", object }
  })
}

const each =
  (action: Action, member: string, list: string, object: (item: unknown) => string | null): CallRule =>
  (call) =>
    listIn(call[member], list).map((item) => ({ action, object: object(item) }))

const toAny =
  (...needed: ReadonlyArray<Action>): CallRule =>
  () =>
    needed.map((action) => ({ action, object: null }))

const roleOf = (item: unknown) => textOf(item, "role")
/** Host names are the same in any case. */
const machineOf = (machine: unknown) =>
  (textOf(machine, "hostname") ?? textOf(machine, "ip"))?.toLowerCase() ?? null

const machinesOf = (action: Action, member: string) => each(action, member, "machines", machineOf)

/** Of all windows of a schedule. One without windows takes away what was scheduled, whatever machines that were. */
const scheduledMachines: CallRule = (call) => {
  const windows = listIn(memberOf(call.update_maintenance_schedule, "schedule"), "windows")
  const machines = windows.reduce<ReadonlyArray<unknown>>(
    (all, window) => all.concat(listIn(window, "machine_ids")),
    [],
  )
  return machines.map((machine) => ({
    action: "update_maintenance_schedules",
    object: machineOf(machine),
  }))
}

/** A framework that nobody knows is anybody's: who may not tear down all of them is not told which there are. */
const teardown: CallRule = (call, state) => {
  const id = textOf(memberOf(call.teardown, "framework_id"), "value")
  const principal = id === null ? null : (state.frameworks.get(id)?.info.principal ?? null)
  return [{ action: "teardown_frameworks", object: principal }]
}

export const callRules: { readonly [type: string]: CallRule } = {
  UNKNOWN: "everybody",
  GET_HEALTH: "everybody",
  GET_VERSION: "everybody",
  GET_METRICS: "everybody",
  GET_MASTER: "everybody",
  GET_LOGGING_LEVEL: "everybody",
  GET_FLAGS: toAny("view_flags"),
  SET_LOGGING_LEVEL: toAny("set_log_level"),
  LIST_FILES: toAny("access_mesos_logs"),
  READ_FILE: toAny("access_mesos_logs"),
  GET_STATE: "filtered",
  GET_AGENTS: "filtered",
  GET_FRAMEWORKS: "filtered",
  GET_EXECUTORS: "filtered",
  GET_OPERATIONS: "filtered",
  GET_TASKS: "filtered",
  GET_ROLES: "filtered",
  GET_WEIGHTS: "filtered",
  GET_QUOTA: "filtered",
  SUBSCRIBE: "filtered",
  TEARDOWN: teardown,
  // White space around the role is nothing, here alone (operator/Weights.ts).
  UPDATE_WEIGHTS: each(
    "update_weights",
    "update_weights",
    "weight_infos",
    (info) => roleOf(info)?.trim() || null,
  ),
  UPDATE_QUOTA: each("update_quotas", "update_quota", "quota_configs", roleOf),
  SET_QUOTA: (call) => [
    { action: "update_quotas", object: textOf(memberOf(call.set_quota, "quota_request"), "role") },
  ],
  REMOVE_QUOTA: (call) => [{ action: "update_quotas", object: textOf(call.remove_quota, "role") }],
  RESERVE_RESOURCES: each("reserve_resources", "reserve_resources", "resources", reservedFor),
  UNRESERVE_RESOURCES: each("unreserve_resources", "unreserve_resources", "resources", reserver),
  CREATE_VOLUMES: each("create_volumes", "create_volumes", "volumes", reservedFor),
  DESTROY_VOLUMES: destroyedVolumes,
  GROW_VOLUME: (call) => [
    { action: "resize_volumes", object: reservedFor(memberOf(call.grow_volume, "volume")) },
  ],
  SHRINK_VOLUME: (call) => [
    { action: "resize_volumes", object: reservedFor(memberOf(call.shrink_volume, "volume")) },
  ],
  GET_MAINTENANCE_STATUS: "filtered",
  GET_MAINTENANCE_SCHEDULE: "filtered",
  UPDATE_MAINTENANCE_SCHEDULE: scheduledMachines,
  START_MAINTENANCE: machinesOf("start_maintenances", "start_maintenance"),
  STOP_MAINTENANCE: machinesOf("stop_maintenances", "stop_maintenance"),
  MARK_AGENT_GONE: toAny("mark_agents_gone"),
  DRAIN_AGENT: toAny("drain_agents"),
  DEACTIVATE_AGENT: toAny("deactivate_agents"),
  REACTIVATE_AGENT: toAny("reactivate_agents"),
}

export const meets = (caller: Caller, demands: ReadonlyArray<Demand>): boolean =>
  demands.every(({ action, object }) => caller.isAllowed(action, object))

/** Whether the caller may make the call. What is wrong with it otherwise is for its handler to say. */
export const mayCall = (caller: Caller, call: CallLike, state: MasterState): boolean => {
  if (caller.isAdministrator) return true
  const { type } = call
  const rule = Object.hasOwn(callRules, type) ? callRules[type]! : "administrator"
  if (rule === "administrator") return false
  return typeof rule === "string" || meets(caller, rule(call, state))
}
