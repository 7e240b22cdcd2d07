import { actionToEvent, heartbeatEvent, heartbeatMs, type MasterIdentity } from "../mesos/SchedulerEvent.ts"
import * as AgentProtocol from "../protocol/AgentProtocol.ts"
import type { Outgoing } from "./Mailbox.ts"
import type { Outbox } from "./Outbox.ts"
import type { Streams } from "./Streams.ts"

/** Lets effects leave, in order; their transaction is durable by now. */
export const makeDelivery = (outbox: Outbox, streams: Streams, identity: MasterIdentity) => {
  // An agent's stream takes messages only after its `Registered` record, hence not the one in the state, which may be
  // newer than the effect at hand.
  const streamIdsByAgent = new Map<string, string>()

  const sendToAgent = (streamId: string, record: AgentProtocol.MasterRecord) => streams.send(streamId, record)

  const confirmRegistration = (agentId: string, streamId: string) => {
    streamIdsByAgent.set(agentId, streamId)
    sendToAgent(streamId, { type: "Registered", masterId: identity.masterId, agentId, streamId })
    // This may include what a later effect of the same batch sends again: the agent drops what it sees twice.
    for (const { id, message } of outbox.pending(agentId, 0)) {
      sendToAgent(streamId, { type: "Message", id, message })
    }
    const heartbeat: AgentProtocol.MasterRecord = { type: "Heartbeat" }
    streams.repeat(streamId, heartbeat, AgentProtocol.heartbeatMs)
  }

  return (effect: Outgoing): void => {
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
      case "DropMessages":
        streamIdsByAgent.delete(effect.agentId)
        return
      case "DeliverMessage": {
        const { agentId, id, message } = effect
        const streamId = streamIdsByAgent.get(agentId)
        if (streamId !== undefined) sendToAgent(streamId, { type: "Message", id, message })
        return
      }
      default: {
        const event = actionToEvent(effect, identity)
        if (event !== undefined) streams.send(effect.streamId, event)
      }
    }
  }
}
