import type { AgentMessage } from "../../core/master/Action.ts"
import { type OperationRef, operationKey } from "../../core/master/Operation.ts"
import { type TaskSpec, taskKey } from "../../core/Task.ts"
import type { OutboxItem } from "../journal/Journal.ts"

/** A message to an agent with the number under which it is delivered, repeated and acknowledged. */
export interface NumberedMessage {
  readonly id: number
  readonly message: AgentMessage
}

/**
 * Messages to agents that were decided but not yet reported as processed. The journal holds the same items; this is
 * the copy in memory that is sent from. Numbers increase over the life of the journal, so an agent can drop what it
 * has seen.
 */
export interface Outbox {
  /** Takes a message in, to be made durable with the batch that holds its cause. */
  readonly add: (agentId: string, message: AgentMessage) => OutboxItem
  /**
   * Drops what the agent has processed; true when anything was dropped. Later messages get higher numbers than what it
   * has processed, also when this journal never gave that one: it was restored from an older copy, and the agent would
   * drop what is numbered below.
   */
  readonly processed: (agentId: string, upToId: number) => boolean
  /** What is still on its way to an agent that has processed everything up to `afterId`. */
  readonly pending: (agentId: string, afterId: number) => ReadonlyArray<NumberedMessage>
  /** Keys of tasks whose launch is among {@link pending}. */
  readonly launching: (agentId: string, afterId: number) => ReadonlyArray<string>
  /** Uuids of statuses whose acknowledgement is among {@link pending}. */
  readonly acknowledging: (agentId: string, afterId: number) => ReadonlyArray<string>
  /** Keys of tasks whose kill is among {@link pending}. */
  readonly killing: (agentId: string, afterId: number) => ReadonlyArray<string>
  /** Keys of operations among {@link pending}. */
  readonly converting: (agentId: string, afterId: number) => ReadonlyArray<string>
  /** Drops everything that waits for an agent. */
  readonly drop: (agentId: string) => void
  readonly size: () => number
  /** The greatest number that was ever given; 0 = none yet. */
  readonly lastId: () => number
}

type MessageOf<Type extends AgentMessage["type"]> = Extract<AgentMessage, { readonly type: Type }>

/** No journal gives so many; a number beyond it is no number of a message. */
const idMax = 2 ** 52

/** The tasks that a message launches, alone or in a group. */
export const launchedBy = (message: AgentMessage): ReadonlyArray<TaskSpec> => {
  if (message.type === "LaunchTask") return [message.spec]
  return message.type === "LaunchGroup" ? message.specs : []
}

/** More than are given in a millisecond, over the life of a process. */
const idsPerMs = 100

/**
 * Where a process that starts at `wallMs` begins to number: above whatever an earlier one has given, also one of which this journal
 * knows nothing, as it was restored from an older copy. An agent would take what is numbered below for old, and drop it. A clock
 * that is millennia ahead, or behind the last process's, is no help, and does no harm.
 */
export const firstIdAt = (wallMs: number): number => {
  const id = Math.floor(wallMs) * idsPerMs
  return Number.isSafeInteger(id) && id > 0 && id < idMax / 2 ? id : 1
}

const operationsOf = ({
  operation,
  operations,
}: MessageOf<"CheckpointResources">): ReadonlyArray<OperationRef> =>
  operations ?? (operation === null ? [] : [operation])

/** `lastId` = the greatest number that the journal knows; the next one is above it, and at least `firstId`. */
export const makeOutbox = (
  recovered: ReadonlyArray<OutboxItem>,
  lastId: number,
  firstId = lastId + 1,
): Outbox => {
  const queues = new Map<string, Array<NumberedMessage>>()
  let givenId = lastId
  let nextId = Math.max(lastId + 1, firstId)
  const queueOf = (agentId: string): Array<NumberedMessage> => {
    const queue = queues.get(agentId) ?? []
    queues.set(agentId, queue)
    return queue
  }
  for (const { id, to, message } of recovered) queueOf(to).push({ id, message: message as AgentMessage })
  const pending: Outbox["pending"] = (agentId, afterId) =>
    (queues.get(agentId) ?? []).filter((item) => item.id > afterId)
  return {
    add: (agentId, message) => {
      givenId = nextId++
      const item = { id: givenId, message }
      queueOf(agentId).push(item)
      return { id: item.id, to: agentId, message }
    },
    processed: (agentId, upToId) => {
      if (Number.isSafeInteger(upToId) && upToId < idMax) nextId = Math.max(nextId, upToId + 1)
      const queue = queues.get(agentId)
      if (queue === undefined || queue[0] === undefined || queue[0].id > upToId) return false
      const left = queue.filter((item) => item.id > upToId)
      if (left.length === 0) queues.delete(agentId)
      else queues.set(agentId, left)
      return true
    },
    pending,
    launching: (agentId, afterId) =>
      pending(agentId, afterId).flatMap(({ message }) =>
        launchedBy(message).map(({ frameworkId, taskId }) => taskKey(frameworkId, taskId)),
      ),
    acknowledging: (agentId, afterId) =>
      pending(agentId, afterId).flatMap(({ message }) =>
        message.type === "AcknowledgeStatus" ? [message.uuid] : [],
      ),
    killing: (agentId, afterId) =>
      pending(agentId, afterId).flatMap(({ message }) =>
        message.type === "KillTask" ? [taskKey(message.frameworkId, message.taskId)] : [],
      ),
    converting: (agentId, afterId) =>
      pending(agentId, afterId).flatMap(({ message }) =>
        message.type === "CheckpointResources" ? operationsOf(message).map(operationKey) : [],
      ),
    drop: (agentId) => {
      queues.delete(agentId)
    },
    size: () => [...queues.values()].reduce((sum, queue) => sum + queue.length, 0),
    lastId: () => givenId,
  }
}
