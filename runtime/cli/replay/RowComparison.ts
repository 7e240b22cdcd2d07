import type Database from "better-sqlite3"
import type { Entity } from "../../../core/Machine.ts"
import { iterateEntities } from "../../journal/SqliteState.ts"

/** The first row that the record left and a replay did not leave likewise. */
export interface DifferingRow {
  readonly kind: string
  readonly key: string
  /** Undefined values are rows that are not there. */
  readonly recorded: unknown
  readonly replayed: unknown
}

/** With the members of objects in one order: a restored record may have another. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([one], [other]) => (one < other ? -1 : 1)))
      : member,
  )

/** Whether the rows of a journal are those that a replay up to its end has come to. */
export const findDifferingRow = (
  database: Database.Database,
  replayed: ReadonlyArray<Entity>,
): DifferingRow | null => {
  const rows = new Map(replayed.map((row) => [JSON.stringify([row.kind, row.key]), row]))
  for (const [kind, key, text] of iterateEntities(database)) {
    const name = JSON.stringify([kind, key])
    const recorded = JSON.parse(text) as unknown
    const row = rows.get(name)
    if (row === undefined || canonical(row.value) !== canonical(recorded))
      return { kind, key, recorded, replayed: row?.value }
    rows.delete(name)
  }
  for (const { kind, key, value } of rows.values()) return { kind, key, recorded: undefined, replayed: value }
  return null
}
