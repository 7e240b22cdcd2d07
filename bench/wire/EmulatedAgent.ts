import {
  heartbeatMs,
  protocolVersion,
  reportPath,
  subscribePath,
} from "../../runtime/protocol/AgentProtocol.ts"
import type { CallConnection } from "./Connection.ts"
import { StreamConnection, statusOfHead } from "./Connection.ts"
import type { Emulation } from "./Emulation.ts"

export interface EmulatedHost {
  readonly index: number
  readonly cpus: number
  /** Text of `agentId`, `masterId` and `tasks` of a registration; those of a new agent when left out. */
  readonly known?: string
}

let nextUuid = 1

/** Version and variant as in a random one, the rest is counted. */
const newUuid = (): string => `00000000-0000-4000-8000-${(nextUuid++).toString(16).padStart(12, "0")}`

export const statusText = (
  { frameworkId, taskId, agentId }: { frameworkId: string; taskId: string; agentId: string },
  state: string,
): string =>
  `{"taskId":"${taskId}","frameworkId":"${frameworkId}","agentId":"${agentId}","state":"${state}","source":"SOURCE_EXECUTOR","reason":null,` +
  `"message":null,"uuid":"${newUuid()}","wallMs":${Date.now()},"containerId":"c-${taskId}","labels":[]}`

/**
 * An agent whose tasks take no time: TASK_RUNNING when the launch comes, TASK_FINISHED when that is acknowledged. As the real one it
 * has one report under way at a time, and takes into the next whatever has come together.
 */
export class EmulatedAgent {
  readonly registered: Promise<void>
  private agentId = ""
  private streamId = ""
  private processedId = 0
  private reportedId = 0
  private number = 0
  private waiting: Array<string> = []
  private isReporting = false
  private isScheduled = false
  private onRegistered = () => {}
  private reportedAtMs = performance.now()
  private paceMs = heartbeatMs

  constructor(
    private readonly emulation: Emulation,
    private readonly calls: CallConnection,
    host: EmulatedHost,
  ) {
    this.registered = new Promise((resolve) => {
      this.onRegistered = resolve
    })
    const { port, fields, fail } = emulation
    const stream = new StreamConnection(port, subscribePath, fields, registrationText(host), {
      onHead: (head) => {
        if (statusOfHead(head) !== 200) fail(`an agent may not subscribe: ${head}`)
      },
      onRecord: (text) => this.take(text),
      onOver: (why) => fail(`the stream of an agent is over: ${why}`),
    })
    emulation.onClose(() => stream.close())
  }

  /** What a real agent does when there is nothing to say for some time. */
  beat(nowMs: number): void {
    // It is asked some ten times within its pace.
    if (nowMs - this.reportedAtMs >= 0.9 * this.paceMs && this.streamId !== "") this.report()
  }

  private take(text: string): void {
    // Beside those of messages there are few, and most of them are heartbeats.
    const record = JSON.parse(text)
    if (record.type === "Registered") {
      this.agentId = record.agentId
      this.streamId = record.streamId
      this.paceMs = record.paceMs ?? heartbeatMs
      this.onRegistered()
    } else if (record.type === "Heartbeat") {
      this.paceMs = record.paceMs ?? this.paceMs
    } else if (record.type === "Message" && record.id > this.processedId) {
      this.processedId = record.id
      this.act(record.message)
      this.schedule()
    } else if (record.type === "Refused") this.emulation.fail(`an agent was refused: ${record.reason}`)
  }

  private act(message: {
    readonly type: string
    readonly spec: { readonly frameworkId: string; readonly taskId: string }
    readonly frameworkId: string
    readonly taskId: string
  }): void {
    const { ledger } = this.emulation
    if (message.type === "LaunchTask") {
      ledger.started(message.spec.taskId)
      this.say(message.spec, "TASK_RUNNING")
    } else if (message.type === "AcknowledgeStatus") {
      const { taskId } = message
      // The only other status than the last one is the first one.
      if (this.finishing.delete(taskId)) ledger.ended(taskId)
      else {
        this.finishing.add(taskId)
        this.say(message, "TASK_FINISHED")
      }
    } else this.emulation.fail(`nobody asked for ${message.type}`)
  }

  private readonly finishing = new Set<string>()

  private say({ frameworkId, taskId }: { frameworkId: string; taskId: string }, state: string): void {
    const status = statusText({ frameworkId, taskId, agentId: this.agentId }, state)
    this.waiting.push(`{"status":${status},"latestState":"${state}"}`)
  }

  private schedule(): void {
    if (this.isScheduled || this.isReporting) return
    this.isScheduled = true
    setImmediate(() => {
      this.isScheduled = false
      this.report()
    })
  }

  private report(): void {
    if (this.isReporting) return
    this.isReporting = true
    const { processedId } = this
    const statuses = this.waiting.join()
    this.waiting = []
    this.reportedAtMs = performance.now()
    const body = `{"agentId":"${this.agentId}","streamId":"${this.streamId}","number":${++this.number},"processedId":${processedId},"reserve":{},"isStopping":false,"outcomes":[],"statuses":[${statuses}]}`
    this.calls.post(reportPath, body, ({ status, body: text }) => {
      if (status !== 202) this.emulation.fail(`a report was answered ${status}: ${text}`)
      this.isReporting = false
      this.reportedId = processedId
      if (this.waiting.length > 0 || this.processedId > this.reportedId) this.schedule()
    })
  }
}

const registrationText = ({ index, cpus, known }: EmulatedHost): string => {
  const name = `host-${index}`
  const ip = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
  return (
    `{"protocolVersion":${protocolVersion},${known ?? `"agentId":null,"masterId":null,"tasks":[]`},` +
    `"address":{"hostname":"${name}","ip":"${ip}","port":5051},` +
    `"total":{"cpus":${cpus * 1_000},"mem":${cpus * 1_024_000},"disk":${cpus * 10_240_000}},"reserve":{},` +
    `"attributes":[{"name":"rack","value":"r${index % 40}"}],"version":"0.0.0-emulated","processedId":0,"checkpointed":{},"outcomes":[],"bearsPace":true}`
  )
}
