import { assert } from "../Assert.ts"
import { nextExpiryMs } from "../allocation/OfferFilters.ts"
import type { Entity, EntityRef } from "../Machine.ts"
import type { Prng } from "../Prng.ts"
import { noQuantities, type Quantities } from "../resources/Quantities.ts"
import {
  agentDeadline,
  allocationDeadline,
  filterDeadline,
  frameworkDeadline,
  holdsResources,
  indexOffer,
  indexTask,
  offerDeadline,
} from "./Context.ts"
import {
  type AgentRecord,
  type FrameworkRecord,
  initialMasterState,
  type MasterSettings,
  type MasterState,
  type OfferRecord,
  type TaskRecord,
} from "./State.ts"

/** The scalars of the state, as one row. */
interface Counters {
  readonly masterId: string
  readonly prng: Prng
  readonly nowMs: number
  readonly nextFrameworkNumber: number
  readonly nextAgentNumber: number
  readonly nextOfferNumber: number
  readonly allocationDueAtMs: number | null
  readonly nextRemovalNumber: number
  readonly startedAtMs: number
}

const countersRef: EntityRef = { kind: "master", key: "counters" }

const countersOf = (state: MasterState): Counters => ({
  masterId: state.masterId,
  prng: [state.prng[0], state.prng[1], state.prng[2], state.prng[3]],
  nowMs: state.nowMs,
  nextFrameworkNumber: state.nextFrameworkNumber,
  nextAgentNumber: state.nextAgentNumber,
  nextOfferNumber: state.nextOfferNumber,
  allocationDueAtMs: state.allocationDueAtMs,
  nextRemovalNumber: state.nextRemovalNumber,
  startedAtMs: state.startedAtMs,
})

/** The maps that are stored row by row, by entity kind. */
const mapOf = (state: MasterState, kind: string): ReadonlyMap<string, unknown> => {
  switch (kind) {
    case "framework":
      return state.frameworks
    case "agent":
      return state.agents
    case "offer":
      return state.offers
    case "task":
      return state.tasks
    case "role":
      return state.roles
    case "filter":
      return state.filters
    case "removal":
      return state.removals
    default:
      throw new Error(`a master has no entities of kind ${kind}`)
  }
}

const storedKinds = ["framework", "agent", "offer", "task", "role", "filter", "removal"]

/** The row to store for a changed entity; undefined when it was deleted. */
export const masterEntity = (state: MasterState, ref: EntityRef): unknown =>
  ref.kind === countersRef.kind ? countersOf(state) : mapOf(state, ref.kind).get(ref.key)

/** The whole state as rows, in a fixed order: equal states give equal bytes. */
export const snapshotMaster = (state: MasterState): ReadonlyArray<Entity> => {
  const entities: Array<Entity> = [{ ...countersRef, value: countersOf(state) }]
  for (const kind of storedKinds) {
    const map = mapOf(state, kind)
    for (const key of Array.from(map.keys()).sort()) entities.push({ kind, key, value: map.get(key) })
  }
  return entities
}

/**
 * The state that goes on exactly as the one that was stored, whatever the order of the rows. Undefined when there are
 * no rows: a new master.
 */
export const restoreMaster = (
  entities: ReadonlyArray<Entity>,
  settings: MasterSettings,
): MasterState | undefined => {
  const first = entities.find((entity) => entity.kind === countersRef.kind)
  if (first === undefined) {
    assert(entities.length === 0, "rows of a master without its counters: the journal is incomplete")
    return undefined
  }
  const counters = first.value as Counters
  const state: MasterState = {
    ...initialMasterState(counters.masterId, 0, settings),
    ...counters,
    prng: [counters.prng[0], counters.prng[1], counters.prng[2], counters.prng[3]],
  }
  const rank = ({ kind, key }: Entity) => JSON.stringify([kind, key])
  const sorted = Array.from(entities).sort((left, right) => (rank(left) < rank(right) ? -1 : 1))
  for (const { kind, key, value } of sorted) {
    if (kind === countersRef.kind) continue
    const map = mapOf(state, kind) as Map<string, unknown>
    map.set(key, kind === "agent" ? upgradeAgent(value as StoredAgent) : value)
  }
  state.offers.forEach((offer) => {
    indexOffer(state, offer)
  })
  state.tasks.forEach((task, key) => {
    indexTask(state, key, task)
  })
  bookAll(state)
  setDeadlines(state)
  return state
}

/** A row as some release of gleaner stored it: before there were monitors, agents had no reserve. */
type StoredAgent = Omit<AgentRecord, "reserve"> & { readonly reserve?: Quantities }

const upgradeAgent = (stored: StoredAgent): AgentRecord =>
  stored.reserve === undefined ? { ...stored, reserve: noQuantities } : (stored as AgentRecord)

const bookAll = (state: MasterState): void => {
  state.agents.forEach((agent: AgentRecord) => {
    if (agent.condition !== "unreachable") state.ledger.addAgent(agent.id, agent.total, agent.reserve)
  })
  state.tasks.forEach((task: TaskRecord) => {
    const { frameworkId, role, agentId, resources } = task.spec
    if (holdsResources(task)) state.ledger.adopt(frameworkId, role, agentId, resources)
  })
  state.offers.forEach((offer: OfferRecord) => {
    state.ledger.charge(offer.frameworkId, offer.role, offer.agentId, offer.resources)
  })
}

const setDeadlines = (state: MasterState): void => {
  const { deadlines, settings } = state
  if (state.allocationDueAtMs !== null) deadlines.set(allocationDeadline, state.allocationDueAtMs)
  state.offers.forEach((offer) => {
    if (settings.offerTimeoutMs !== null) {
      deadlines.set(offerDeadline(offer.id), offer.madeAtMs + settings.offerTimeoutMs)
    }
  })
  state.agents.forEach((agent) => {
    if (agent.condition === "disconnected") {
      deadlines.set(agentDeadline(agent.id), agent.sinceMs + settings.agentTimeoutMs)
    } else if (agent.condition === "unreachable") {
      deadlines.set(agentDeadline(agent.id), agent.sinceMs + settings.agentForgetMs)
    }
  })
  state.frameworks.forEach((framework: FrameworkRecord) => {
    if (framework.removeAtMs !== null) {
      deadlines.set(frameworkDeadline(framework.id), framework.removeAtMs)
    }
  })
  state.filters.forEach((_, key) => {
    deadlines.set(filterDeadline(key), nextExpiryMs(state.filters, key)!)
  })
}
