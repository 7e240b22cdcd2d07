import { assert } from "../Assert.ts"
import {
  inverseOfferRow,
  inversePairKey,
  restoreInverseOffers,
  snapshotInverseOffers,
} from "../allocation/InverseOffers.ts"
import type { Entity, EntityRef } from "../Machine.ts"
import type { Prng } from "../Prng.ts"
import {
  agentDeadline,
  bookTask,
  followInversePair,
  frameworkDeadline,
  holdsResources,
  indexAgent,
  indexOffer,
  indexOperation,
  indexTask,
  offerDeadline,
  operationDeadline,
} from "./Context.ts"
import { indexCompletedTask } from "./History.ts"
import { allocatorAgent, allocatorFramework } from "./NewAllocator.ts"
import { scheduleAllocation } from "./Offers.ts"
import { applyRoleSettings } from "./RoleSettings.ts"
import { rowToEntity, valueToRow } from "./Row.ts"
import { emptyMasterState, type FrameworkRecord, type MasterSettings, type MasterState } from "./State.ts"
import { spaceRemovals, upgradeRows } from "./Upgrade.ts"

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
  readonly nextCompletedNumber: number
  readonly nextGroupNumber: number
  readonly startedAtMs: number
  // Not in rows of releases up to 0.3.
  readonly nextGoneNumber: number
  readonly nextAgentRemovalAtMs: number
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
  nextCompletedNumber: state.nextCompletedNumber,
  nextGroupNumber: state.nextGroupNumber,
  startedAtMs: state.startedAtMs,
  nextGoneNumber: state.nextGoneNumber,
  nextAgentRemovalAtMs: state.nextAgentRemovalAtMs,
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
    case "removal":
      return state.removals
    case "completedTask":
      return state.completedTasks
    case "weight":
      return state.weights
    case "quota":
      return state.quotas
    case "operation":
      return state.operations
    case "gone":
      return state.gone
    case "keptOrder":
      return state.keptOrders
    case "machine":
      return state.machines
    default:
      throw new Error(`a master has no entities of kind ${kind}`)
  }
}

const storedKinds = [
  ...[
    "framework",
    "agent",
    "offer",
    "task",
    "removal",
    "completedTask",
    "weight",
    "quota",
    "gone",
    "keptOrder",
    "machine",
  ],
  "operation",
]

const scheduleRef: EntityRef = { kind: "schedule", key: "all" }

/** Kinds of rows of `InverseOffers.ts`. */
const inverseKinds = ["unavailability", "inverseOffers"]

/** Kinds of rows that are the allocator's. */
const allocatorKinds = ["role", "client", "filter"]

/** The row to store for a changed entity; undefined when it was deleted. */
export const masterEntity = (state: MasterState, ref: EntityRef): unknown => {
  if (ref.kind === countersRef.kind) return countersOf(state)
  if (ref.kind === scheduleRef.kind) return state.schedule.length === 0 ? undefined : state.schedule
  if (inverseKinds.includes(ref.kind)) return inverseOfferRow(state.inverse, ref.kind, ref.key)
  const isAllocators = allocatorKinds.includes(ref.kind)
  const value = isAllocators ? state.allocator.row(ref) : mapOf(state, ref.kind).get(ref.key)
  return value === undefined ? undefined : valueToRow(ref.kind, value)
}

/** The whole state as rows, in a fixed order: equal states give equal bytes. */
export const snapshotMaster = (state: MasterState): ReadonlyArray<Entity> => {
  const entities: Array<Entity> = [{ ...countersRef, value: countersOf(state) }]
  for (const kind of storedKinds) {
    const map = mapOf(state, kind)
    for (const key of Array.from(map.keys()).sort()) {
      entities.push({ kind, key, value: valueToRow(kind, map.get(key)) })
    }
  }
  if (state.schedule.length > 0) entities.push({ ...scheduleRef, value: state.schedule })
  for (const entity of snapshotInverseOffers(state.inverse)) entities.push(entity)
  for (const { kind, key, value } of state.allocator.snapshot()) {
    entities.push({ kind, key, value: valueToRow(kind, value) })
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
  const { rows, upgraded } = upgradeRows(Array.from(entities).sort(compareRows))
  const { prng, ...counters } = first.value as Counters
  const allocatorRows = rows.filter(({ kind }) => allocatorKinds.includes(kind)).map(rowToEntity)
  const state: MasterState = {
    ...emptyMasterState(counters.masterId, [prng[0], prng[1], prng[2], prng[3]], settings, allocatorRows),
    ...counters,
    inverse: restoreInverseOffers(rows),
    upgraded,
  }
  for (const row of rows) {
    if (row.kind === countersRef.kind || allocatorKinds.includes(row.kind)) continue
    if (inverseKinds.includes(row.kind)) continue
    if (row.kind === scheduleRef.kind) {
      state.schedule = row.value as MasterState["schedule"]
      continue
    }
    const { kind, key, value } = rowToEntity(row)
    const map = mapOf(state, kind) as Map<string, unknown>
    map.set(key, value)
  }
  spaceRemovals(state)
  bookAll(state)
  setDeadlines(state)
  return state
}

const compareRows = (left: Entity, right: Entity): number =>
  left.kind < right.kind || (left.kind === right.kind && left.key < right.key) ? -1 : 1

/** In a fixed order: that of the sorted rows, of which the maps are made. */
const bookAll = (state: MasterState): void => {
  const { allocator } = state
  applyRoleSettings(state)
  state.agents.forEach((agent) => {
    indexAgent(state, agent)
    if (agent.condition !== "unreachable") allocator.putAgent(allocatorAgent(agent))
  })
  state.frameworks.forEach((framework) => {
    allocator.putFramework(allocatorFramework(framework))
  })
  state.tasks.forEach((task, key) => {
    indexTask(state, key, task)
    // Of an unreachable agent nothing is booked, see `bookHeldTasks`.
    const agent = state.agents.get(task.spec.agentId)
    if (holdsResources(task) && agent?.condition !== "unreachable") bookTask(state, task)
  })
  state.completedTasks.forEach((completed) => {
    indexCompletedTask(state, completed)
  })
  state.operations.forEach((operation, key) => {
    indexOperation(state, key, operation)
  })
  state.offers.forEach((offer) => {
    indexOffer(state, offer)
    allocator.charge(offer, offer.resources)
  })
}

const setDeadlines = (state: MasterState): void => {
  const { deadlines, settings } = state
  scheduleAllocation(state)
  state.offers.forEach((offer) => {
    if (settings.offerTimeoutMs !== null) {
      deadlines.set(offerDeadline(offer.id), offer.madeAtMs + settings.offerTimeoutMs)
    }
  })
  state.agents.forEach((agent) => {
    if (agent.condition === "disconnected") {
      deadlines.set(agentDeadline(agent.id), agent.sinceMs + settings.agentTimeoutMs)
    } else if (agent.removeAtMs !== null) {
      deadlines.set(agentDeadline(agent.id), agent.removeAtMs)
    }
  })
  state.operations.forEach(({ retryAtMs }, key) => {
    if (retryAtMs !== null) deadlines.set(operationDeadline(key), retryAtMs)
  })
  for (const agentId of Array.from(state.inverse.windows.keys())) state.inverseCandidates.add(agentId)
  state.inverse.pairs.forEach((pairs, agentId) => {
    for (const id of Array.from(pairs.keys())) followInversePair(state, inversePairKey(agentId, id))
  })
  state.frameworks.forEach((framework: FrameworkRecord) => {
    if (framework.removeAtMs !== null) {
      deadlines.set(frameworkDeadline(framework.id), framework.removeAtMs)
    }
  })
}
