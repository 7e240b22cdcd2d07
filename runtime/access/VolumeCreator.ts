import type { AgentRecord } from "../../core/master/State.ts"
import { isReservedFor } from "../../core/resources/Resource.ts"

/** The volume of this id and role on an agent, as to who made it; undefined = there is none. */
export const volumeOn = (
  agent: AgentRecord | undefined,
  role: string | null,
  id: string | null,
): { readonly principal: string | null } | undefined => {
  if (agent === undefined || role === null || id === null) return undefined
  const volume = agent.total.find(
    ({ kind }) => kind.disk?.persistence?.id === id && isReservedFor(kind, role),
  )
  return volume?.kind.disk?.persistence ?? undefined
}
