import { Effect } from "effect"
import {
  emptyReply,
  type HttpRefusal,
  type HttpReply,
  streamReply,
} from "../../../../runtime/http/HttpMessage.ts"
import type { RecordStream } from "../../../../runtime/http/RecordStream.ts"
import type { Handler } from "../../../../runtime/http/Routes.ts"

/** A call as it came in. */
export interface HeardCall {
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: JSON of a protocol, looked into by tests
  readonly [field: string]: any
}

/**
 * A v1 master that says what the test says, and keeps what it hears. It takes every framework, new or known, unless the
 * test wants otherwise.
 */
export class FakeMaster {
  readonly calls: Array<HeardCall> = []
  stream: RecordStream | undefined
  subscriptions = 0
  /** How the next calls are answered; undefined = 202, or the stream. */
  answer: (call: HeardCall) => HttpReply | HttpRefusal | undefined = () => undefined
  private taken = 0

  readonly handler: Handler = (request) =>
    Effect.flatMap(request.body, (body) => {
      const call = JSON.parse(body.toString()) as HeardCall
      this.calls.push(call)
      const answer = this.answer(call)
      if (answer !== undefined) return answer._tag === "HttpRefusal" ? answer : Effect.succeed(answer)
      return Effect.succeed(call.type === "SUBSCRIBE" ? this.open() : emptyReply(202))
    })

  private open(): HttpReply {
    const number = ++this.subscriptions
    return streamReply(
      (stream) => {
        this.stream = stream
        this.tell({ type: "SUBSCRIBED", subscribed: { framework_id: { value: "f-1" } } })
      },
      { headers: { "Mesos-Stream-Id": `s-${number}` } },
    )
  }

  tell(event: object): void {
    this.stream?.send(JSON.stringify(event))
  }

  /** An offer that fits. */
  offer(id: string): void {
    const scalar = (name: string, value: number) => ({ name, type: "SCALAR", scalar: { value } })
    const offer = {
      ...{ id: { value: id }, agent_id: { value: "a-1" }, hostname: "h" },
      resources: [scalar("cpus", 4), scalar("mem", 4_000)],
    }
    this.tell({ type: "OFFERS", offers: { offers: [offer] } })
  }

  status(taskId: string, state: string, change: object = {}): void {
    const status = { task_id: { value: taskId }, agent_id: { value: "a-1" }, state, ...change }
    this.tell({ type: "UPDATE", update: { status } })
  }

  /** As an agent tells it: to be acknowledged. */
  told(taskId: string, state: string, change: object = {}): void {
    this.status(taskId, state, { uuid: `uuid-${state}`, source: "SOURCE_EXECUTOR", ...change })
  }

  /** As an answer to a question. */
  answered(taskId: string, state: string): void {
    this.status(taskId, state, { source: "SOURCE_MASTER", reason: "REASON_RECONCILIATION" })
  }

  /** The next call of this type that has not been taken yet; others before it are skipped. */
  async next(type: string): Promise<HeardCall> {
    for (;;) {
      while (this.taken < this.calls.length) {
        const call = this.calls[this.taken++]!
        if (call.type === type) return call
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** The id of the task that is launched next. */
  async launched(): Promise<string> {
    const { accept } = await this.next("ACCEPT")
    return accept.operations[0].launch.task_infos[0].task_id.value
  }
}
