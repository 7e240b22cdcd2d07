import { CallConnection, fieldOfHead, StreamConnection, statusOfHead } from "./Connection.ts"
import type { Emulation } from "./Emulation.ts"

/** Which tasks want to run now, for all frameworks together. */
export interface Demand {
  /** Takes up to `most` of them: when each was wanted, in ms. */
  readonly take: (most: number) => ReadonlyArray<number>
}

interface HeldOffer {
  readonly id: string
  readonly agentId: string
  /** Tasks that fit. */
  readonly room: number
}

const path = "/api/v1/scheduler"

/**
 * A v1 framework: takes as many tasks as are wanted into each offer, keeps the offers for which it has none, and acknowledges every
 * status at once, each by a call of its own.
 */
export class EmulatedFramework {
  readonly subscribed: Promise<void>
  /** Of the stream; heartbeats too. */
  events = 0
  offers = 0
  private frameworkId = ""
  private streamField = ""
  private held: Array<HeldOffer> = []
  private readonly calls: CallConnection

  constructor(
    private readonly emulation: Emulation,
    index: number,
    private readonly demand: Demand,
    knownId?: string,
  ) {
    const { port, fields, fail } = emulation
    this.calls = new CallConnection(port, fields, (why) => fail(`a framework's calls: ${why}`))
    let onSubscribed = () => {}
    this.subscribed = new Promise((resolve) => {
      onSubscribed = resolve
    })
    const stream = new StreamConnection(
      port,
      path,
      `${fields}Accept: application/json\r\n`,
      subscribeText(index, knownId),
      {
        onHead: (head) => {
          if (statusOfHead(head) !== 200) fail(`a framework may not subscribe: ${head}`)
          this.streamField = `Mesos-Stream-Id: ${fieldOfHead(head, "mesos-stream-id")}\r\n`
        },
        onRecord: (text) => {
          this.events++
          this.take(text, onSubscribed)
        },
        onOver: (why) => fail(`the stream of a framework is over: ${why}`),
      },
    )
    emulation.onClose(() => {
      stream.close()
      this.calls.close()
    })
  }

  get holds(): number {
    return this.held.length
  }

  /** Uses the offers that it has for what is wanted. */
  useOffers(): void {
    let used = 0
    for (const offer of this.held) {
      const wanted = this.demand.take(offer.room)
      if (wanted.length === 0) break
      used++
      this.accept(offer, wanted)
    }
    if (used > 0) this.held = this.held.slice(used)
  }

  private take(text: string, onSubscribed: () => void): void {
    // biome-ignore lint/suspicious/noExplicitAny: JSON of a foreign protocol
    const event = JSON.parse(text) as any
    switch (event.type) {
      case "SUBSCRIBED":
        this.frameworkId = event.subscribed.framework_id.value
        return onSubscribed()
      case "OFFERS":
        for (const offer of event.offers.offers) this.keep(offer)
        return this.useOffers()
      case "RESCIND": {
        const { value } = event.rescind.offer_id
        this.held = this.held.filter(({ id }) => id !== value)
        return
      }
      case "UPDATE":
        return this.acknowledge(event.update.status)
      case "HEARTBEAT":
        return
      default:
        this.emulation.fail(`a framework was told ${text}`)
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: the same
  private keep(offer: any): void {
    this.offers++
    const cpus = offer.resources.find((resource: { name: string }) => resource.name === "cpus")
    const room = Math.floor(cpus?.scalar.value ?? 0)
    if (room > 0) this.held.push({ id: offer.id.value, agentId: offer.agent_id.value, room })
  }

  private accept({ id, agentId }: HeldOffer, wanted: ReadonlyArray<number>): void {
    const nowMs = performance.now()
    const tasks = wanted.map((wantedAtMs) => {
      const taskId = this.emulation.ledger.launch(wantedAtMs, nowMs)
      return (
        `{"name":"${taskId}","task_id":{"value":"${taskId}"},"agent_id":{"value":"${agentId}"},"resources":[` +
        `{"name":"cpus","type":"SCALAR","scalar":{"value":1}},{"name":"mem","type":"SCALAR","scalar":{"value":64}}],` +
        `"command":{"shell":false,"value":"/bin/true","arguments":["true"]}}`
      )
    })
    this.call(
      `"type":"ACCEPT","accept":{"offer_ids":[{"value":"${id}"}],"operations":[{"type":"LAUNCH","launch":{"task_infos":[${tasks.join()}]}}],"filters":{"refuse_seconds":0}}`,
    )
  }

  private acknowledge(status: {
    readonly task_id: { readonly value: string }
    readonly agent_id: { readonly value: string }
    readonly state: string
    readonly uuid?: string
    readonly message?: string
  }): void {
    const { ledger } = this.emulation
    const { task_id, agent_id, state, uuid } = status
    ledger.told(task_id.value, state, status.message)
    if (uuid === undefined) return
    this.call(
      `"type":"ACKNOWLEDGE","acknowledge":{"agent_id":{"value":"${agent_id.value}"},"task_id":{"value":"${task_id.value}"},"uuid":"${uuid}"}`,
      () => ledger.acknowledged(task_id.value, state),
    )
  }

  private call(fields: string, onTaken: () => void = () => {}): void {
    const body = `{"framework_id":{"value":"${this.frameworkId}"},${fields}}`
    this.calls.post(
      path,
      body,
      ({ status, body: text }) => {
        if (status !== 202) this.emulation.fail(`a call was answered ${status}: ${text}`)
        else onTaken()
      },
      this.streamField,
    )
  }
}

const subscribeText = (index: number, knownId: string | undefined): string => {
  const id = knownId === undefined ? "" : `"id":{"value":"${knownId}"},`
  const call = knownId === undefined ? "" : `"framework_id":{"value":"${knownId}"},`
  return (
    `{"type":"SUBSCRIBE",${call}"subscribe":{"framework_info":{${id}"user":"nobody","name":"emulated-${index}","roles":["role-${index}"],` +
    `"failover_timeout":3600,"capabilities":[{"type":"MULTI_ROLE"},{"type":"RESERVATION_REFINEMENT"},{"type":"PARTITION_AWARE"}]}}}`
  )
}
