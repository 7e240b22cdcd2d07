/**
 * The shape that every machine of `core/` shares (design §2).
 *
 * `step(state, event)` changes the state in place and returns what follows from the event. It is deterministic: time
 * (`nowMs`, never decreasing) and identity come in with the event, chance comes from the generator in the state.
 */
export interface Step<Action> {
  /** What the shell must do, in this order, after the transaction that holds the event is durable. */
  readonly actions: ReadonlyArray<Action>
  /** When the machine wants a `TimePassed` event if nothing else happens; null = only events wake it. */
  readonly wakeAtMs: number | null
  /** The entities that changed, each once: the shell stores these rows instead of whole snapshots. */
  readonly changed: ReadonlyArray<EntityRef>
}

/** What every event carries: when it was given to `step`. */
export interface Stamp {
  /** The machine's own time, ms; never decreases, also over restarts. */
  readonly nowMs: number
  /** Wall time for people, ms since 1970; nothing is decided on it. */
  readonly wallMs: number
}

/** An event before its shell stamps it. */
export type Unstamped<Event> = Event extends Stamp ? Omit<Event, keyof Stamp> : never

/** Names one row of a machine's state. */
export interface EntityRef {
  readonly kind: string
  readonly key: string
}

/** One row of a snapshot. All rows together are the whole state; `value` is plain data (JSON). */
export interface Entity extends EntityRef {
  readonly value: unknown
}

/** What handlers of one step write to. */
export class Turn<Action> {
  readonly actions: Array<Action> = []
  private readonly changed: Array<EntityRef> = []
  /** Keys by kind: a name of both would have to be put together, and hashed, for each change. */
  private readonly touched = new Map<string, Set<string>>()

  emit(action: Action): void {
    this.actions.push(action)
  }

  /** Marks an entity as changed, created or deleted in this step. */
  touch(kind: string, key: string): void {
    const keys = this.touched.get(kind)
    if (keys === undefined) this.touched.set(kind, new Set([key]))
    else if (keys.has(key)) return
    else keys.add(key)
    this.changed.push({ kind, key })
  }

  finish(wakeAtMs: number | null): Step<Action> {
    return { actions: this.actions, wakeAtMs, changed: this.changed }
  }
}
