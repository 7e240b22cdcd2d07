import { Context, Data, type Effect } from "effect"
import type { Entity } from "../../core/Machine.ts"

/** A row of the machine's state after a step. `value` is JSON data; `undefined` deletes the row. */
export type EntityChange = Entity

/** What the machine was stepped with, and a digest of what it decided; for people and for `gleaner replay`. */
export interface JournaledEvent {
  /** Whole milliseconds of the clock that the shell feeds the machine. */
  readonly atMs: number
  readonly event: unknown
  readonly actionsDigest: string
}

export interface RecordedEvent extends JournaledEvent {
  /** Assigned by the journal: 1, 2, 3, … without a gap over the life of the journal. */
  readonly seq: number
}

/** An action that has not reached its receiver yet. */
export interface OutboxItem {
  /** Assigned by the caller; greater than every id that this journal has ever stored. */
  readonly id: number
  readonly to: string
  readonly message: unknown
  /** The message as JSON, from a caller that has it already. */
  readonly json?: string
}

/** One receiver's outbox up to and including an id. */
export interface Delivery {
  readonly to: string
  readonly upToId: number
}

/**
 * What one append makes durable, all of it or nothing. Applied in the order of the fields, so `delivered` and
 * `dropped` also reach items of the same batch. To give up what a receiver had waiting but keep what the same
 * batch sends it afterwards, use `delivered` with the last id before it, not `dropped`.
 */
export interface Batch {
  readonly events: ReadonlyArray<JournaledEvent>
  readonly changes: ReadonlyArray<EntityChange>
  readonly outbox: ReadonlyArray<OutboxItem>
  readonly delivered: ReadonlyArray<Delivery>
  /** Receivers whose whole outbox goes. */
  readonly dropped?: ReadonlyArray<string>
  /**
   * With the first batch of a process: what a replay must know about it. A journal that can be replayed (SQLite) keeps it for
   * as long as it keeps anything that this process has written.
   */
  readonly run?: unknown
}

export const emptyBatch: Batch = { events: [], changes: [], outbox: [], delivered: [] }

export interface Recovered {
  /** Ordered by kind, then key, in code points. */
  readonly entities: ReadonlyArray<Entity>
  /** Ordered by id. */
  readonly outbox: ReadonlyArray<OutboxItem>
  /** 0 in a fresh journal. */
  readonly lastEventSeq: number
  /** The greatest id ever stored, delivered or not; 0 in a fresh journal. */
  readonly lastOutboxId: number
}

export type JournalFailure =
  | "CannotOpen"
  | "NotAJournal"
  | "NewerFormat"
  | "Locked"
  | "DiskFull"
  | "Damaged"
  | "InputOutput"
  | "Unstorable"
  | "Overloaded"
  | "WriterDied"
  | "Closed"

const remedies: Record<JournalFailure, string> = {
  CannotOpen: "see that its folder exists and that the user of this daemon may write there",
  NotAJournal: "choose another path, or move that file away; it was not touched",
  NewerFormat: "run the gleaner version that wrote it, or a newer one; it was not touched",
  Locked: "stop the other process that has it open; one journal belongs to one daemon",
  DiskFull: "free space there, then start the daemon again; everything acknowledged is kept",
  Damaged:
    "restore the file from a copy (`gleaner journal restore BACKUP --force` for that of a master), and do not delete anything beside it before you have one",
  InputOutput: "look into the kernel log for errors of that disk, then start the daemon again",
  Unstorable: "this is a defect of gleaner: report it with the text above",
  Overloaded: "that disk cannot keep up with synchronous writes; move the data folder to a faster one",
  WriterDied: "start the daemon again; everything acknowledged is kept",
  Closed: "start the daemon again",
}

/** Why the journal cannot be opened or cannot take a batch; the message names the place and the remedy. */
export class JournalError extends Data.TaggedError("JournalError")<{
  readonly reason: JournalFailure
  readonly path: string
  readonly detail: string
}> {
  get remedy(): string {
    return remedies[this.reason]
  }

  override get message(): string {
    return `journal ${this.path}: ${this.detail}; ${this.remedy}`
  }
}

/**
 * The log that is the truth (design §3). Actions leave only after the append that holds them has returned, and a
 * restart loads {@link Recovered} and decides nothing again.
 *
 * What is stored is always a prefix of what was appended: batches are taken in the order of the calls, and once one
 * fails, each later one fails too, until the journal is opened anew. A state that has run ahead of its journal must
 * not be written on top of the gap. A full disk is no such failure where {@link problem} says so: the append waits until
 * there is space, and is then the next one that is stored.
 */
export class Journal extends Context.Tag("gleaner/Journal")<
  Journal,
  {
    /** Everything that a restarted machine needs. */
    readonly recover: Effect.Effect<Recovered, JournalError>

    /**
     * Returns when the batch is durable. The batch is encoded during the call, so its values may change afterwards.
     * Interruption stops the waiting, not the writing.
     */
    readonly append: (batch: Batch) => Effect.Effect<void, JournalError>

    /** At most `limit` (capped at {@link maxEventsRead}) kept events, from `fromSeq` on; old ones are pruned. */
    readonly events: (
      fromSeq: number,
      limit: number,
    ) => Effect.Effect<ReadonlyArray<RecordedEvent>, JournalError>

    /** Why appends have to wait, though nothing has failed; undefined when they need not. */
    readonly problem: () => string | undefined
  }
>() {}

export const maxEventsRead = 10_000

export const boundEventsRead = (limit: number): number =>
  limit >= 1 ? Math.min(Math.floor(limit), maxEventsRead) : 0
