import type { Unstamped } from "../../../../core/Machine.ts"
import type { MasterAction } from "../../../../core/master/Action.ts"
import type { MasterEvent } from "../../../../core/master/Event.ts"
import type { MasterSettings } from "../../../../core/master/State.ts"
import { digestActions } from "../../../../runtime/journal/ActionsDigest.ts"
import type { EntityChange } from "../../../../runtime/journal/Journal.ts"
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
    const written = this.store.append([
      encoded({
        ...batch({ events: [{ atMs: this.nowMs, event: stamped, actionsDigest: digest }], changes }),
        ...(this.isStarting ? { run: { ...run, ...this.facts } } : {}),
      }),
    ])
    if (written.failure !== undefined) throw new Error(written.failure.detail)
    this.isStarting = false
    return actions
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
