import type { Unavailability } from "../allocation/InverseOffers.ts"
import { removeAgent } from "./AgentLoss.ts"
import {
  deleteMachine,
  type MasterContext,
  machineKey,
  putMachine,
  putSchedule,
  sortedKeys,
} from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import type { MachineId, MaintenanceWindow } from "./HostRecords.ts"
import { setWindow } from "./InverseOffers.ts"
import type { AgentRecord, MasterState } from "./State.ts"

// Machines that people work on (spec/mesos.md §1.11): up → draining (in the schedule) → down → up, which also takes them out of the
// schedule. Whether an order makes sense is judged by the functions that say what is wrong with it, right before the step.

/** What is wrong with a schedule, in Mesos's words. */
export const scheduleProblem = (
  state: MasterState,
  windows: ReadonlyArray<MaintenanceWindow>,
): string | undefined => {
  const keys = new Set<string>()
  for (const { machines, unavailability } of windows) {
    if (machines.length === 0) return "List of machines in the maintenance window is empty"
    const { durationNanos } = unavailability
    if (durationNanos !== null && durationNanos < 0) return "Unavailability 'duration' is negative"
    for (const id of machines) {
      const problem = machineProblem(id)
      if (problem !== undefined) return problem
      const key = machineKey(id)
      if (keys.has(key)) return `Machine '${machineText(id)}' appears more than once in the schedule`
      keys.add(key)
    }
  }
  for (const key of sortedKeys(state.machines)) {
    const { id, mode } = state.machines.get(key)!
    if (mode === "down" && !keys.has(key))
      return `Machine '${machineText(id)}' is deactivated and cannot be removed from the schedule`
  }
  return undefined
}

/** What forbids bringing machines down, or up again. */
export const machinesProblem = (
  state: MasterState,
  ids: ReadonlyArray<MachineId>,
  order: "down" | "up",
): string | undefined => {
  if (ids.length === 0) return "List of machines is empty"
  const keys = new Set<string>()
  for (const id of ids) {
    const problem = machineProblem(id)
    if (problem !== undefined) return problem
    const key = machineKey(id)
    const text = machineText(id)
    if (keys.has(key)) return `Machine '${text}' appears more than once in the list of machines`
    keys.add(key)
    const machine = state.machines.get(key)
    // Mesos knows machines from schedules and from agents; those of agents alone are up.
    if (machine === undefined && !hasAgent(state, key))
      return `Machine '${text}' is not part of a maintenance schedule`
    const mode = machine === undefined ? "up" : machine.mode
    if (order === "down" && mode !== "draining")
      return `Machine '${text}' is not in DRAINING mode and cannot be brought down`
    if (order === "up" && mode !== "down")
      return `Machine '${text}' is not in DOWN mode and cannot be brought up`
  }
  return undefined
}

const hasAgent = (state: MasterState, key: string): boolean =>
  Array.from(state.agents.values()).some(({ address }) => machineKey(address) === key)

/** As Mesos writes it into its sentences. */
const machineText = ({ hostname, ip }: MachineId): string =>
  JSON.stringify({ ...(hostname === "" ? {} : { hostname }), ...(ip === "" ? {} : { ip }) })

const machineProblem = ({ hostname, ip }: MachineId): string | undefined => {
  if (hostname === "" && ip === "") return "Both 'hostname' and 'ip' for a machine are empty"
  if (ip === "" || isAddress(ip)) return undefined
  return `Failed to parse ip address '${ip}' of machine '${machineText({ hostname, ip })}'`
}

/** Four numbers up to 255, or hexadecimal groups with colons; enough to find a name where an address should be. */
const isAddress = (ip: string): boolean => {
  const octets = ip.split(".")
  if (octets.length === 4) return octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255)
  return ip.includes(":") && /^[0-9a-fA-F:.]{2,45}$/.test(ip)
}

export const onMaintenanceScheduled = (
  context: MasterContext,
  { windows }: MasterEventOf<"MaintenanceScheduled">,
): void => {
  const { state } = context
  if (scheduleProblem(state, windows) !== undefined) return
  putSchedule(context, windows)
  const keys = new Set<string>()
  for (const { machines } of windows) {
    for (const id of machines) {
      const key = machineKey(id)
      keys.add(key)
      if (!state.machines.has(key)) putMachine(context, { id, mode: "draining" })
    }
  }
  for (const key of sortedKeys(state.machines)) {
    if (!keys.has(key)) deleteMachine(context, state.machines.get(key)!.id)
  }
  announceWindows(context)
}

/** No agent may run there any more: those that do are removed, and told to end their tasks and themselves. */
export const onMachinesBroughtDown = (
  context: MasterContext,
  { machines }: MasterEventOf<"MachinesBroughtDown">,
): void => {
  const { state } = context
  if (machinesProblem(state, machines, "down") !== undefined) return
  const down = new Set(machines.map(machineKey))
  for (const id of machines) putMachine(context, { id, mode: "down" })
  for (const agentId of sortedKeys(state.agents)) {
    const agent = state.agents.get(agentId)!
    // Of an unreachable one everything that can be told was told; it is refused when it returns.
    if (agent.condition === "unreachable" || !down.has(machineKey(agent.address))) continue
    removeAgent(context, agent, {
      state: "TASK_GONE",
      reason: "REASON_AGENT_REMOVED",
      message: `Agent ${agent.address.hostname} removed: operator initiated 'Machine DOWN'`,
      toldAgent: "Operator initiated 'Machine DOWN'",
      isForGood: false,
    })
  }
}

/** Maintenance is over: agents may register there again, and the machines leave the schedule. */
export const onMachinesBroughtUp = (
  context: MasterContext,
  { machines }: MasterEventOf<"MachinesBroughtUp">,
): void => {
  const { state } = context
  if (machinesProblem(state, machines, "up") !== undefined) return
  const up = new Set(machines.map(machineKey))
  for (const id of machines) deleteMachine(context, id)
  const windows = state.schedule.map((window) => ({
    ...window,
    machines: window.machines.filter((id) => !up.has(machineKey(id))),
  }))
  putSchedule(
    context,
    windows.filter((window) => window.machines.length > 0),
  )
  announceWindows(context)
}

export const isDown = (state: MasterState, address: MachineId): boolean => {
  const machine = state.machines.get(machineKey(address))
  return machine !== undefined && machine.mode === "down"
}

const announceWindows = (context: MasterContext): void => {
  const { state } = context
  const windowOf = windowsByMachine(state)
  for (const agentId of sortedKeys(state.agents)) {
    const window = windowOf.get(machineKey(state.agents.get(agentId)!.address))
    setWindow(context, agentId, window === undefined ? null : window)
  }
}

/** An agent that comes learns of its machine's window, by the address that it has now. */
export const announceWindowOf = (context: MasterContext, agent: AgentRecord): void => {
  const { state } = context
  const key = machineKey(agent.address)
  // Most machines are in no schedule, and that is found out without a look at all of it.
  const window = state.machines.has(key)
    ? state.schedule.find(({ machines }) => machines.some((id) => machineKey(id) === key))
    : undefined
  setWindow(context, agent.id, window === undefined ? null : window.unavailability)
}

const windowsByMachine = (state: MasterState): ReadonlyMap<string, Unavailability> => {
  const windows = new Map<string, Unavailability>()
  for (const { machines, unavailability } of state.schedule) {
    for (const id of machines) windows.set(machineKey(id), unavailability)
  }
  return windows
}
