import type { Entity } from "../Machine.ts"
import { plainToResources, resourcesToPlain } from "../resources/PlainForm.ts"
import type { AgentRecord, OfferRecord } from "./State.ts"

// How values lie in rows: resources in their plain form, which is small and outlives releases; all else as it is. The rows of the
// allocator are plain already.

export const valueToRow = (kind: string, value: unknown): unknown => {
  switch (kind) {
    case "agent": {
      const agent = value as AgentRecord
      return { ...agent, base: resourcesToPlain(agent.base), total: resourcesToPlain(agent.total) }
    }
    case "offer": {
      const offer = value as OfferRecord
      return { ...offer, resources: resourcesToPlain(offer.resources) }
    }
    default:
      return value
  }
}

/** The reverse of {@link valueToRow}. Throws `UnreadableResources`, which names the row. */
export const rowToEntity = ({ kind, key, value }: Entity): Entity => {
  const place = `${kind} ${key}`
  switch (kind) {
    case "agent": {
      const row = value as { readonly base: unknown; readonly total: unknown }
      const total = plainToResources(row.total, `${place}: total`)
      const base = plainToResources(row.base, `${place}: base`)
      return { kind, key, value: { ...row, base, total } }
    }
    case "offer": {
      const row = value as { readonly resources: unknown }
      const resources = plainToResources(row.resources, `${place}: resources`)
      return { kind, key, value: { ...row, resources } }
    }
    default:
      return { kind, key, value }
  }
}
