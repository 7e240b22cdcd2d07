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
import { resourcesView } from "../../mesos/OlderViews.ts"
import { taskToWire } from "../../mesos/OperatorViews.ts"
import { resourcesToBothForms, resourcesToWire } from "../../mesos/Resources.ts"
import { attributesToWire } from "../../mesos/SchedulerEvent.ts"
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

/** What this host knows of a framework: what its tasks say. */
interface ShownFramework {
  readonly id: string
  readonly user: string
  readonly roles: ReadonlyArray<string>
}

const frameworksOf = (tasks: ReadonlyArray<ShownTask>): ReadonlyArray<ShownFramework> => {
  const byId = new Map<string, { id: string; user: string; roles: Array<string> }>()
  for (const { spec } of tasks) {
    const known = byId.get(spec.frameworkId) ?? { id: spec.frameworkId, user: spec.frameworkUser, roles: [] }
    if (!known.roles.includes(spec.role)) known.roles.push(spec.role)
    byId.set(spec.frameworkId, known)
  }
  return [...byId.values()]
}

/** Those of which something is here, and those of which all is over. */
const frameworksIn = ({ tasks, past }: Seen) => {
  const here = frameworksOf(tasks)
  const isHere = new Set(here.map(({ id }) => id))
  return { here, over: frameworksOf(past).filter(({ id }) => !isHere.has(id)) }
}

const frameworkToWire = ({ id, user, roles }: ShownFramework) => ({
  framework_info: { user, name: "", id: { value: id }, roles },
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

const frameworkView = (seen: Seen, { id, user, roles }: ShownFramework) => ({
  ...{ id, name: "", user, roles },
  ...executorViews(seen, id),
})

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
