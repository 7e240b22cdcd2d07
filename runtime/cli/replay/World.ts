import type { Entity } from "../../../core/Machine.ts"
import type { MasterAction } from "../../../core/master/Action.ts"
import type { MasterEvent } from "../../../core/master/Event.ts"
import { restoreMaster, snapshotMaster } from "../../../core/master/Snapshot.ts"
import { initialMasterState, type MasterSettings, type MasterState } from "../../../core/master/State.ts"
import { stepMaster } from "../../../core/master/Step.ts"
import type { RunFacts } from "../../master/RunFacts.ts"

/** What settings a process of the record has, in this world. */
export type SettingsOf = (run: RunFacts) => MasterSettings

/** A master that is stepped through a record, without anything around it. */
export class World {
  private current: MasterState | undefined
  wakeAtMs: number | null = null

  constructor(
    rows: ReadonlyArray<Entity>,
    run: RunFacts,
    private readonly settingsOf: SettingsOf,
  ) {
    if (rows.length > 0) this.take(restoreMaster(rows, settingsOf(run))!)
  }

  get state(): MasterState {
    return this.current!
  }

  private take(state: MasterState): void {
    this.current = state
    this.wakeAtMs = state.deadlines.nextAtMs()
  }

  /** A process began: it restored what the one before had stored, with settings of its own. */
  restart(run: RunFacts): void {
    const settings = this.settingsOf(run)
    const rows = this.current === undefined ? [] : (JSON.parse(JSON.stringify(this.rows())) as Array<Entity>)
    this.take(restoreMaster(rows, settings) ?? initialMasterState(run.newMasterId, run.newSeed, settings))
  }

  step(event: MasterEvent): ReadonlyArray<MasterAction> {
    const { actions, wakeAtMs } = stepMaster(this.state, event)
    this.wakeAtMs = wakeAtMs
    return actions
  }

  rows(): ReadonlyArray<Entity> {
    return snapshotMaster(this.state)
  }
}
