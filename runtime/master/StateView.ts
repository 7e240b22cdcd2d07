import { holdsResources } from "../../core/master/Context.ts"
import type {
  AgentRecord,
  FrameworkRecord,
  MasterState,
  OfferRecord,
  TaskRecord,
} from "../../core/master/State.ts"
import {
  addQuantities,
  isNoQuantities,
  noQuantities,
  type Quantities,
  shortages,
} from "../../core/resources/Quantities.ts"
import {
  addResources,
  noResources,
  plainQuantities,
  type Resources,
  scalarQuantities,
} from "../../core/resources/Resources.ts"
import { valueToText } from "../../core/resources/ResourceValue.ts"
import { hostAndPort } from "../http/HttpUrl.ts"
import type { MasterIdentity } from "../mesos/SchedulerEvent.ts"

// `/state` in the v0 naming that existing tools read (spec/mesos.md §6.3). Built in one pass over the state.

const sumOfTasks = (tasks: ReadonlyArray<TaskRecord>): Quantities =>
  tasks.reduce((total, { spec }) => addQuantities(total, spec.resources), noQuantities)

const sumOfOffers = (offers: ReadonlyArray<OfferRecord>): Quantities =>
  scalarQuantities(offers.reduce((total, { resources }) => addResources(total, resources), noResources))

/** Plain numbers in Mesos's units; the usual scalars print as 0 when absent. */
const scalars = (resources: Quantities): Record<string, number> => {
  const view: Record<string, number> = { cpus: 0, gpus: 0, mem: 0, disk: 0 }
  for (const [name, milli] of Object.entries(resources)) view[name] = milli / 1000
  return view
}

/** The scalars, and ranges and sets as text, as Mesos shows them. */
const resourcesView = (resources: Resources): Record<string, number | string> => {
  const view: Record<string, number | string> = scalars(scalarQuantities(resources))
  for (const { kind, value } of resources) {
    if (kind.type !== "scalar") view[kind.name] = valueToText(kind.type, value)
  }
  return view
}

const groupBy = <A>(items: Iterable<A>, keyOf: (item: A) => string): Map<string, Array<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

const taskView = ({ spec, state, status, launchedWallMs }: TaskRecord) => ({
  id: spec.taskId,
  name: spec.name,
  framework_id: spec.frameworkId,
  executor_id: "",
  slave_id: spec.agentId,
  state,
  resources: scalars(spec.resources),
  role: spec.role,
  command: [spec.command.value, ...spec.command.arguments.slice(1)].join(" "),
  launched_time: launchedWallMs / 1000,
  statuses:
    status === null
      ? []
      : [
          {
            state: status.state,
            timestamp: status.wallMs / 1000,
            ...(status.message === null ? {} : { message: status.message }),
          },
        ],
  ...(spec.labels.length === 0 ? {} : { labels: spec.labels }),
})

const offerView = (offer: OfferRecord) => ({
  id: offer.id,
  framework_id: offer.frameworkId,
  slave_id: offer.agentId,
  allocation_info: { role: offer.role },
  resources: resourcesView(offer.resources),
})

/** The role that reserves are kept for, which no framework subscribes to, and their mark (design §5). */
const primaryRole = "primary"
const reservation = {
  principal: "monitor",
  labels: { labels: [{ key: "owner", value: "monitor" }] },
}

const scalarResource = (name: string, milli: number) => ({
  name,
  type: "SCALAR",
  scalar: { value: milli / 1000 },
})

/** In both forms at once, as Mesos shows them (mesos-transcripts README, 18). */
const reservedFull = (held: Quantities) =>
  Object.entries(held).map(([name, milli]) => ({
    ...scalarResource(name, milli),
    role: primaryRole,
    reservation,
    reservations: [{ type: "DYNAMIC", role: primaryRole, ...reservation }],
  }))

const unreservedFull = (resources: Quantities) =>
  Object.entries(resources).map(([name, milli]) => ({ ...scalarResource(name, milli), role: "*" }))

interface AgentAmounts {
  readonly used: Quantities
  readonly offered: Quantities
  /** The part of its reserve that is taken already. */
  readonly held: Quantities
}

const reservationView = (agent: AgentRecord, { used, offered, held }: AgentAmounts) => {
  const unreserved = shortages(held, plainQuantities(agent.total))
  const isHolding = !isNoQuantities(held)
  return {
    reserved_resources: isHolding ? { [primaryRole]: scalars(held) } : {},
    unreserved_resources: scalars(unreserved),
    reserved_resources_full: isHolding ? { [primaryRole]: reservedFull(held) } : {},
    unreserved_resources_full: unreservedFull(unreserved),
    used_resources_full: unreservedFull(used),
    offered_resources_full: unreservedFull(offered),
    /** gleaner's own: the whole reserve that is wanted; what tasks hold of it is taken when they end. */
    wanted_reserve: scalars(agent.reserve),
  }
}

const agentView = (agent: AgentRecord, amounts: AgentAmounts) => ({
  id: agent.id,
  hostname: agent.address.hostname,
  port: agent.address.port,
  pid: `slave(1)@${hostAndPort(agent.address.ip, agent.address.port)}`,
  attributes: Object.fromEntries(agent.attributes.map(({ name, value }) => [name, value])),
  registered_time: agent.registeredWallMs / 1000,
  resources: resourcesView(agent.total),
  used_resources: scalars(amounts.used),
  offered_resources: scalars(amounts.offered),
  ...reservationView(agent, amounts),
  active: agent.condition === "connected",
  deactivated: false,
  version: agent.version,
  /** gleaner's own: connected, disconnected (tasks believed to run) or unreachable. */
  condition: agent.condition,
})

const isUnreachable = (task: TaskRecord) => task.state === "TASK_UNREACHABLE"

const frameworkView = (
  framework: FrameworkRecord,
  tasks: ReadonlyArray<TaskRecord>,
  offers: ReadonlyArray<OfferRecord>,
) => {
  const used = sumOfTasks(tasks.filter(holdsResources))
  const offered = sumOfOffers(offers)
  const isConnected = framework.streamId !== null
  return {
    id: framework.id,
    name: framework.info.name,
    user: framework.info.user,
    hostname: framework.info.hostname,
    ...(framework.info.webuiUrl === null ? {} : { webui_url: framework.info.webuiUrl }),
    ...(framework.info.principal === null ? {} : { principal: framework.info.principal }),
    roles: framework.info.roles,
    capabilities: framework.info.capabilities,
    failover_timeout: framework.info.failoverTimeoutMs / 1000,
    checkpoint: framework.info.checkpoint,
    registered_time: framework.registeredWallMs / 1000,
    active: isConnected,
    connected: isConnected,
    recovered: false,
    resources: scalars(addQuantities(used, offered)),
    used_resources: scalars(used),
    offered_resources: scalars(offered),
    tasks: tasks.filter((task) => !isUnreachable(task)).map(taskView),
    unreachable_tasks: tasks.filter(isUnreachable).map(taskView),
    completed_tasks: [],
    offers: offers.map(offerView),
    executors: [],
  }
}

/** The agents, or the one of this id. */
export const agentViews = (state: MasterState, agentId: string | null) => {
  const offersByAgent = groupBy(state.offers.values(), (offer) => offer.agentId)
  return [...state.agents.values()]
    .filter(({ id }) => agentId === null || id === agentId)
    .map((agent) => {
      const offered = sumOfOffers(offersByAgent.get(agent.id) ?? [])
      const used = shortages(offered, scalarQuantities(state.allocator.allocatedOn(agent.id)))
      return agentView(agent, { used, offered, held: state.allocator.heldOn(agent.id) })
    })
}

/** The whole view. `startedWallMs` = when this master process began to serve. */
export const stateView = (state: MasterState, identity: MasterIdentity, startedWallMs: number) => {
  const agents = [...state.agents.values()]
  const offersByFramework = groupBy(state.offers.values(), (offer) => offer.frameworkId)
  const tasksByFramework = groupBy(state.tasks.values(), (task) => task.spec.frameworkId)
  const { address, masterId, version } = identity
  return {
    version,
    id: masterId,
    pid: `master@${hostAndPort(address.ip, address.port)}`,
    hostname: address.hostname,
    start_time: startedWallMs / 1000,
    elected_time: startedWallMs / 1000,
    leader: `master@${hostAndPort(address.ip, address.port)}`,
    leader_info: {
      id: masterId,
      pid: `master@${hostAndPort(address.ip, address.port)}`,
      port: address.port,
      hostname: address.hostname,
    },
    activated_slaves: agents.filter((agent) => agent.condition === "connected").length,
    deactivated_slaves: agents.filter((agent) => agent.condition === "disconnected").length,
    unreachable_slaves: agents.filter((agent) => agent.condition === "unreachable").length,
    slaves: agentViews(state, null),
    recovered_slaves: [],
    frameworks: [...state.frameworks.values()].map((framework) =>
      frameworkView(
        framework,
        tasksByFramework.get(framework.id) ?? [],
        offersByFramework.get(framework.id) ?? [],
      ),
    ),
    completed_frameworks: [],
    orphan_tasks: [...tasksByFramework.entries()]
      .filter(([frameworkId]) => !state.frameworks.has(frameworkId))
      .flatMap(([, tasks]) => tasks.map(taskView)),
    unregistered_frameworks: [],
  }
}
