import { inverseAnswersOn } from "../../../core/allocation/InverseOffers.ts"
import { machineKey, sortedKeys } from "../../../core/master/Context.ts"
import type { MachineId, MachineRecord, MaintenanceWindow } from "../../../core/master/HostRecords.ts"
import { machinesProblem, scheduleProblem } from "../../../core/master/Maintenance.ts"
import type { AgentRecord, MasterState } from "../../../core/master/State.ts"
import { badRequest } from "../../http/HttpMessage.ts"
import { machineToWire } from "../../mesos/MaintenanceCall.ts"
import { unavailabilityToWire } from "../../mesos/SchedulerEvent.ts"
import { change } from "./Change.ts"
import type { OperatorFacts } from "./Facts.ts"

// The maintenance schedule, who has answered to it, and machines that go down and up (spec/mesos.md §1.11). Empty lists are left out.

const listOrNothing = (name: string, list: ReadonlyArray<object>): object =>
  list.length === 0 ? {} : { [name]: list }

export const maintenanceSchedule = ({ state }: OperatorFacts): object =>
  listOrNothing(
    "windows",
    state.schedule.map(({ machines, unavailability }) => ({
      machine_ids: machines.map(machineToWire),
      unavailability: unavailabilityToWire(unavailability),
    })),
  )

export const maintenanceStatus = ({ state }: OperatorFacts): object => {
  const all = sortedKeys(state.machines).map((key) => state.machines.get(key)!)
  const agentsByMachine = groupByMachine(state)
  const draining = all
    .filter(({ mode }) => mode === "draining")
    .map((machine) => drainingMachine(state, machine, agentsByMachine.get(machineKey(machine.id)) ?? []))
  const down = all.filter(({ mode }) => mode === "down").map(({ id }) => machineToWire(id))
  return { ...listOrNothing("draining_machines", draining), ...listOrNothing("down_machines", down) }
}

const groupByMachine = (state: MasterState): ReadonlyMap<string, ReadonlyArray<AgentRecord>> => {
  const groups = new Map<string, Array<AgentRecord>>()
  if (state.machines.size === 0) return groups
  for (const id of sortedKeys(state.agents)) {
    const agent = state.agents.get(id)!
    const key = machineKey(agent.address)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [agent])
    else group.push(agent)
  }
  return groups
}

const drainingMachine = (
  state: MasterState,
  { id }: MachineRecord,
  agents: ReadonlyArray<AgentRecord>,
): object => ({
  id: machineToWire(id),
  ...listOrNothing(
    "statuses",
    agents.flatMap((agent) =>
      inverseAnswersOn(state.inverse, agent.id).map(({ type, frameworkId, wallMs }) => ({
        status: type.toUpperCase(),
        framework_id: { value: frameworkId },
        timestamp: { nanoseconds: wallMs * 1e6 },
      })),
    ),
  ),
})

export const getMaintenanceSchedule = (facts: OperatorFacts) => ({ schedule: maintenanceSchedule(facts) })
export const getMaintenanceStatus = (facts: OperatorFacts) => ({ status: maintenanceStatus(facts) })

/** UPDATE_MAINTENANCE_SCHEDULE and POST `/maintenance/schedule`: all of the schedule, instead of the one before. */
export const updateSchedule = (windows: ReadonlyArray<MaintenanceWindow>) =>
  change((state) => {
    const problem = scheduleProblem(state, windows)
    return problem === undefined ? { type: "MaintenanceScheduled", windows } : badRequest(problem)
  })

/** START_MAINTENANCE and POST `/machine/down`. */
export const bringDown = (machines: ReadonlyArray<MachineId>) =>
  change((state) => {
    const problem = machinesProblem(state, machines, "down")
    return problem === undefined ? { type: "MachinesBroughtDown", machines } : badRequest(problem)
  })

/** STOP_MAINTENANCE and POST `/machine/up`. */
export const bringUp = (machines: ReadonlyArray<MachineId>) =>
  change((state) => {
    const problem = machinesProblem(state, machines, "up")
    return problem === undefined ? { type: "MachinesBroughtUp", machines } : badRequest(problem)
  })
