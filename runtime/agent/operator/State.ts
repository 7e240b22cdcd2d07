import { combineResources } from "../../../core/master/AgentResources.ts"
import { agentCapabilities } from "../../../core/master/NewAllocator.ts"
import { heldResources } from "../../../core/resources/HeldResources.ts"
import { isUnreserved, reservationRole } from "../../../core/resources/Resource.ts"
import {
  addResources,
  noResources,
  pickResources,
  type Resources,
} from "../../../core/resources/Resources.ts"
import { build, buildView } from "../../Build.ts"
import { hostAndPort } from "../../http/HttpUrl.ts"
import { frameworkInfoToWire } from "../../mesos/FrameworkInfo.ts"
import { resourcesView } from "../../mesos/OlderViews.ts"
import { taskToWire } from "../../mesos/OperatorViews.ts"
import { resourcesToBothForms, resourcesToWire } from "../../mesos/Resources.ts"
import { attributesToWire } from "../../mesos/SchedulerEvent.ts"
import type { FrameworkFacts } from "../../protocol/AgentProtocol.ts"
import { executorViews, getExecutors, heldBy, isLive } from "./Executors.ts"
import type { AgentFacts, Seen, ShownTask } from "./Facts.ts"

// What an agent says of itself and of its tasks: GET_AGENT, GET_TASKS, GET_FRAMEWORKS, GET_STATE, and `/state` in the older words
// (spec/mesos.md §6.3).

/** All of the host, with what is reserved of it; what its flags say where the two do not go together, of which its master tells. */
export const totalOf = ({ identity, state }: AgentFacts): Resources => {
  const total = combineResources(identity.base, heldResources(state.checkpointed))
  return typeof total === "string" ? identity.base : total
}

export const getAgent = ({ facts }: Seen) => {
  const { identity, state } = facts
  const { address, attributes, base } = identity
  return {
    agent_info: {
      hostname: address.hostname,
      port: address.port,
      resources: resourcesToWire(base, { withRole: false, allocatedTo: null }),
      ...attributesToWire(attributes),
      ...(state.agentId === null ? {} : { id: { value: state.agentId } }),
    },
  }
}

/** No task waits for an executor here: it is launched at once. */
export const getTasks = ({ tasks, past }: Seen) => ({
  pending_tasks: [],
  queued_tasks: [],
  launched_tasks: tasks.filter(isLive).map(taskToWire),
  terminated_tasks: tasks.filter((task) => !isLive(task)).map(taskToWire),
  completed_tasks: past.map(taskToWire),
})

/** As the master has told it; before that, what its tasks say. */
const frameworksOf = (
  { frameworkOf }: AgentFacts,
  tasks: ReadonlyArray<ShownTask>,
): ReadonlyArray<FrameworkFacts> => {
  const byId = new Map<string, FrameworkFacts>()
  for (const { spec } of tasks) {
    const id = spec.frameworkId
    if (byId.has(id)) continue
    const roles = [
      ...new Set(tasks.filter((task) => task.spec.frameworkId === id).map((task) => task.spec.role)),
    ]
    byId.set(
      id,
      frameworkOf(id) ?? {
        ...{ id, name: "", user: spec.frameworkUser, roles, principal: null, hostname: "", webuiUrl: null },
        ...{ checkpoint: false, failoverTimeoutMs: 0, capabilities: ["MULTI_ROLE"] },
      },
    )
  }
  return [...byId.values()]
}

/** Those of which something is here, and those of which all is over. */
const frameworksIn = ({ facts, tasks, past }: Seen) => {
  const here = frameworksOf(facts, tasks)
  const isHere = new Set(here.map(({ id }) => id))
  return { here, over: frameworksOf(facts, past).filter(({ id }) => !isHere.has(id)) }
}

const frameworkToWire = ({ id, ...info }: FrameworkFacts) => ({
  framework_info: frameworkInfoToWire({ id, info }),
})

export const getFrameworks = (seen: Seen) => {
  const { here, over } = frameworksIn(seen)
  return { frameworks: here.map(frameworkToWire), completed_frameworks: over.map(frameworkToWire) }
}

export const getState = (seen: Seen) => ({
  get_tasks: getTasks(seen),
  get_executors: getExecutors(seen),
  get_frameworks: getFrameworks(seen),
})

/** Whose framework wants to hear of them; those without an id are done when they are done. */
export const getOperations = ({ facts: { state } }: Seen) => {
  const operations = [...state.operations.values()].map(({ frameworkId, operationId, outcome }) => ({
    framework_id: { value: frameworkId },
    ...(state.agentId === null ? {} : { agent_id: { value: state.agentId } }),
    info: { id: { value: operationId } },
    latest_status: {
      operation_id: { value: operationId },
      state:
        outcome === null
          ? "OPERATION_PENDING"
          : outcome.problem === null
            ? "OPERATION_FINISHED"
            : "OPERATION_ERROR",
      ...(outcome === null || outcome.problem === null ? {} : { message: outcome.problem }),
    },
  }))
  return operations.length === 0 ? {} : { operations }
}

const byRole = <A>(resources: Resources, view: (of: Resources) => A): { readonly [role: string]: A } => {
  const sums = new Map<string, Resources>()
  for (const resource of resources) {
    const role = reservationRole(resource.kind)
    if (role !== null) sums.set(role, addResources(sums.get(role) ?? noResources, [resource]))
  }
  return Object.fromEntries([...sums.keys()].sort().map((role) => [role, view(sums.get(role)!)]))
}

const unreservedOf = (resources: Resources): Resources =>
  pickResources(resources, ({ kind }) => isUnreserved(kind))

const frameworkView = (seen: Seen, facts: FrameworkFacts) => {
  const { id, name, user, roles, principal, hostname, checkpoint, failoverTimeoutMs, capabilities } = facts
  return {
    ...{ id, name, user },
    failover_timeout: failoverTimeoutMs / 1000,
    checkpoint,
    hostname,
    ...(principal === null ? {} : { principal }),
    ...(capabilities.includes("MULTI_ROLE") ? { roles } : { role: roles[0] ?? "*" }),
    ...executorViews(seen, id),
  }
}

export const stateView = (seen: Seen) => {
  const { facts, allTasks, flags } = seen
  const { identity, state } = facts
  const { address, attributes, version } = identity
  const total = totalOf(facts)
  const held = heldBy(allTasks)
  const { here, over } = frameworksIn(seen)
  return {
    version,
    ...buildView(build),
    start_time: identity.startedWallMs / 1000,
    ...(state.agentId === null ? {} : { id: state.agentId }),
    pid: `slave(1)@${hostAndPort(address.ip, address.port)}`,
    hostname: address.hostname,
    capabilities: agentCapabilities,
    resources: resourcesView(total),
    reserved_resources: byRole(total, resourcesView),
    unreserved_resources: resourcesView(unreservedOf(total)),
    reserved_resources_full: byRole(total, (of) => resourcesToBothForms(of)),
    unreserved_resources_full: resourcesToBothForms(unreservedOf(total)),
    reserved_resources_allocated: byRole(held, resourcesView),
    unreserved_resources_allocated: resourcesView(unreservedOf(held)),
    resource_providers: [],
    attributes: Object.fromEntries(attributes.map(({ name, value }) => [name, value])),
    ...(state.isConnected ? { master_hostname: identity.masterHostname } : {}),
    // Left out for those who may not see them, as in a master.
    ...(flags === null ? {} : { flags: Object.fromEntries(flags.map(({ name, value }) => [name, value])) }),
    frameworks: here.map((framework) => frameworkView(seen, framework)),
    completed_frameworks: over.map((framework) => frameworkView(seen, framework)),
  }
}
