import type { Unstamped } from "../../core/Machine.ts"
import type { AgentMessage, MasterAction } from "../../core/master/Action.ts"
import { type CallRefusal, refuseCall } from "../../core/master/Admission.ts"
import type { MasterEvent } from "../../core/master/Event.ts"
import { nextAllocationAtMs } from "../../core/master/Offers.ts"
import { masterEntity } from "../../core/master/Snapshot.ts"
import type { MasterState } from "../../core/master/State.ts"
import { stepMaster } from "../../core/master/Step.ts"
import { digestActions } from "../journal/ActionsDigest.ts"
import type { Batch, Delivery, JournaledEvent, OutboxItem } from "../journal/Journal.ts"
import type { MachineClock } from "../MachineClock.ts"
import type { Changes } from "./ClusterEvents.ts"
import type { Outbox } from "./Outbox.ts"

export type UnstampedEvent = Unstamped<MasterEvent>

/** Who says to be a framework, and by what it is known. */
export interface CallingFramework {
  readonly frameworkId: string
  readonly streamId: string | null
  readonly principal: string | null
}

/** Something for the master to take in. */
export interface Mail {
  /** Asked for right before the step, so that it can depend on the state; undefined = nothing to step. Several are
   * stepped one after the other, and taken into one transaction. */
  readonly event: (
    state: MasterState,
    outbox: Outbox,
  ) => UnstampedEvent | ReadonlyArray<UnstampedEvent> | undefined
  /** For a framework's call: judged right before the step. */
  readonly caller: CallingFramework | undefined
  /** What an agent has processed of its messages. */
  readonly processed: Delivery | undefined
}

/** An action that is ready to leave; messages to agents have their number. */
export type Outgoing =
  | Exclude<MasterAction, { readonly type: "SendToAgent" }>
  | {
      readonly type: "DeliverMessage"
      readonly agentId: string
      readonly id: number
      readonly message: AgentMessage
      /** The message as JSON, which its journal row and its record share. */
      readonly json: string
    }
  /** The agent has taken these in; there is room for what waits behind them. */
  | { readonly type: "MessagesProcessed"; readonly agentId: string; readonly upToId: number }

/** A mail whose own part threw, before anything of it was stepped: a defect of who posted it, and nobody else's matter. */
export interface MailFailure {
  readonly type: "MailFailure"
  readonly defect: unknown
}

/** What came of a batch of mails: to be made durable first, then carried out. */
export interface Processed {
  readonly batch: Batch
  readonly effects: ReadonlyArray<Outgoing>
  /** For each mail, in order: why it was refused, or undefined. */
  readonly refusals: ReadonlyArray<CallRefusal | MailFailure | undefined>
  /** Number of the last message so far: all up to it are durable when the batch is. */
  readonly lastMessageId: number
  readonly wakeAtMs: number | null
  /** The allocation cycle that ran, if one did. */
  readonly cycle: CycleTime | undefined
}

/** How long an allocation cycle was overdue, in whole ms, and how long the step took that ran it, with whatever else was due then. */
export interface CycleTime {
  readonly overdueMs: number
  readonly tookMs: number
}

/**
 * Steps the machine through a batch of mails and, when it wants to be woken by now, once more by `TimePassed`: so one
 * allocation cycle serves the whole batch. Synchronous: nothing else can touch the state in between. `observe` is told what each
 * step has changed, right after it. Throws what a step throws: a broken invariant.
 */
export const processMails = (
  state: MasterState,
  outbox: Outbox,
  clock: MachineClock,
  mails: ReadonlyArray<Mail>,
  observe: (changes: Changes) => void = () => {},
): Processed => {
  const events: Array<JournaledEvent> = []
  const effects: Array<Outgoing> = []
  const items: Array<OutboxItem> = []
  const delivered: Array<Delivery> = []
  const changes = new Map<string, { kind: string; key: string; value: unknown }>()
  let wakeAtMs: number | null = state.deadlines.nextAtMs()
  let cycle: CycleTime | undefined

  const step = (unstamped: UnstampedEvent) => {
    const event = { ...unstamped, nowMs: clock.nowMs(), wallMs: clock.wallMs() } as MasterEvent
    const result = stepMaster(state, event)
    events.push({ atMs: event.nowMs, event, actionsDigest: digestActions(result.actions) })
    for (const ref of result.changed) {
      changes.set(`${ref.kind} ${ref.key}`, { ...ref, value: masterEntity(state, ref) })
    }
    observe({ changed: result.changed, wallMs: event.wallMs })
    for (const action of result.actions) {
      if (action.type === "DropMessages") {
        outbox.drop(action.agentId)
        // Not as `dropped`, which would also take what this batch sends it later on.
        delivered.push({ to: action.agentId, upToId: outbox.lastId() })
      }
      if (action.type !== "SendToAgent") {
        effects.push(action)
        continue
      }
      const { agentId, message } = action
      const json = JSON.stringify(message)
      const item = outbox.add(agentId, message)
      items.push({ ...item, json })
      effects.push({ type: "DeliverMessage", agentId, id: item.id, message, json })
    }
    wakeAtMs = result.wakeAtMs
  }

  const take = ({ event, caller, processed }: Mail): CallRefusal | MailFailure | undefined => {
    if (processed !== undefined && outbox.processed(processed.to, processed.upToId)) {
      const { to } = processed
      // No further than what there is: whatever comes later in this batch is not meant.
      delivered.push({ to, upToId: Math.min(processed.upToId, outbox.lastId()) })
      effects.push({ type: "MessagesProcessed", agentId: to, upToId: processed.upToId })
    }
    let given: ReturnType<Mail["event"]>
    try {
      const refusal = caller && refuseCall(state, caller.frameworkId, caller.streamId, caller.principal)
      if (refusal !== undefined) return refusal
      given = event(state, outbox)
    } catch (defect) {
      return { type: "MailFailure", defect }
    }
    const unstamped = given === undefined ? [] : "type" in given ? [given] : given
    for (const each of unstamped) step(each)
    return undefined
  }

  const refusals = mails.map(take)
  if (wakeAtMs !== null && wakeAtMs <= clock.nowMs()) {
    const dueAtMs = nextAllocationAtMs(state)
    const startedMs = performance.now()
    step({ type: "TimePassed" })
    if (dueAtMs !== null && dueAtMs <= state.nowMs)
      cycle = { overdueMs: state.nowMs - dueAtMs, tookMs: performance.now() - startedMs }
  }

  return {
    batch: { events, changes: [...changes.values()], outbox: items, delivered },
    effects,
    refusals,
    lastMessageId: outbox.lastId(),
    wakeAtMs,
    cycle,
  }
}
