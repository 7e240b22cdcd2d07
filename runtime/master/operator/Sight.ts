import { CompletedTaskIndex } from "../../../core/master/CompletedTaskIndex.ts"
import type { MachineId } from "../../../core/master/HostRecords.ts"
import { KeysByOwner } from "../../../core/master/KeysByOwner.ts"
import type {
  CompletedTaskRecord,
  FrameworkRecord,
  MasterState,
  RemovalRecord,
  TaskRecord,
} from "../../../core/master/State.ts"
import type { Action } from "../../access/Action.ts"
import type { Caller } from "../../access/Caller.ts"
import { remembered } from "../../access/SeenRoles.ts"
import type { ClusterEvent } from "../ClusterEvents.ts"
import type { OperatorFacts } from "./Facts.ts"

export { seenRoles } from "../../access/SeenRoles.ts"

// What of the cluster a caller gets to see. Reads are not refused: what may not be seen is left out (mesos-transcripts README, 24).

/** The user that its command runs as. */
const userOf = ({ spec }: TaskRecord): string => spec.command.user ?? spec.frameworkUser

/** Whether nothing has to be left out, which is how it is for most. */
export const seesAllWork = (caller: Caller): boolean =>
  caller.isAllowed("view_frameworks", null) &&
  caller.isAllowed("view_tasks", null) &&
  caller.isAllowed("view_executors", null)

/** Frameworks by their user, tasks of these by theirs; of what agents have the whole is counted. */
const visibleState = (state: MasterState, caller: Caller): MasterState => {
  const mayView = remembered((user) => caller.isAllowed("view_frameworks", user))
  const mayViewTask = remembered((user) => caller.isAllowed("view_tasks", user))
  const frameworks = new Map<string, FrameworkRecord>()
  for (const [id, framework] of state.frameworks) {
    if (mayView(framework.info.user)) frameworks.set(id, framework)
  }
  const tasks = new Map<string, TaskRecord>()
  const [tasksByFramework, tasksByAgent] = [new KeysByOwner(), new KeysByOwner()]
  for (const [key, task] of state.tasks) {
    const { frameworkId, agentId } = task.spec
    // One whose framework is gone is nobody's, and seen by who may see its user's.
    const isHidden = state.frameworks.has(frameworkId) && !frameworks.has(frameworkId)
    if (isHidden || !mayViewTask(userOf(task))) continue
    tasks.set(key, task)
    tasksByFramework.add(frameworkId, key)
    tasksByAgent.add(agentId, key)
  }
  const past = pastSeen(state, frameworks, mayView, mayViewTask)
  const tasksByExecutor = executorsSeen(state, tasks, caller)
  return { ...state, frameworks, tasks, tasksByFramework, tasksByAgent, tasksByExecutor, ...past }
}

/** Executors run as their framework's user, and are known by their tasks. */
const executorsSeen = (
  state: MasterState,
  tasks: ReadonlyMap<string, TaskRecord>,
  caller: Caller,
): KeysByOwner => {
  const mayView = remembered((user) => caller.isAllowed("view_executors", user))
  const seen = new KeysByOwner()
  for (const executor of state.tasksByExecutor.owners()) {
    for (const key of state.tasksByExecutor.of(executor)) {
      const task = tasks.get(key)
      if (task !== undefined && mayView(task.spec.frameworkUser)) seen.add(executor, key)
    }
  }
  return seen
}

/** The same of what is over. */
const pastSeen = (
  state: MasterState,
  frameworks: ReadonlyMap<string, FrameworkRecord>,
  mayView: (user: string) => boolean,
  mayViewTask: (user: string) => boolean,
): Pick<MasterState, "removals" | "completedTasks" | "completedIndex"> => {
  const removals = new Map<string, RemovalRecord>()
  for (const [id, removal] of state.removals) {
    if (removal.framework !== null && mayView(removal.framework.info.user)) removals.set(id, removal)
  }
  const completedTasks = new Map<string, CompletedTaskRecord>()
  const completedIndex = new CompletedTaskIndex()
  for (const [key, record] of state.completedTasks) {
    const { frameworkId } = record.task.spec
    if (!frameworks.has(frameworkId) && !removals.has(frameworkId)) continue
    if (!mayViewTask(userOf(record.task))) continue
    completedTasks.set(key, record)
    completedIndex.add(frameworkId, record.number)
  }
  return { removals, completedTasks, completedIndex }
}

/** The state as the caller may know it. */
export const stateSeenBy = (caller: Caller, state: MasterState): MasterState =>
  seesAllWork(caller) ? state : visibleState(state, caller)

/** Whether {@link stateSeenBy} has what an event is about. */
export const seesEvent = (caller: Caller, { framework, task }: ClusterEvent): boolean =>
  (framework === null || caller.isAllowed("view_frameworks", framework.info.user)) &&
  (task === null || caller.isAllowed("view_tasks", userOf(task)))

/** Machines by their name, those of the schedule and those that are in maintenance each by a right of its own. */
const maintenanceSeenBy = (caller: Caller, state: MasterState): MasterState => {
  if (seesAllMaintenance(caller)) return state
  const mayKnow = (action: Action) => (machine: MachineId) => caller.isAllowed(action, nameOf(machine))
  const isScheduled = mayKnow("get_maintenance_schedules")
  const isKnown = mayKnow("get_maintenance_statuses")
  const schedule = state.schedule
    .map((window) => ({ ...window, machines: window.machines.filter(isScheduled) }))
    .filter(({ machines }) => machines.length > 0)
  return { ...state, schedule, machines: new Map([...state.machines].filter(([, { id }]) => isKnown(id))) }
}

const nameOf = ({ hostname, ip }: MachineId): string | null => (hostname || ip).toLowerCase() || null

const seesAllMaintenance = (caller: Caller): boolean =>
  caller.isAllowed("get_maintenance_schedules", null) && caller.isAllowed("get_maintenance_statuses", null)

/** Whether no answer leaves anything out for them. */
export const seesEverything = (caller: Caller): boolean =>
  caller.isAdministrator ||
  (seesAllWork(caller) &&
    seesAllMaintenance(caller) &&
    caller.isAllowed("view_roles", null) &&
    caller.isAllowed("get_quotas", null) &&
    caller.isAllowed("view_flags", null))

/** The facts as the caller may know them. */
export const seenBy = (caller: Caller, facts: OperatorFacts): OperatorFacts => ({
  ...facts,
  state: maintenanceSeenBy(caller, stateSeenBy(caller, facts.state)),
  ...(caller.isAllowed("view_flags", null) ? {} : { flags: null }),
})
