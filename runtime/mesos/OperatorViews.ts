import { agentPid } from "../../core/master/AgentText.ts"
import type { ExecutorView } from "../../core/master/Executors.ts"
import type { CompletedFramework } from "../../core/master/History.ts"
import type { Drain } from "../../core/master/HostRecords.ts"
import { agentCapabilities } from "../../core/master/NewAllocator.ts"
import type { AgentRecord, FrameworkRecord, TaskRecord } from "../../core/master/State.ts"
import { statusOfNote } from "../../core/master/StatusNotes.ts"
import { heldResources } from "../../core/resources/HeldResources.ts"
import type { Resources } from "../../core/resources/Resources.ts"
import { frameworkInfoToWire } from "./FrameworkInfo.ts"
import { constraintsToWire } from "./OfferDemands.ts"
import { resourcesToBothForms, resourcesToWire } from "./Resources.ts"
import { attributesToWire, offerToWire, statusToWire } from "./SchedulerEvent.ts"
import { uuidToWire } from "./Uuid.ts"

// Agents, frameworks and tasks in the words of the v1 operator API, fields in the order of the .proto (spec/mesos.md §2.11). Lists of
// resources are left out when they are empty (mesos-transcripts README, 19).

/** Resources and the role they are allocated to. */
export interface Allocated {
  readonly role: string
  readonly resources: Resources
}

/** Too large to be exact as a JSON number, as in Mesos. */
const wallTime = (wallMs: number) => ({ nanoseconds: wallMs * 1e6 })

const allocatedList = (name: string, parts: ReadonlyArray<Allocated>): object => {
  const list = parts.flatMap(({ role, resources }) => resourcesToBothForms(resources, role))
  return list.length === 0 ? {} : { [name]: list }
}

export const agentInfoToWire = ({ id, address, base, attributes }: AgentRecord) => ({
  hostname: address.hostname,
  port: address.port,
  resources: resourcesToWire(base, { withRole: false, allocatedTo: null }),
  ...attributesToWire(attributes),
  id: { value: id },
  checkpoint: true,
})

/** Whether something of it may be offered. */
export const isActive = ({ condition, isDeactivated }: AgentRecord): boolean =>
  condition === "connected" && !isDeactivated

/** The same in all views (transcripts operator/drained_GET_AGENTS, legacy/drained_slaves). */
export const drainInfo = ({ stage, graceMaxMs, isGoneAfter }: Drain) => ({
  state: stage.toUpperCase(),
  config: {
    ...(graceMaxMs === null ? {} : { max_grace_period: { nanoseconds: graceMaxMs * 1e6 } }),
    mark_gone: isGoneAfter,
  },
})

export interface AgentShares {
  /** All of the agent, with what is reserved of it. */
  readonly total: Resources
  readonly allocated: ReadonlyArray<Allocated>
  readonly offered: ReadonlyArray<Allocated>
}

export const agentToWire = (agent: AgentRecord, { total, allocated, offered }: AgentShares) => ({
  agent_info: agentInfoToWire(agent),
  active: isActive(agent),
  deactivated: agent.isDeactivated,
  version: agent.version,
  pid: agentPid(agent),
  registered_time: wallTime(agent.registeredWallMs),
  ...(agent.reregisteredWallMs === undefined
    ? {}
    : { reregistered_time: wallTime(agent.reregisteredWallMs) }),
  total_resources: resourcesToBothForms(total),
  ...allocatedList("allocated_resources", allocated),
  ...allocatedList("offered_resources", offered),
  capabilities: agentCapabilities.map((type) => ({ type })),
  ...(agent.drain === null
    ? {}
    : {
        drain_info: drainInfo(agent.drain),
        // In whole seconds, as Mesos keeps it.
        estimated_drain_start_time: { nanoseconds: Math.floor(agent.drain.startedWallMs / 1000) * 1e9 },
      }),
})

/** A framework that is over. */
export const completedFrameworkToWire = ({ framework, unregisteredWallMs }: CompletedFramework) => ({
  ...frameworkToWire(framework, { hosts: [], allocated: [], offered: [] }),
  ...{ active: false, connected: false, recovered: false },
  unregistered_time: wallTime(unregisteredWallMs),
})

export interface FrameworkShares {
  readonly hosts: ReadonlyArray<Parameters<typeof offerToWire>[0]>
  readonly allocated: ReadonlyArray<Allocated>
  readonly offered: ReadonlyArray<Allocated>
}

export const frameworkToWire = (
  framework: FrameworkRecord,
  { hosts, allocated, offered }: FrameworkShares,
) => ({
  framework_info: frameworkInfoToWire(framework),
  active: framework.streamId !== null,
  connected: framework.streamId !== null,
  recovered: framework.isRecovered,
  registered_time: wallTime(framework.registeredWallMs),
  // In the v1 API it is there from the first subscription on (transcript operator/running_GET_FRAMEWORKS).
  reregistered_time: wallTime(framework.reregisteredWallMs ?? framework.registeredWallMs),
  ...(hosts.length === 0 ? {} : { offers: hosts.map((host) => offerToWire(host, framework)) }),
  ...allocatedList("allocated_resources", allocated),
  ...allocatedList("offered_resources", offered),
  offer_constraints: constraintsToWire(framework.info.constraints),
})

/** What is told of a task, by masters and agents alike. */
export type ToldTask = Pick<TaskRecord, "spec" | "state" | "status" | "notes">

export const taskToWire = ({ spec, state, status, notes }: ToldTask) => ({
  name: spec.name,
  task_id: { value: spec.taskId },
  framework_id: { value: spec.frameworkId },
  ...(spec.executor === undefined ? {} : { executor_id: { value: spec.executor.executorId } }),
  agent_id: { value: spec.agentId },
  state,
  resources: resourcesToWire(heldResources(spec.resources), {
    withRole: false,
    allocatedTo: spec.role,
  }),
  ...(notes.length === 0 ? {} : { statuses: notes.map((note) => statusToWire(statusOfNote(spec, note))) }),
  ...(status === null ? {} : { status_update_state: status.state }),
  ...(status === null || status.uuid === null ? {} : { status_update_uuid: uuidToWire(status.uuid) }),
  ...(spec.labels.length === 0 ? {} : { labels: { labels: spec.labels } }),
  ...spec.shown,
  ...(spec.command.user === null ? {} : { user: spec.command.user }),
})

export const executorToWire = ({ executorId, frameworkId, agentId, role, resources }: ExecutorView) => ({
  executor_info: {
    type: "DEFAULT",
    executor_id: { value: executorId },
    framework_id: { value: frameworkId },
    resources: resourcesToWire(heldResources(resources), { withRole: false, allocatedTo: role }),
  },
  agent_id: { value: agentId },
})
