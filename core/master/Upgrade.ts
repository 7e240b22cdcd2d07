import { type ClientRow, clientKey, type RoleRow } from "../allocation/Allocator.ts"
import type { Entity, EntityRef } from "../Machine.ts"
import { type NumberByName, numberOf } from "../NumberByName.ts"
import type { TaskStatus } from "../Task.ts"
import { type AgentRecord, type MasterState, recoveredName } from "./State.ts"
import { noteOf } from "./StatusNotes.ts"

// Rows of earlier releases in the form of this one.
//
// - Before there were monitors (0.1), agents had no reserve.
// - Until 0.2 nothing could be reserved: all that an agent had was what it announced.
// - Until 0.3 nobody could drain or deactivate an agent, and when an unreachable one is removed followed from the settings.
// - Until 0.3 frameworks had no labels, and nobody noted when they came back. Of removed ones the id was kept, of tasks the latest
//   status and no notes.
// - Until 0.2 the master itself counted grants: `{role, grants}` for each role by its full name, and `grants` by role in each
//   framework. Now the rows are the allocator's, roles are a tree and each counts what lies below it. Filters had no back-off,
//   frameworks neither minima nor constraints.

export interface UpgradedRows {
  readonly rows: ReadonlyArray<Entity>
  /** All that was written anew, added or dropped: to be stored before anything else changes, because old and new rows beside each
   * other would be upgraded twice. */
  readonly upgraded: ReadonlyArray<EntityRef>
}

interface StoredAgent {
  readonly condition: string
  readonly total: unknown
  readonly sinceMs: number
}

/** How long unreachable agents were kept. */
const twoWeeksMs = 14 * 24 * 3_600_000

interface StoredFramework {
  readonly id: string
  readonly info: { readonly name: string; readonly roles: ReadonlyArray<string> }
  readonly grants?: NumberByName
}

/**
 * Unreachable agents of a release that removed all that were lost together at once: each gets its turn, as those that are lost now
 * (`agentRemovalPauseMs`).
 */
export const spaceRemovals = (state: MasterState): void => {
  const lost = state.upgraded
    .map(({ kind, key }) => (kind === "agent" ? state.agents.get(key) : undefined))
    .filter((agent): agent is AgentRecord => agent !== undefined && agent.removeAtMs !== null)
    .sort((left, right) => left.removeAtMs! - right.removeAtMs! || (left.id < right.id ? -1 : 1))
  for (const agent of lost) {
    const removeAtMs = Math.max(agent.removeAtMs!, state.nextAgentRemovalAtMs)
    state.agents.set(agent.id, { ...agent, removeAtMs })
    state.nextAgentRemovalAtMs = removeAtMs + state.settings.agentRemovalPauseMs
  }
}

/** Rows that are of this release already come back as they are. */
export const upgradeRows = (rows: ReadonlyArray<Entity>): UpgradedRows => {
  const upgraded: Array<EntityRef> = []
  const kept = rows.map((row) => {
    const value = upgradeValue(row)
    if (value === row.value) return row
    upgraded.push({ kind: row.kind, key: row.key })
    return { ...row, value }
  })
  const added = clientsOf(rows).concat(rolesOf(rows))
  for (const { kind, key } of added) upgraded.push({ kind, key })
  return { rows: kept.filter((row) => !isOldRole(row)).concat(added), upgraded }
}

const upgradeValue = ({ kind, value }: Entity): unknown => {
  switch (kind) {
    case "agent":
      return upgradeAgent(value as StoredAgent)
    case "task": {
      const task = value as { readonly status: TaskStatus | null }
      return "notes" in task ? value : { ...task, notes: task.status === null ? [] : [noteOf(task.status)] }
    }
    case "removal":
      return "framework" in (value as object)
        ? value
        : { ...(value as object), framework: null, unregisteredWallMs: 0 }
    case "framework":
      return upgradeFramework(value as StoredFramework)
    case "filter": {
      const filters = value as ReadonlyArray<object>
      return filters.every((filter) => "backoffMs" in filter)
        ? value
        : filters.map((filter) => ({ ...filter, backoffMs: 0 }))
    }
    default:
      return value
  }
}

const upgradeAgent = (stored: StoredAgent): unknown => {
  if ("reserve" in stored && "base" in stored && "removeAtMs" in stored) return stored
  const removeAtMs = stored.condition === "unreachable" ? stored.sinceMs + twoWeeksMs : null
  return {
    reserve: {},
    base: stored.total,
    removeAtMs,
    unreachableWallMs: null,
    isDeactivated: false,
    drain: null,
    ...stored,
  }
}

const upgradeFramework = (stored: StoredFramework): unknown => {
  if ("labels" in stored.info) return stored
  const { grants, info, ...others } = stored
  return {
    reregisteredWallMs: null,
    isRecovered: info.name === recoveredName,
    ...others,
    info: { minAllocatable: {}, constraints: {}, labels: [], ...info },
  }
}

const clientsOf = (rows: ReadonlyArray<Entity>): ReadonlyArray<Entity> => {
  const clients: Array<Entity> = []
  for (const { kind, value } of rows) {
    if (kind !== "framework") continue
    const { id, info, grants = {} } = value as StoredFramework
    for (const role of info.roles) {
      const row: ClientRow = { grants: numberOf(grants, role, 0), declinedRounds: 0, roundAtMs: -1 }
      if (row.grants > 0) clients.push({ kind: "client", key: clientKey(id, role), value: row })
    }
  }
  return clients
}

const isOldRole = ({ kind, value }: Entity): boolean => kind === "role" && "role" in (value as object)

/** Each role counts for itself and for all that it lies below. */
const rolesOf = (rows: ReadonlyArray<Entity>): ReadonlyArray<Entity> => {
  const grantsByPath = new Map<string, number>()
  for (const row of rows.filter(isOldRole)) {
    const { grants } = row.value as RoleRow
    const names = row.key.split("/")
    for (let depth = 1; depth <= names.length; depth++) {
      const path = names.slice(0, depth).join("/")
      grantsByPath.set(path, (grantsByPath.get(path) || 0) + grants)
    }
  }
  return Array.from(grantsByPath, ([key, grants]) => ({ kind: "role", key, value: { grants } }))
}
