import type { AgentMessage } from "../../core/master/Action.ts"
import type { FrameworkRecord } from "../../core/master/State.ts"
import { actionToEvent, heartbeatEvent, heartbeatMs, type MasterIdentity } from "../mesos/SchedulerEvent.ts"
import type { FrameworkFacts } from "../protocol/AgentProtocol.ts"
import * as AgentProtocol from "../protocol/AgentProtocol.ts"
import type { Outgoing } from "./Mailbox.ts"
import type { NumberedMessage, Outbox } from "./Outbox.ts"
import type { Streams } from "./Streams.ts"

/** One agent's stream, and how far it has come with its messages. */
interface Receiver {
  readonly streamId: string
  /** Number of the last message that was sent. */
  sentId: number
  /** Sent and not yet reported as processed, oldest first. */
  readonly onTheWay: Array<{ readonly id: number; readonly size: number }>
  waitingSize: number
  /** Messages after the sent ones wait for the agent to process those. */
  isFull: boolean
  readonly told: ToldFrameworks
}

/** What of frameworks their agents are told. */
export interface FrameworkBook {
  readonly find: (frameworkId: string) => FrameworkRecord | undefined
  /** Those that have tasks on an agent. */
  readonly idsOn: (agentId: string) => Iterable<string>
}

/** By the framework, what one agent has been told of it. */
type ToldFrameworks = Map<string, FrameworkRecord["info"]>

/** Frameworks that one stream remembers to have told; beyond it they are told again. */
const toldMax = 100

/** What is news for the agent. */
const factsFor = (
  told: ToldFrameworks,
  framework: FrameworkRecord | undefined,
): FrameworkFacts | undefined => {
  if (framework === undefined || told.get(framework.id) === framework.info) return undefined
  if (told.size >= toldMax) told.clear()
  told.set(framework.id, framework.info)
  const { name, user, roles, principal, hostname, webuiUrl, checkpoint, failoverTimeoutMs, capabilities } =
    framework.info
  return {
    ...{ id: framework.id, name, user, roles, principal, hostname, webuiUrl },
    ...{ checkpoint, failoverTimeoutMs, capabilities },
  }
}

const noFrameworks: FrameworkBook = { find: () => undefined, idsOn: () => [] }

/**
 * Text of messages on their way to one agent, in UTF-16 units, before the next ones wait. Even where each unit becomes six
 * bytes, and a last message of a whole request's size comes on top, this stays below the bound at which a stream is cut:
 * an agent for which more waits could otherwise never get any of it.
 */
const windowSize = 1024 * 1024

/** Of a launch; undefined for other messages. */
const frameworkOf = (message: AgentMessage): string | undefined =>
  message.type === "LaunchTask"
    ? message.spec.frameworkId
    : message.type === "LaunchGroup"
      ? message.specs[0]?.frameworkId
      : undefined

/** As `AgentProtocol.MasterRecord` has it. */
const messageRecord = (id: number, json: string, framework: string): string =>
  `{"type":"Message","id":${id},"message":${json}${framework}}`

/** Lets the effects of a batch leave, in order; its transaction is durable by now, and with it all messages up to that number. */
export type Delivery = (effects: ReadonlyArray<Outgoing>, durableId: number) => void

export const makeDelivery = (
  outbox: Outbox,
  streams: Streams,
  identity: MasterIdentity,
  frameworks: FrameworkBook = noFrameworks,
): Delivery => {
  /** The outbox has more: what was stepped since, and may never have been. */
  let durableId = 0
  // An agent's stream takes messages only after its `Registered` record, hence not the one in the state, which may be
  // newer than the effect at hand.
  const receivers = new Map<string, Receiver>()

  const sendToAgent = (streamId: string, record: AgentProtocol.MasterRecord) => streams.send(streamId, record)

  /** `json` is the message's, where it is there already. */
  const sendMessage = (receiver: Receiver, { id, message }: NumberedMessage, json?: string) => {
    if (id <= receiver.sentId) return
    receiver.isFull = receiver.isFull || receiver.waitingSize > windowSize
    if (receiver.isFull) return
    const text = json ?? JSON.stringify(message)
    const launched = frameworkOf(message)
    const facts = launched === undefined ? undefined : factsFor(receiver.told, frameworks.find(launched))
    const framework = facts === undefined ? "" : `,"framework":${JSON.stringify(facts)}`
    const size = text.length + framework.length
    receiver.sentId = id
    receiver.onTheWay.push({ id, size })
    receiver.waitingSize += size
    streams.sendJson(receiver.streamId, messageRecord(id, text, framework))
  }

  const sendWaiting = (agentId: string, receiver: Receiver) => {
    receiver.isFull = false
    for (const item of outbox.pending(agentId, receiver.sentId)) {
      if (item.id > durableId) return
      sendMessage(receiver, item)
    }
  }

  const onProcessed = (agentId: string, upToId: number) => {
    const receiver = receivers.get(agentId)
    if (receiver === undefined) return
    const { onTheWay } = receiver
    const next = onTheWay.findIndex(({ id }) => id > upToId)
    for (const { size } of onTheWay.splice(0, next === -1 ? onTheWay.length : next))
      receiver.waitingSize -= size
    if (receiver.isFull) sendWaiting(agentId, receiver)
  }

  const confirmRegistration = (agentId: string, streamId: string) => {
    const told: ToldFrameworks = new Map()
    const receiver: Receiver = { streamId, sentId: 0, onTheWay: [], waitingSize: 0, isFull: false, told }
    receivers.set(agentId, receiver)
    const paceMs = streams.paceMs(streamId) ?? AgentProtocol.heartbeatMs
    const known = [...frameworks.idsOn(agentId)].flatMap((id) => factsFor(told, frameworks.find(id)) ?? [])
    sendToAgent(streamId, {
      type: "Registered",
      masterId: identity.masterId,
      agentId,
      streamId,
      ...(paceMs === AgentProtocol.heartbeatMs ? {} : { paceMs }),
      ...(known.length === 0 ? {} : { frameworks: known }),
    })
    sendWaiting(agentId, receiver)
    const heartbeat: AgentProtocol.MasterRecord = { type: "Heartbeat" }
    streams.repeat(streamId, heartbeat, AgentProtocol.heartbeatMs)
  }

  const carryOut = (effect: Outgoing): void => {
    switch (effect.type) {
      case "ConfirmSubscription":
        streams.send(effect.streamId, actionToEvent(effect, identity) ?? {})
        // The first heartbeat follows at once (spec/mesos.md §2.5).
        return streams.repeat(effect.streamId, heartbeatEvent, heartbeatMs)
      case "RefuseSubscription":
        streams.send(effect.streamId, actionToEvent(effect, identity) ?? {})
        return streams.end(effect.streamId)
      case "CloseStream":
        return streams.end(effect.streamId)
      case "ConfirmRegistration":
        return confirmRegistration(effect.agentId, effect.streamId)
      case "RefuseRegistration":
        sendToAgent(effect.streamId, { type: "Refused", reason: effect.reason })
        return streams.end(effect.streamId)
      case "ShutDownAgent":
        sendToAgent(effect.streamId, { type: "ShutDown", reason: effect.reason })
        return streams.end(effect.streamId)
      case "DropMessages":
        receivers.delete(effect.agentId)
        return
      case "MessagesProcessed":
        return onProcessed(effect.agentId, effect.upToId)
      case "DeliverMessage": {
        const receiver = receivers.get(effect.agentId)
        if (receiver !== undefined) sendMessage(receiver, effect, effect.json)
        return
      }
      default: {
        const event = actionToEvent(effect, identity)
        if (event !== undefined) streams.send(effect.streamId, event)
      }
    }
  }

  return (effects, upToId) => {
    durableId = upToId
    for (const effect of effects) carryOut(effect)
  }
}
