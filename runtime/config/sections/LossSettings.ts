import { duration, rateOrOff, whole } from "../Kinds.ts"

const dayMs = 24 * 3_600_000

/** What becomes of agents that stay away. Names and defaults are Mesos's, where Mesos has them. */
export const lossSettings = {
  agentTimeout: duration(
    1_000,
    3_600_000,
  )({
    meaning: "Tell frameworks that an agent and its tasks are unreachable when it is away for this long",
    initial: 75_000,
  }),
  registryMaxAgentAge: duration(
    60_000,
    365 * dayMs,
  )({
    meaning: "Forget an unreachable agent with its tasks after this long",
    initial: 14 * dayMs,
  }),
  registryMaxAgentCount: whole(
    1,
    1_000_000,
  )({
    meaning: "Unreachable agents to remember, and as many that are gone; beyond it the oldest are forgotten",
    initial: 102_400,
  }),
  agentRemovalRateLimit: rateOrOff({
    meaning:
      "Forget at most so many unreachable agents in so much time; frameworks are always told of a loss at once",
    initial: null,
    initialText: "100/1m",
  }),
}
