import type { ExecutorSpec, TaskSpec } from "../Task.ts"
import type { TaskRequest } from "./OperationRequest.ts"
import type { FrameworkRecord, OfferRecord, TaskRecord } from "./State.ts"

/** What an agent is told of a task that may be launched. Its command is there: who judged it has seen to that. */
export const specOf = (
  { id, info }: FrameworkRecord,
  { agentId, role }: OfferRecord,
  request: TaskRequest,
  executor: ExecutorSpec | undefined,
): TaskSpec => {
  const { maxCompletionMs, shown } = request
  return {
    taskId: request.taskId,
    frameworkId: id,
    agentId,
    name: request.name,
    role,
    resources: request.resources,
    command: request.command!,
    frameworkUser: info.user,
    principal: info.principal,
    killGraceMs: request.killGraceMs,
    labels: request.labels,
    ...(maxCompletionMs === undefined ? {} : { maxCompletionMs }),
    ...(shown === undefined ? {} : { shown }),
    ...(executor === undefined ? {} : { executor }),
  }
}

/** A task of which nothing has been heard yet. */
export const newTask = (spec: TaskSpec, wallMs: number): TaskRecord => ({
  spec,
  state: "TASK_STAGING",
  status: null,
  notes: [],
  hasEnded: false,
  unacknowledged: false,
  killRequested: false,
  launchedWallMs: wallMs,
})
