import { Cause, Deferred, Effect, FiberSet, type Scope } from "effect"
import type { AgentAction } from "../../core/agent/Action.ts"
import type { AgentEvent } from "../../core/agent/Event.ts"
import { agentEntity, restoreAgent } from "../../core/agent/Snapshot.ts"
import { type AgentSettings, type AgentState, initialAgentState } from "../../core/agent/State.ts"
import { stepAgent } from "../../core/agent/Step.ts"
import type { Unstamped } from "../../core/Machine.ts"
import type { TaskSpec } from "../../core/Task.ts"
import { digestActions } from "../journal/ActionsDigest.ts"
import type { Batch, EntityChange, Journal, JournalError, JournaledEvent } from "../journal/Journal.ts"
import { type MachineClock, startMachineClock } from "../MachineClock.ts"

export type UnstampedEvent = Unstamped<AgentEvent>

/** How far this agent has come with the messages of its master. */
export interface MasterPosition {
  /** The master whose messages are counted; another one counts from its own start. Null before the first. */
  readonly masterId: string | null
  /** Number of the last message of that master that was taken in; 0 = none. */
  readonly processedId: number
}

/**
 * The agent's machine with its clock, its mailbox and its checkpoints: what follows from an event leaves only when the
 * event is durable, and the master is told nothing that is not.
 */
export interface Agent {
  /** For reading only, and only at once: it changes with every event, and is ahead of the disk. */
  readonly state: AgentState
  /** Takes an event in, for the next batch. */
  readonly submit: (event: UnstampedEvent) => void
  /** The same for what a master said; the position becomes durable together with the event that it caused. */
  readonly submitOfMaster: (event: UnstampedEvent, position: MasterPosition) => void
  /** Of the last thing that was submitted, durable or not: what comes before it on a stream was taken in already. */
  readonly acceptedPosition: () => MasterPosition
  readonly durablePosition: () => MasterPosition
  /** Whether more of the master can be taken in; what comes from this host always can. */
  readonly hasRoom: () => boolean
  /** Once all that was submitted before is durable: reads what is true then, of memory and disk alike. */
  readonly whenDurable: <A>(read: (state: AgentState) => A) => Effect.Effect<A>
  /** Calls after every batch that has become durable, with what changed in it. */
  readonly onDurable: (listener: (changes: ReadonlyArray<EntityChange>) => void) => void
  /** Fails when the journal does: nothing is taken in any more, and the tasks run on without this process. */
  readonly failed: Effect.Effect<never, JournalError>
}

export interface RecoveredAgent {
  readonly state: AgentState
  readonly position: MasterPosition
}

/** Row of the position, beside those of the machine. */
const positionRef = { kind: "master", key: "position" } as const

/** What the last life of this agent left, or a new agent. `seed` as for `initialAgentState`. */
export const recoverAgent = (
  journal: Journal["Type"],
  seed: string,
  settings: AgentSettings,
): Effect.Effect<RecoveredAgent, JournalError> =>
  Effect.map(journal.recover, ({ entities }) => {
    const row = entities.find(({ kind }) => kind === positionRef.kind)
    return {
      state: restoreAgent(entities, settings) ?? initialAgentState(null, seed, settings),
      position: (row?.value as MasterPosition | undefined) ?? { masterId: null, processedId: 0 },
    }
  })

interface Mail {
  readonly event?: UnstampedEvent
  readonly position?: MasterPosition
  readonly read?: () => void
}

/** Mails waiting for a step, before the master has to wait. */
const mailboxCapacity = 10_000

/** Longest wait of a Node timer; a later deadline is looked at again then. */
const timerMsMax = 2 ** 31 - 1

/**
 * The event as it is kept for people. What a task executes stays with its row and goes with it: environments may hold
 * secrets, and a thousand commands would take more room than all tasks.
 */
const toRecord = (event: AgentEvent): object => {
  if (event.type === "LaunchRequested") return { ...event, spec: toSpecRecord(event.spec) }
  if (event.type === "GroupLaunchRequested") return { ...event, specs: event.specs.map(toSpecRecord) }
  return event
}

const toSpecRecord = ({ frameworkId, taskId, resources }: TaskSpec): object => ({
  frameworkId,
  taskId,
  resources,
})

/** What came of a batch of mails: to be made durable first, then carried out. */
interface Processed {
  readonly batch: Batch
  readonly actions: ReadonlyArray<AgentAction>
  readonly position: MasterPosition | undefined
}

const processMails = (state: AgentState, clock: MachineClock, mails: ReadonlyArray<Mail>): Processed => {
  const events: Array<JournaledEvent> = []
  const actions: Array<AgentAction> = []
  const changes = new Map<string, EntityChange>()
  let position: MasterPosition | undefined
  const step = (unstamped: UnstampedEvent) => {
    const event = { ...unstamped, nowMs: clock.nowMs(), wallMs: clock.wallMs() } as AgentEvent
    const result = stepAgent(state, event)
    events.push({ atMs: event.nowMs, event: toRecord(event), actionsDigest: digestActions(result.actions) })
    for (const ref of result.changed) {
      changes.set(`${ref.kind} ${ref.key}`, { ...ref, value: agentEntity(state, ref) })
    }
    actions.push(...result.actions)
  }
  for (const mail of mails) {
    if (mail.event !== undefined) step(mail.event)
    position = mail.position ?? position
  }
  const wakeAtMs = state.deadlines.nextAtMs()
  if (wakeAtMs !== null && wakeAtMs <= clock.nowMs()) step({ type: "TimePassed" })
  if (position !== undefined) changes.set("position", { ...positionRef, value: position })
  return {
    batch: { events, changes: [...changes.values()], outbox: [], delivered: [] },
    actions,
    position,
  }
}

/**
 * Runs the agent machine from where the journal stopped. Batch by batch: steps what waits, appends it, and then starts
 * the actions in their order; `carryOut` takes its time as a fiber and must not fail. The scope's end stops all of it
 * at once, without a word to the tasks.
 */
export const makeAgent = (
  journal: Journal["Type"],
  recovered: RecoveredAgent,
  carryOut: (action: AgentAction, agent: Agent) => Effect.Effect<void>,
): Effect.Effect<Agent, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { state } = recovered
    const clock = startMachineClock(state.nowMs)
    const start = yield* FiberSet.makeRuntime<never, void, never>()
    const failed = yield* Deferred.make<never, JournalError>()
    const listeners: Array<(changes: ReadonlyArray<EntityChange>) => void> = []
    let accepted = recovered.position
    let durable = recovered.position
    let waiting: Array<Mail> = []
    let wake = () => {}
    let timer: NodeJS.Timeout | undefined

    const post = (mail: Mail) => {
      waiting.push(mail)
      wake()
    }

    // One turn of the event loop passes, so that companions share the synchronisation of the disk.
    const nextMails = Effect.async<ReadonlyArray<Mail>>((resume) => {
      const take = () => {
        wake = () => {}
        setImmediate(() => {
          const mails = waiting
          waiting = []
          resume(Effect.succeed(mails))
        })
      }
      if (waiting.length > 0) take()
      else wake = take
    })

    const setTimer = () => {
      clearTimeout(timer)
      const wakeAtMs = state.deadlines.nextAtMs()
      if (wakeAtMs === null) return
      const waitMs = Math.min(Math.max(0, wakeAtMs - clock.nowMs()), timerMsMax)
      // Without an event: whatever is due by then is stepped with every batch.
      timer = setTimeout(() => post({}), waitMs)
    }

    const agent: Agent = {
      state,
      submit: (event) => post({ event }),
      submitOfMaster: (event, position) => {
        accepted = position
        post({ event, position })
      },
      acceptedPosition: () => accepted,
      durablePosition: () => durable,
      hasRoom: () => waiting.length < mailboxCapacity,
      whenDurable: (read) =>
        Effect.async((resume) =>
          post({
            read: () => {
              const found = read(state)
              resume(Effect.succeed(found))
            },
          }),
        ),
      onDurable: (listener) => {
        listeners.push(listener)
      },
      failed: Deferred.await(failed),
    }

    const takeBatch = Effect.gen(function* () {
      const mails = yield* nextMails
      const { batch, actions, position } = processMails(state, clock, mails)
      if (batch.events.length > 0) yield* journal.append(batch)
      durable = position ?? durable
      for (const action of actions) start(logged(carryOut(action, agent)))
      setTimer()
      for (const { read } of mails) read?.()
      for (const listener of listeners) listener(batch.changes)
    })

    yield* Effect.addFinalizer(() => Effect.sync(() => clearTimeout(timer)))
    yield* Effect.forever(takeBatch).pipe(
      Effect.catchAllCause((cause) => Deferred.failCause(failed, cause)),
      Effect.forkScoped,
    )
    setTimer()
    return agent
  })

/** A defect of one action must be seen, and must not end the others. */
const logged = (action: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.catchAllCause(action, (cause) =>
    Cause.isInterruptedOnly(cause) ? Effect.void : Effect.logError("an action was not carried out", cause),
  )
