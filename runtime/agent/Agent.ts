import { Effect, Runtime, type Scope } from "effect"
import type { AgentAction } from "../../core/agent/Action.ts"
import type { AgentEvent } from "../../core/agent/Event.ts"
import type { AgentState } from "../../core/agent/State.ts"
import { stepAgent } from "../../core/agent/Step.ts"
import type { Unstamped } from "../../core/Machine.ts"
import { startMachineClock } from "../MachineClock.ts"

export type UnstampedEvent = Unstamped<AgentEvent>

/** The agent's machine with its clock and its mailbox. */
export interface Agent {
  /** For reading only, and only at once: it changes with every event. */
  readonly state: AgentState
  /** Takes an event in; what follows from it is carried out before this returns, unless called from there. */
  readonly submit: (event: UnstampedEvent) => void
}

/** Longest wait of a Node timer; a later deadline is looked at again then. */
const timerMsMax = 2 ** 31 - 1

/**
 * Runs the agent machine: events in order, one at a time, actions carried out in order after each. `carryOut` starts
 * what takes time as a fiber; it must not fail.
 */
export const makeAgent = (
  state: AgentState,
  carryOut: (action: AgentAction, agent: Agent) => Effect.Effect<void>,
): Effect.Effect<Agent, never, Scope.Scope> =>
  Effect.gen(function* () {
    const runFork = Runtime.runFork(yield* Effect.runtime<never>())
    const clock = startMachineClock(state.nowMs)
    const waiting: Array<UnstampedEvent> = []
    let isStepping = false
    let timer: NodeJS.Timeout | undefined
    let isOver = false

    const wakeAt = (wakeAtMs: number | null) => {
      clearTimeout(timer)
      if (wakeAtMs === null || isOver) return
      const waitMs = Math.min(Math.max(0, wakeAtMs - clock.nowMs()), timerMsMax)
      timer = setTimeout(() => agent.submit({ type: "TimePassed" }), waitMs)
    }

    const agent: Agent = {
      state,
      submit: (event) => {
        waiting.push(event)
        if (isStepping) return
        isStepping = true
        try {
          for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
            const stamped = { ...next, nowMs: clock.nowMs(), wallMs: clock.wallMs() } as AgentEvent
            const { actions, wakeAtMs } = stepAgent(state, stamped)
            for (const action of actions) runFork(carryOut(action, agent))
            wakeAt(wakeAtMs)
          }
        } finally {
          isStepping = false
        }
      },
    }
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        isOver = true
        clearTimeout(timer)
      }),
    )
    return agent
  })
