import { Effect, type Scope } from "effect"
import type { AgentAction } from "../../core/agent/Action.ts"
import { defaultAgentSettings } from "../../core/agent/State.ts"
import { type Agent, type MasterPosition, makeAgent, recoverAgent } from "../../runtime/agent/Agent.ts"
import type { Journal } from "../../runtime/journal/Journal.ts"
import * as MemoryJournal from "../../runtime/journal/MemoryJournal.ts"

export interface AgentFixtureOptions {
  readonly journal?: Journal["Type"]
  readonly carryOut?: (action: AgentAction, agent: Agent) => Effect.Effect<void>
}

/** An agent's shell over a journal in memory, or over the one that another agent has left. */
export const openAgent = (options: AgentFixtureOptions = {}): Effect.Effect<Agent, never, Scope.Scope> =>
  Effect.gen(function* () {
    const journal = options.journal ?? (yield* MemoryJournal.make())
    const recovered = yield* recoverAgent(journal, "seed", defaultAgentSettings)
    return yield* makeAgent(journal, recovered, options.carryOut ?? (() => Effect.void))
  }).pipe(Effect.orDie)

/** A journal in memory that an agent with this id and position has left. */
export const leftBy = (agentId: string, position: MasterPosition) =>
  Effect.gen(function* () {
    const journal = yield* MemoryJournal.make()
    yield* Effect.scoped(
      Effect.gen(function* () {
        const agent = yield* openAgent({ journal })
        agent.submitOfMaster({ type: "Registered", agentId }, position)
        yield* settled(agent)
      }),
    )
    return journal
  }).pipe(Effect.orDie)

/** Returns when all that was submitted is durable and what followed from it has been started. */
export const settled = (agent: Agent): Effect.Effect<void> => agent.whenDurable(() => {})

export const until = (isSo: () => boolean): Effect.Effect<void, Error> =>
  Effect.sync(isSo).pipe(
    Effect.delay(5),
    Effect.repeat({ until: (value) => value }),
    Effect.timeoutFail({ duration: 10_000, onTimeout: () => new Error(`never: ${isSo.toString()}`) }),
    Effect.asVoid,
  )
