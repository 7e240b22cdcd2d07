import { containsQuantities, isNoQuantities, smallerQuantities } from "../resources/Quantities.ts"
import { plainQuantities } from "../resources/Resources.ts"
import { type MasterContext, offersOfAgent, putAgent } from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import { compareAge, rescindOffer, wantAllocation } from "./Offers.ts"

// What monitors keep for the business work of their hosts (design §5): a dynamic reservation for the role `primary`.

/**
 * Takes the reserve that an agent's monitor wants: what is free at once, then what is only offered, which is rescinded
 * as far as needed. Nothing is taken from a task; what it gives back at its end goes to the reserve first. Only from
 * the agent's stream that lives: an older word must not lower a newer reserve (law L5).
 */
export const onReserveChanged = (context: MasterContext, event: MasterEventOf<"ReserveChanged">): void => {
  const { state } = context
  const agent = state.agents.get(event.agentId)
  if (agent === undefined || agent.streamId !== event.streamId) return
  putAgent(context, { ...agent, reserve: event.reserve })
  rescindForReserve(context, agent.id)
  const isShrinking = !containsQuantities(event.reserve, agent.reserve)
  if (isShrinking) wantAllocation(context)
}

/**
 * Takes back offers of the agent while they hold what its reserve lacks, oldest first: who has had one for longest has
 * had the most time to use it. What is left of a rescinded offer comes back in the next cycle, without the filter that
 * Mesos puts on it (spec/mesos.md §1.8, "Operator path"): the framework has refused nothing.
 */
const rescindForReserve = (context: MasterContext, agentId: string): void => {
  const { state } = context
  const { allocator } = state
  let missing = allocator.missingFromReserveOf(agentId)
  if (isNoQuantities(missing)) return
  for (const offer of Array.from(offersOfAgent(state, agentId)).sort(compareAge)) {
    if (isNoQuantities(smallerQuantities(missing, plainQuantities(offer.resources)))) continue
    rescindOffer(context, offer)
    missing = allocator.missingFromReserveOf(agentId)
  }
}
