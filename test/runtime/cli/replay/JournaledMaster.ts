import type { Unstamped } from "../../../../core/Machine.ts"
import type { MasterAction } from "../../../../core/master/Action.ts"
import type { MasterEvent } from "../../../../core/master/Event.ts"
import type { MasterSettings } from "../../../../core/master/State.ts"
import { digestActions } from "../../../../runtime/journal/ActionsDigest.ts"
import type { Batch, EntityChange, JournaledEvent } from "../../../../runtime/journal/Journal.ts"
import { openSqliteStore, type SqliteStore } from "../../../../runtime/journal/SqliteStore.ts"
import { type RunFacts, runFactsOf } from "../../../../runtime/master/RunFacts.ts"
import { MasterHarness } from "../../../support/MasterHarness.ts"
import { batch } from "../../journal/JournalFixture.ts"
import { encoded } from "../../journal/StoredBatches.ts"

/** A master driven by hand whose every step goes into a journal, each in a batch of its own. */
export class JournaledMaster extends MasterHarness {
  private readonly store: SqliteStore
  private isStarting = true
  /** Writes another digest for the event of this number than its actions have. */
  falsified: number | undefined
  private steps = 0
  private isTogether = false
  private events: Array<JournaledEvent> = []
  private changes: Array<EntityChange> = []
  /** What the next process says of itself otherwise. */
  facts: Partial<RunFacts> = {}

  constructor(
    path: string,
    settings: MasterSettings,
    private readonly seed: number,
    keepEvents = 1_000_000,
  ) {
    super(settings, seed)
    this.store = openSqliteStore({ path, keepEvents, keepSize: 1e9 })
  }

  override step(event: Unstamped<MasterEvent>): ReadonlyArray<MasterAction> {
    const changes: Array<EntityChange> = []
    this.onChanged = (kind, key, value) => changes.push({ kind, key, value })
    const actions = super.step(event)
    const isFalse = ++this.steps === this.falsified
    const stamped = { ...event, nowMs: this.nowMs, wallMs: 1_000_000 + this.nowMs }
    const digest = isFalse ? "0123456789abcdef" : digestActions(actions)
    const run = runFactsOf({
      ...{ settings: this.settings, newMasterId: "m", newSeed: String(this.seed) },
      identity: { version: "test" },
    })
    this.events.push({ atMs: this.nowMs, event: stamped, actionsDigest: digest })
    this.changes.push(...changes)
    if (this.isTogether) return actions
    this.write(this.isStarting ? { run: { ...run, ...this.facts } } : {})
    this.isStarting = false
    return actions
  }

  /** What is stepped in one batch, as a busy shell does. */
  together(steps: () => void): void {
    this.isTogether = true
    steps()
    this.isTogether = false
    this.write({})
  }

  private write(run: Pick<Batch, "run">): void {
    const { events, changes } = this
    const written = this.store.append([encoded({ ...batch({ events, changes }), ...run })])
    if (written.failure !== undefined) throw new Error(written.failure.detail)
    this.events = []
    this.changes = []
  }

  /** As another process of it begins. */
  override restart(): void {
    super.restart()
    this.begin()
  }

  begin(): void {
    this.isStarting = true
    this.step({ type: "MasterStarted" })
  }

  close(): void {
    this.store.close()
  }
}
