import { request as httpRequest, type IncomingMessage } from "node:http"
import type { TaskStatus } from "../../core/Task.ts"
import { makeRecordDecoder } from "../../runtime/http/RecordIo.ts"
import {
  type AgentReport,
  type MasterRecord,
  protocolVersion,
  type Registration,
  reportPath,
  subscribePath,
} from "../../runtime/protocol/AgentProtocol.ts"

export interface PlainReply {
  readonly status: number
  readonly body: string
}

type Told<Type extends MasterRecord["type"]> = Extract<MasterRecord, { type: Type }>

/** An agent that only speaks: it does what the test says and keeps what the master says. */
export class FakeAgent {
  readonly records: Array<MasterRecord> = []
  agentId = ""
  streamId = ""
  isOver = false
  /** What it said of itself. */
  registration: object = {}
  private taken = 0
  private response: IncomingMessage | undefined

  constructor(
    private readonly url: string,
    private readonly secret: string,
  ) {}

  /** Answers with the status; 200 = the stream is open. */
  register(change: { [Field in keyof Registration]?: unknown } = {}): Promise<PlainReply> {
    const registration = {
      protocolVersion,
      agentId: null,
      masterId: null,
      address: { hostname: "host", ip: "127.0.0.1", port: 5051 },
      total: { cpus: 4_000, mem: 8_000_000 },
      attributes: [],
      version: "1",
      processedId: 0,
      reserve: {},
      tasks: [],
      checkpointed: {},
      outcomes: [],
      ...change,
    }
    this.registration = registration
    const decoder = makeRecordDecoder()
    return this.post(subscribePath, registration, (response) => {
      if (response.statusCode !== 200) return false
      this.response = response
      response.on("data", (chunk: Buffer) => decoder.push(chunk, (text) => this.take(text)))
      response.on("close", () => {
        this.isOver = true
      })
      return true
    })
  }

  /** Of the last report. */
  private number = 0

  private take(text: string): void {
    const record = JSON.parse(text) as MasterRecord
    this.records.push(record)
    if (record.type === "Registered") {
      this.agentId = record.agentId
      this.streamId = record.streamId
    }
  }

  /** The next record of this type that has not been taken yet; others before it are skipped. */
  async next<Type extends MasterRecord["type"]>(type: Type): Promise<Told<Type>> {
    for (;;) {
      while (this.taken < this.records.length) {
        const record = this.records[this.taken++]!
        if (record.type === type) return record as Told<Type>
      }
      if (this.isOver) throw new Error(`the stream is over without ${type}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Registers and waits until the master has taken it in. */
  async join(change: { [Field in keyof Registration]?: unknown } = {}): Promise<Told<"Registered">> {
    const { status, body } = await this.register(change)
    if (status !== 200) throw new Error(`the master answered ${status}: ${body}`)
    return this.next("Registered")
  }

  /** Each status is also the newest of its task. */
  report(
    change: Omit<Partial<AgentReport>, "statuses"> & { readonly statuses?: ReadonlyArray<TaskStatus> } = {},
  ): Promise<PlainReply> {
    const { agentId, streamId } = this
    const statuses = (change.statuses ?? []).map((status) => ({ status, latestState: status.state }))
    return this.post(reportPath, {
      ...{ agentId, streamId, number: ++this.number, processedId: 0, reserve: {}, isStopping: false },
      outcomes: [],
      ...change,
      statuses,
    })
  }

  async ended(): Promise<void> {
    while (!this.isOver) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  close(): void {
    this.response?.destroy()
  }

  private post(
    path: string,
    body: object,
    isStream: (response: IncomingMessage) => boolean = () => false,
  ): Promise<PlainReply> {
    return new Promise((resolve, reject) => {
      const text = JSON.stringify(body)
      const headers = {
        "Content-Type": "application/json",
        Authorization: `Bearer ${this.secret}`,
        "Content-Length": Buffer.byteLength(text),
      }
      const outgoing = httpRequest(this.url + path, { method: "POST", agent: false, headers }, (response) => {
        const status = response.statusCode ?? 0
        if (isStream(response)) return resolve({ status, body: "" })
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("end", () => resolve({ status, body: Buffer.concat(chunks).toString("utf8") }))
      })
      outgoing.on("error", reject)
      outgoing.end(text)
    })
  }
}
