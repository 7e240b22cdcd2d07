import { type Context, Effect, type Scope } from "effect"
import { type Batch, emptyBatch, type Journal, type JournalError } from "../../../runtime/journal/Journal.ts"

export type OpenJournal = Context.Tag.Service<Journal>

/** Opens the journal of one place; opening it again after its scope has ended is a restart. */
export type Open = (options?: {
  keepEvents?: number
  maxPending?: number
}) => Effect.Effect<OpenJournal, JournalError, Scope.Scope>

export const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.scoped(effect))

/** Opens, uses, closes. */
export const using = <A, E>(
  open: Open,
  use: (journal: OpenJournal) => Effect.Effect<A, E>,
  options?: Parameters<Open>[0],
) => run(Effect.flatMap(open(options), use))

export const batch = (parts: Partial<Batch>): Batch => ({ ...emptyBatch, ...parts })
export const eventOf = (number: number) => ({ atMs: number, event: { number }, actionsDigest: `d${number}` })
export const itemOf = (id: number, to = "a") => ({ id, to, message: { id } })
export const rowOf = (key: string, value: unknown) => ({ kind: "task", key, value })
