import type { FrameworkRecord, TaskRecord } from "../../core/master/State.ts"
import type { TaskState, TaskStatus } from "../../core/Task.ts"
import { frameworkInfoToWire } from "./FrameworkInfo.ts"
import { frameworkToWire, taskToWire } from "./OperatorViews.ts"
import { statusToWire } from "./SchedulerEvent.ts"

// Events of the v1 operator API as JSON values, keys in the order of the .proto (spec/mesos.md §2.11; transcripts
// operator/SUBSCRIBE_stream, operator/SUBSCRIBE_stream_agents).

export const operatorHeartbeatMs = 15_000

/** The first event; `getState` is what GET_STATE says at that moment. */
export const subscribedEvent = (getState: object) => ({
  type: "SUBSCRIBED",
  subscribed: { get_state: getState, heartbeat_interval_seconds: operatorHeartbeatMs / 1000 },
})

export const operatorHeartbeat = { type: "HEARTBEAT" }

export const taskAdded = (task: TaskRecord) => ({
  type: "TASK_ADDED",
  task_added: { task: taskToWire(task) },
})

/** `state` is the task's, which the status may lag behind. */
export const taskUpdated = (status: TaskStatus, state: TaskState) => ({
  type: "TASK_UPDATED",
  task_updated: { framework_id: { value: status.frameworkId }, status: statusToWire(status), state },
})

/** `agent` is as GET_AGENTS has it. */
export const agentAdded = (agent: object) => ({ type: "AGENT_ADDED", agent_added: { agent } })

export const agentRemoved = (agentId: string) => ({
  type: "AGENT_REMOVED",
  agent_removed: { agent_id: { value: agentId } },
})

/** As GET_FRAMEWORKS has it, without what comes and goes with each offer. */
const frameworkOf = (framework: FrameworkRecord) => {
  const { offer_constraints, ...lasting } = frameworkToWire(framework, {
    hosts: [],
    allocated: [],
    offered: [],
  })
  return { ...lasting, unregistered_time: { nanoseconds: 0 } }
}

export const frameworkAdded = (framework: FrameworkRecord) => ({
  type: "FRAMEWORK_ADDED",
  framework_added: { framework: frameworkOf(framework) },
})

export const frameworkUpdated = (framework: FrameworkRecord) => ({
  type: "FRAMEWORK_UPDATED",
  framework_updated: { framework: frameworkOf(framework) },
})

export const frameworkRemoved = (framework: FrameworkRecord) => ({
  type: "FRAMEWORK_REMOVED",
  framework_removed: { framework_info: frameworkInfoToWire(framework) },
})
