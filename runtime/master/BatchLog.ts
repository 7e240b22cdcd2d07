import { Effect } from "effect"
import type { MasterEvent } from "../../core/master/Event.ts"
import type { Batch } from "../journal/Journal.ts"
import { LogVerbosity } from "../LogVerbosity.ts"
import type { Outgoing } from "./Mailbox.ts"

const countByName = (names: ReadonlyArray<string>): { readonly [name: string]: number } => {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** Whom an event is about. Never what tasks run: commands and environments hold people's secrets. */
const subjectOf = (event: MasterEvent): { readonly [name: string]: unknown } => {
  const named: Record<string, unknown> = {}
  const status = "status" in event ? event.status : {}
  for (const source of [event, status] as ReadonlyArray<{ readonly [name: string]: unknown }>) {
    for (const name of ["frameworkId", "agentId", "taskId", "state", "offerIds"])
      if (source[name] !== undefined && source[name] !== null) named[name] = source[name]
  }
  return named
}

/** What has just become durable, for who has raised the verbosity of the log; costs one look otherwise. */
export const logBatch = ({ events, changes }: Batch, effects: ReadonlyArray<Outgoing>): Effect.Effect<void> =>
  Effect.flatMap(LogVerbosity, (verbosity) => {
    const level = verbosity.level()
    if (level === 0 || events.length === 0) return Effect.void
    const taken = events.map(({ event }) => event as MasterEvent)
    const batch = Effect.logDebug("took a batch of events").pipe(
      Effect.annotateLogs({
        events: countByName(taken.map(({ type }) => type)),
        rows: countByName(changes.map(({ kind }) => kind)),
        effects: countByName(effects.map(({ type }) => type)),
      }),
    )
    if (level === 1) return batch
    const each = taken.map((event) =>
      Effect.annotateLogs(Effect.logTrace(`took ${event.type}`), subjectOf(event)),
    )
    return Effect.all([batch, ...each], { discard: true })
  })
