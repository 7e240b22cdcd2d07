import { createHash } from "node:crypto"
import { isTerminal, type TaskSpec, type TaskStatus } from "../../../core/Task.ts"
import { wireToUuid } from "../../../runtime/mesos/Uuid.ts"
import type { MasterRecord } from "../../../runtime/protocol/AgentProtocol.ts"
import { FakeAgent } from "../FakeAgent.ts"
import { secret } from "../MasterFixture.ts"
import type { Ids } from "./Ids.ts"
import type { Json } from "./Transcript.ts"

/** What an agent of the recording said about its tasks, status by status, and which of them were told to die. */
export interface Script {
  readonly statusesByTask: ReadonlyMap<string, ReadonlyArray<Json>>
  readonly killedTasks: ReadonlySet<string>
}

/** The script of a scenario, from the events of its streams and the bodies of its calls. */
export const toScript = (events: ReadonlyArray<Json>, calls: ReadonlyArray<Json>): Script => {
  const statusesByTask = new Map<string, Array<Json>>()
  for (const event of events) {
    const status = event.update?.status
    if (status?.uuid === undefined || status.source === "SOURCE_MASTER") continue
    const statuses = statusesByTask.get(status.task_id.value) ?? []
    statusesByTask.set(status.task_id.value, statuses)
    // Sent again after a failover or a silence: the same status.
    if (!statuses.some(({ uuid }) => uuid === status.uuid)) statuses.push(status)
  }
  const killedTasks = calls.flatMap((call) => (call?.kill === undefined ? [] : [call.kill.task_id.value]))
  return { statusesByTask, killedTasks: new Set(killedTasks) }
}

/** Half of what the master takes for silence would be late enough. */
const reportEveryMs = 3_000

/**
 * An agent that says of each task what the recorded one said, each status once the one before is acknowledged, with the
 * recorded uuids, so that the recorded acknowledgements fit.
 */
export class Reenactment {
  private taken = 0
  private processedId = 0
  private reportedMs = performance.now()
  private isDead = false
  private readonly said = new Map<string, number>()
  private readonly tasks = new Map<string, { spec: TaskSpec; status: TaskStatus | null }>()

  constructor(
    private readonly url: string,
    private agent: FakeAgent,
    private readonly script: Script,
    private readonly ids: Ids,
  ) {}

  /** Does what the master has said since the last time. */
  async goOn(): Promise<void> {
    if (this.isDead) return
    while (this.taken < this.agent.records.length) await this.take(this.agent.records[this.taken++]!)
    if (performance.now() - this.reportedMs > reportEveryMs) await this.report([])
  }

  close(): void {
    this.agent.close()
  }

  async die(): Promise<void> {
    await this.goOn()
    this.isDead = true
    this.close()
  }

  /** Registers with the tasks that it had. */
  async comeBack(): Promise<void> {
    const { registration, agentId } = this.agent
    this.agent = new FakeAgent(this.url, secret)
    const tasks = [...this.tasks.values()].filter(
      ({ status }) => status === null || !isTerminal(status.state),
    )
    await this.agent.join({ ...registration, agentId, tasks, processedId: this.processedId })
    this.taken = 0
    this.isDead = false
  }

  private report(statuses: ReadonlyArray<TaskStatus>) {
    this.reportedMs = performance.now()
    return this.agent.report({ statuses, processedId: this.processedId })
  }

  private async take(record: MasterRecord): Promise<void> {
    if (record.type !== "Message") return
    this.processedId = record.id
    const { message } = record
    if (message.type === "LaunchTask" || message.type === "LaunchGroup") {
      for (const spec of message.type === "LaunchTask" ? [message.spec] : message.specs) {
        this.tasks.set(spec.taskId, { spec, status: null })
        this.said.delete(spec.taskId)
        await this.sayNext(spec.taskId, false)
      }
      return
    }
    if (message.type === "CheckpointResources") {
      const told = message.operations ?? (message.operation === null ? [] : [message.operation])
      if (told.length === 0) return
      const outcomes = told.map(({ frameworkId, operationId }) => ({
        frameworkId,
        operationId,
        problem: null,
      }))
      await this.agent.report({ outcomes, processedId: this.processedId })
    }
    if (!("taskId" in message)) return
    return this.sayNext(message.taskId, message.type === "KillTask")
  }

  private async sayNext(taskId: string, isKilled: boolean): Promise<void> {
    const index = this.said.get(taskId) ?? 0
    const recorded = this.script.statusesByTask.get(taskId)?.[index]
    const task = this.tasks.get(taskId)
    if (task === undefined) return
    if (recorded === undefined) {
      // Nobody heard of its end any more when it was recorded.
      if (isKilled) await this.report([this.toStatus(this.ownEnd(taskId), task.spec)])
      return
    }
    const isToldToDie = this.script.killedTasks.has(taskId) || recorded.reason === "REASON_AGENT_DRAINING"
    const isByOrder = isToldToDie && recorded.state === "TASK_KILLED"
    if (isByOrder !== isKilled) return
    this.said.set(taskId, index + 1)
    task.status = this.toStatus(recorded, task.spec)
    await this.report([task.status])
  }

  private ownEnd(taskId: string): Json {
    const uuid = createHash("md5").update(taskId).digest("base64")
    return { state: "TASK_KILLED", source: "SOURCE_EXECUTOR", uuid, timestamp: 0 }
  }

  private toStatus(status: Json, { taskId, frameworkId, agentId, executor }: TaskSpec): TaskStatus {
    const { container_id, executor_pid } = status.container_status ?? {}
    const parent = container_id?.parent?.value
    return {
      taskId,
      frameworkId,
      agentId,
      state: status.state,
      source: status.source,
      reason: status.reason ?? null,
      message: status.message === undefined ? null : this.ids.toOurs(status.message),
      uuid: wireToUuid(status.uuid) ?? null,
      wallMs: Math.round(status.timestamp * 1000),
      containerId: status.container_status?.container_id?.value ?? null,
      labels: [],
      ...(executor === undefined ? {} : { executorId: executor.executorId }),
      ...(parent === undefined ? {} : { parentContainerId: parent }),
      ...(executor_pid === undefined ? {} : { executorPid: executor_pid }),
    }
  }
}
