import { request as httpRequest, type IncomingMessage } from "node:http"

/** An event as it came. */
export interface V1Event {
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: JSON of a foreign protocol, looked into by tests
  readonly [field: string]: any
}

export interface V1Reply {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

/**
 * A framework as an author would write it from Mesos's documentation, on plain `node:http`: it shares no code with
 * gleaner, so that a mistake made twice is not taken for the protocol.
 */
export class V1Framework {
  readonly events: Array<V1Event> = []
  frameworkId = ""
  streamId = ""
  isOver = false
  private response: IncomingMessage | undefined
  /** By type: what nobody has taken yet, in the order in which it came. */
  private readonly waiting = new Map<string, Array<V1Event>>()

  constructor(
    private readonly url: string,
    private readonly secret: string,
  ) {}

  subscribe(info: object = {}, frameworkId?: string): Promise<V1Reply> {
    const id = frameworkId === undefined ? {} : { id: { value: frameworkId } }
    const call = {
      type: "SUBSCRIBE",
      ...(frameworkId === undefined ? {} : { framework_id: { value: frameworkId } }),
      subscribe: {
        framework_info: {
          user: "root",
          name: "v1",
          roles: ["web"],
          capabilities: [{ type: "MULTI_ROLE" }, { type: "RESERVATION_REFINEMENT" }],
          ...id,
          ...info,
        },
      },
    }
    return new Promise((resolve, reject) => {
      const outgoing = this.open(call, {}, (response) => {
        this.response = response
        this.streamId = String(response.headers["mesos-stream-id"])
        let text = ""
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString("latin1")
          for (;;) {
            const newline = text.indexOf("\n")
            const length = Number(text.slice(0, newline))
            if (newline === -1 || text.length < newline + 1 + length) return
            this.take(JSON.parse(text.slice(newline + 1, newline + 1 + length)) as V1Event)
            text = text.slice(newline + 1 + length)
          }
        })
        response.on("close", () => {
          this.isOver = true
        })
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: "" })
      })
      outgoing.on("error", reject)
    })
  }

  private take(event: V1Event): void {
    this.events.push(event)
    if (event.type === "SUBSCRIBED") this.frameworkId = event.subscribed.framework_id.value
    if (event.type === "RESCIND") this.forgetOffer(event.rescind.offer_id.value)
    const ofType = this.waiting.get(event.type)
    if (ofType === undefined) this.waiting.set(event.type, [event])
    else ofType.push(event)
  }

  /** It cannot be used any more, so whoever asks for offers must not get it. */
  private forgetOffer(offerId: string): void {
    const left = (this.waiting.get("OFFERS") ?? []).flatMap((event) => {
      const offers = event.offers.offers.filter(({ id }: V1Event) => id.value !== offerId)
      return offers.length === 0 ? [] : [{ ...event, offers: { ...event.offers, offers } }]
    })
    this.waiting.set("OFFERS", left)
  }

  /**
   * The first event of this type that has not been taken yet. Those of other types wait: they come in any order, and an
   * offer or a status that is passed over stays away until the master takes it back or the agent repeats it.
   */
  async next(type: string, matches: (event: V1Event) => boolean = () => true): Promise<V1Event> {
    for (;;) {
      const ofType = this.waiting.get(type) ?? []
      const index = ofType.findIndex(matches)
      if (index !== -1) return ofType.splice(index, 1)[0]!
      if (this.isOver) {
        throw new Error(
          `the stream is over without ${type}; it had ${this.events.map((event) => event.type)}`,
        )
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Waits until a task has this state, acknowledging each status on the way: only then the next one comes. */
  async status(taskId: string, state: string): Promise<V1Event> {
    for (;;) {
      const event = await this.next("UPDATE", ({ update }) => update.status.task_id.value === taskId)
      await this.acknowledge(event)
      if (event.update.status.state === state) return event.update.status
    }
  }

  async acknowledge({ update }: V1Event): Promise<void> {
    const { agent_id, task_id, uuid } = update.status
    if (uuid === undefined) return
    await this.call({ type: "ACKNOWLEDGE", acknowledge: { agent_id, task_id, uuid } })
  }

  call(call: object, headers: Record<string, string> = {}): Promise<V1Reply> {
    return new Promise((resolve, reject) => {
      const body = { ...call, framework_id: { value: this.frameworkId } }
      const outgoing = this.open(body, { "Mesos-Stream-Id": this.streamId, ...headers }, (response) => {
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString("utf8"),
          }),
        )
      })
      outgoing.on("error", reject)
    })
  }

  launch(
    offer: V1Event,
    task: { id: string; cpus?: number; mem?: number; command: object },
    refuseSeconds = 0,
  ) {
    const scalar = (name: string, value: number) => ({ name, type: "SCALAR", scalar: { value } })
    return this.call({
      type: "ACCEPT",
      accept: {
        offer_ids: [offer.id],
        operations: [
          {
            type: "LAUNCH",
            launch: {
              task_infos: [
                {
                  name: task.id,
                  task_id: { value: task.id },
                  agent_id: offer.agent_id,
                  resources: [scalar("cpus", task.cpus ?? 0.1), scalar("mem", task.mem ?? 32)],
                  command: task.command,
                },
              ],
            },
          },
        ],
        filters: { refuse_seconds: refuseSeconds },
      },
    })
  }

  close(): void {
    this.response?.destroy()
  }

  private open(
    body: object,
    headers: Record<string, string>,
    onResponse: (response: IncomingMessage) => void,
  ) {
    const text = JSON.stringify(body)
    const outgoing = httpRequest(
      `${this.url}/api/v1/scheduler`,
      {
        method: "POST",
        agent: false,
        headers: {
          "Content-Type": "application/json",
          Accept: "application/json",
          Authorization: `Bearer ${this.secret}`,
          "Content-Length": Buffer.byteLength(text),
          ...headers,
        },
      },
      onResponse,
    )
    outgoing.end(text)
    return outgoing
  }
}
