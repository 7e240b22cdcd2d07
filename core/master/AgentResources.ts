import { announcedOf, type Conversion, checkpointedOf, overlapIn } from "../resources/Conversion.ts"
import { resourcesBeyond } from "../resources/Difference.ts"
import { resourcesToMesosText } from "../resources/MesosText.ts"
import {
  addResources,
  containsResources,
  isNoResources,
  type Resources,
  subtractResources,
} from "../resources/Resources.ts"
import type { AgentRecord } from "./State.ts"

// What an agent has: what its flags announce (`base`), and on top of that what was reserved and made while it ran. The master's journal
// is the truth of the latter; the agent keeps a copy, for a master that has lost its journal.

/** The whole of it: `base` with what is checkpointed in the place of what that was made of. Or why the two do not go together. */
export const combineResources = (base: Resources, checkpointed: Resources): Resources | string => {
  const needed = announcedOf(checkpointed)
  const name = overlapIn(checkpointed, needed)
  if (name !== null) {
    return `the same part of ${name} is reserved on it more than once (${resourcesToMesosText(checkpointed)}): unreserve all but one of them first`
  }
  if (containsResources(base, needed)) return addResources(subtractResources(base, needed), checkpointed)
  const missing = resourcesToMesosText(resourcesBeyond(needed, base))
  return `it announces ${missing} less than what is reserved on it and lies in its volumes (${resourcesToMesosText(checkpointed)}): start it with --resources that include them, or unreserve them and destroy the volumes first`
}

/**
 * Kinds of reserved resources, and volumes, on one agent. All of them are stored and sent whole with each operation, so without a bound one
 * framework could make that as large as it likes, for everybody. A host with a hundred frameworks of ten each has not more.
 */
export const checkpointedMax = 1_000

/** Why an agent cannot have what an operation makes; undefined when it can. What does not make it more is never too much. */
export const crowdProblem = (agent: AgentRecord, conversion: Conversion): string | undefined => {
  const count = checkpointedOn(convertAgent(agent, conversion)).length
  return count > checkpointedMax && count > checkpointedOn(agent).length
    ? `The agent would have ${count} different reservations and volumes, more than the ${checkpointedMax} that it may have; unreserve or destroy some first`
    : undefined
}

/** After an operation on it. */
export const convertAgent = (agent: AgentRecord, { consumed, converted }: Conversion): AgentRecord => ({
  ...agent,
  total: addResources(subtractResources(agent.total, consumed), converted),
})

export const checkpointedOn = ({ total }: AgentRecord): Resources => checkpointedOf(total)

export const hasCheckpointed = (agent: AgentRecord): boolean => !isNoResources(checkpointedOn(agent))
