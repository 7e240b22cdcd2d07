import { heldResources, heldScalars } from "../resources/HeldResources.ts"
import { allocatedToMesosText } from "../resources/MesosText.ts"
import { amountOf } from "../resources/Quantities.ts"
import {
  addResources,
  containsResources,
  noResources,
  type Resources,
  resourcesToText,
  sameResources,
  subtractResources,
} from "../resources/Resources.ts"
import { type ExecutorSpec, idProblem, type TaskSpec } from "../Task.ts"
import { bookLaunched, type MasterContext, putTask, sendMasterStatus } from "./Context.ts"
import { tasksOfExecutor } from "./Executors.ts"
import { newTask, specOf } from "./LaunchedTask.ts"
import type { ExecutorRequest, LaunchGroupRequest } from "./OperationRequest.ts"
import type { FrameworkRecord, MasterState, OfferRecord } from "./State.ts"
import { taskItselfProblem } from "./TaskValidation.ts"

// LAUNCH_GROUP with the DEFAULT executor (spec/mesos.md §2.4): all tasks of the group or none.

/** Launches a group from what is left of the offers; returns what is left then. */
export const launchGroupOrRefuse = (
  context: MasterContext,
  framework: FrameworkRecord,
  offer: OfferRecord,
  request: LaunchGroupRequest,
  left: Resources,
): Resources => {
  const { state, turn, wallMs } = context
  // Mesos starts an executor for it that never ends, as nothing of it does; here it is nothing.
  if (request.tasks.length === 0) return left
  const unauthorized = request.tasks.find((task) => task.unauthorized !== undefined)
  if (unauthorized !== undefined) {
    refuseGroup(context, framework, request, "REASON_TASK_GROUP_UNAUTHORIZED", unauthorized.unauthorized!)
    return left
  }
  const problem = groupProblem(state, framework, offer, request)
  const rest = problem === undefined ? takeGroup(state, framework, offer, request, left) : problem
  if (typeof rest === "string") {
    refuseGroup(context, framework, request, "REASON_TASK_GROUP_INVALID", rest)
    return left
  }
  const { executorId, resources } = request.executor
  const groupId = `${state.masterId}-G${state.nextGroupNumber++}`
  const executor: ExecutorSpec = { executorId, resources, groupId }
  const specs = request.tasks.map((task) => specOf(framework, offer, task, executor))
  for (const spec of specs) {
    bookLaunched(state, spec)
    putTask(context, newTask(spec, wallMs))
  }
  turn.emit({ type: "SendToAgent", agentId: offer.agentId, message: { type: "LaunchGroup", specs } })
  return rest
}

const refuseGroup = (
  context: MasterContext,
  framework: FrameworkRecord,
  request: LaunchGroupRequest,
  reason: string,
  problem: string,
): void => {
  for (const task of request.tasks) {
    sendMasterStatus(context, framework, task, "TASK_ERROR", reason, problem)
  }
}

/**
 * What is left without its executor, unless that is there already, and without its tasks; or why it does not fit. One after the other,
 * as they are booked: a sum of them would unite ranges that two of them want, and might be no exact number.
 */
const takeGroup = (
  state: MasterState,
  { id }: FrameworkRecord,
  { agentId, role }: OfferRecord,
  { executor: { executorId, resources }, tasks }: LaunchGroupRequest,
  left: Resources,
): Resources | string => {
  const parts = tasks.map(
    (task): Part => ({
      who: `task '${task.taskId}'`,
      role: task.role ?? role,
      wanted: heldResources(task.resources),
    }),
  )
  if (taskOfKnownExecutor(state, agentId, id, executorId) === undefined) {
    parts.push({ who: `executor '${executorId}'`, role, wanted: heldResources(resources) })
  }
  let rest = left
  for (const { who, role: statedRole, wanted } of parts) {
    if (statedRole !== role || !containsResources(rest, wanted)) {
      const total = totalOf(parts)
      const problem = `Total resources ${totalText(parts, total)} required by task group and its executor are more than available ${allocatedToMesosText(left, role)}`
      // Two may want one port: then it is the sum, in which it stands once, that is not more.
      const sum = total?.size === 1 ? total.get(role) : undefined
      const isSumThere = sum !== undefined && containsResources(left, sum)
      return isSumThere
        ? `${problem}: ${who} wants ${resourcesToText(wanted)} of what those before it leave, ${resourcesToText(rest)}`
        : problem
    }
    rest = subtractResources(rest, wanted)
  }
  return rest
}

/** What one of a group wants, and for whom. */
interface Part {
  readonly who: string
  readonly role: string
  readonly wanted: Resources
}

/** By role, since what is allocated to two of them does not add up; undefined when the sum is no exact number. */
const totalOf = (parts: ReadonlyArray<Part>): ReadonlyMap<string, Resources> | undefined => {
  const isExact = parts.every(({ wanted }) =>
    wanted.every(({ value }) => typeof value !== "number" || value <= Number.MAX_SAFE_INTEGER / parts.length),
  )
  if (!isExact) return undefined
  const total = new Map<string, Resources>()
  for (const { role, wanted } of parts) total.set(role, addResources(total.get(role) ?? noResources, wanted))
  return total
}

/** Without a sum, the parts one by one. */
const totalText = (parts: ReadonlyArray<Part>, total: ReadonlyMap<string, Resources> | undefined): string => {
  const texts =
    total === undefined
      ? parts.map(({ wanted, role }) => allocatedToMesosText(wanted, role))
      : Array.from(total, ([role, sum]) => allocatedToMesosText(sum, role))
  return texts.join("; ")
}

/** The order is Mesos's, as far as the recorded exchanges show it: each task, the executor; then, in {@link takeGroup}, their resources. */
const groupProblem = (
  state: MasterState,
  framework: FrameworkRecord,
  offer: OfferRecord,
  request: LaunchGroupRequest,
): string | undefined => {
  if (request.problem !== null) return request.problem
  const ids = request.tasks.map(({ taskId }) => taskId)
  const repeated = ids.find((id, index) => ids.indexOf(id) < index)
  if (repeated !== undefined) return `Task '${repeated}' is invalid: Task has duplicate ID: ${repeated}`
  for (const task of request.tasks) {
    const problem = taskItselfProblem(state, framework, offer, task)
    if (problem !== undefined) return `Task '${task.taskId}' is invalid: ${problem}`
  }
  return executorProblem(state, framework, offer, request.executor)
}

/** The least that an executor of a group must have for itself, in thousandths. */
const executorCpusMin = 10
const executorMemMin = 32_000

const executorProblem = (
  state: MasterState,
  framework: FrameworkRecord,
  { agentId, role }: OfferRecord,
  { executorId, resources, role: statedRole, problem }: ExecutorRequest,
): string | undefined => {
  if (problem !== null) return problem
  const badId = idProblem(executorId)
  if (badId !== undefined) return `Executor ID is invalid: ${badId}`
  if (statedRole !== null && statedRole !== role) {
    return `Executor '${executorId}' uses resources allocated to role '${statedRole}' while its offers are allocated to role '${role}'`
  }
  const known = taskOfKnownExecutor(state, agentId, framework.id, executorId)
  if (known !== undefined) {
    const incompatible = "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID"
    // Its own resources are booked once, for the role of its first task, and are given back for that of its last.
    if (known.role !== role) return `${incompatible}: it is allocated to role '${known.role}', not '${role}'`
    const [its, stated] = [heldResources(known.executor!.resources), heldResources(resources)]
    return sameResources(its, stated)
      ? undefined
      : `${incompatible}: its resources are ${resourcesToText(its)}, not ${resourcesToText(stated)}`
  }
  const scalars = heldScalars(resources)
  const [cpus, mem, disk] = ["cpus", "mem", "disk"].map((name) => amountOf(scalars, name))
  const amount = (milli: number) => (milli === 0 ? "None" : String(milli / 1000))
  if (cpus! < executorCpusMin) {
    return `Executor '${executorId}' uses less CPUs (${amount(cpus!)}) than the minimum required (${executorCpusMin / 1000})`
  }
  if (mem! < executorMemMin) {
    return `Executor '${executorId}' uses less memory (${amount(mem!)}) than the minimum required (${executorMemMin / 1000}MB)`
  }
  return disk === 0 ? `Executor '${executorId}' uses no disk` : undefined
}

/** One of the tasks for which the executor is there; all of them say the same of it. */
const taskOfKnownExecutor = (
  state: MasterState,
  agentId: string,
  frameworkId: string,
  executorId: string,
): TaskSpec | undefined => {
  const [key] = tasksOfExecutor(state, { agentId, frameworkId }, executorId)
  return key === undefined ? undefined : state.tasks.get(key)!.spec
}
