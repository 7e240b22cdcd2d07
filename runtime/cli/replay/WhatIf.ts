import type { MasterAction } from "../../../core/master/Action.ts"
import type { MasterEvent } from "../../../core/master/Event.ts"
import type { OfferRecord } from "../../../core/master/State.ts"
import { taskKey } from "../../../core/Task.ts"
import { launchedBy } from "../../master/Outbox.ts"
import { type OfferCount, OfferTally, type Waits } from "./OfferTally.ts"
import type { LoggedBatch, ReplayLog } from "./ReplayLog.ts"
import type { Watcher } from "./ReplayRecord.ts"
import { type SettingsOf, World } from "./World.ts"

// A second world beside the recorded one, with other settings. Hosts, frameworks and tasks do in it what they did; a framework that
// answered an offer answers the offer of the same host in the same role, where it has one there. Where it has none, a launch is lost,
// and so is all that was heard of its tasks later. Offers that nobody has answered in the record wait until they are taken back.

export interface LostLaunch {
  readonly seq: number
  readonly framework: string
  readonly tasks: ReadonlyArray<string>
  readonly agentId: string | null
}

export interface WhatIfResult {
  readonly offers: { readonly recorded: number; readonly changed: number }
  readonly byFramework: ReadonlyArray<{
    readonly framework: string
    readonly frameworkId: string
    readonly role: string
    readonly recorded: number
    readonly changed: number
  }>
  /** From the end of a task to the next offer of its host. */
  readonly waits: { readonly recorded: Waits; readonly changed: Waits }
  /** Where the other world could not be stepped any further: what was heard of the first one fits it no more. */
  readonly stopped: { readonly seq: number; readonly problem: string } | null
  /** Calls that launched tasks on offers which would not have been there. */
  readonly lostLaunches: {
    readonly calls: number
    readonly tasks: number
    readonly first: ReadonlyArray<LostLaunch>
  }
}

/** So many lost launches are named. */
const namedMax = 10

/** More wake-ups at one instant than any batch has reason for. */
const wakesMax = 10_000

type OfferPlace = Pick<OfferRecord, "frameworkId" | "role" | "agentId">

export class WhatIf {
  private readonly world: World
  private readonly recorded = new OfferTally()
  private readonly changed = new OfferTally()
  /** Of every offer that the record has made and that may still be answered. */
  private readonly places = new Map<string, OfferPlace>()
  private readonly lostTasks = new Set<string>()
  private readonly named: Array<LostLaunch> = []
  private lostCalls = 0
  private lostCount = 0
  private stopped: WhatIfResult["stopped"] = null
  /** When the recorded master wanted to be woken after the last batch. */
  private recordedDueMs: number | null = null

  constructor(log: ReplayLog, settingsOf: SettingsOf) {
    this.world = new World(log.rows, log.run, settingsOf)
    for (const { kind, key, value } of log.rows) {
      if (kind === "offer") this.places.set(key, value as OfferPlace)
    }
  }

  /** Takes a batch that the recorded world has been stepped through, with the actions of each event. */
  readonly watch: Watcher = (batch, recorded, actions) => {
    if (this.stopped !== null) return
    try {
      this.takeBatch(batch, recorded, actions)
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      this.stopped = { seq: batch.events[0]?.seq ?? 0, problem }
    }
  }

  private takeBatch(
    batch: LoggedBatch,
    recorded: World,
    actions: ReadonlyArray<ReadonlyArray<MasterAction>>,
  ): void {
    if (batch.run !== undefined) this.world.restart(batch.run)
    const [first] = batch.events
    // The shell wakes a master before a batch or at its end, never within, however long that takes; and where it was late for
    // the recorded one, it would have been for this one.
    const dueMs = this.recordedDueMs ?? Number.POSITIVE_INFINITY
    if (first !== undefined) this.wakeUntil(Math.min(first.event.nowMs, dueMs) - 1, first.event)
    this.recordedDueMs = recorded.wakeAtMs
    for (const [index, { seq, event }] of batch.events.entries()) {
      const done = actions[index]!
      this.recorded.take(event, done)
      for (const action of done) this.notePlaces(action)
      if (event.type !== "TimePassed") this.stepChanged(seq, event, done)
    }
    const last = batch.events[batch.events.length - 1]
    if (last === undefined) return
    // A shell that did not wake the recorded master at once would not have woken this one either.
    const { nowMs } = last.event
    const wasLate = recorded.wakeAtMs !== null && recorded.wakeAtMs <= nowMs
    const endedMs = last.event.type === "TimePassed" ? nowMs : 0
    this.wakeUntil(wasLate ? nowMs - 1 : nowMs, last.event, endedMs)
  }

  private notePlaces(action: MasterAction): void {
    if (action.type === "OfferResources") {
      for (const { offer } of action.offers) this.places.set(offer.id, offer)
    } else if (action.type === "RescindOffer") this.places.delete(action.offerId)
  }

  /** Steps at each moment that the changed world wants to be woken at; not before the shell did. */
  private wakeUntil(untilMs: number, { nowMs, wallMs }: MasterEvent, notBeforeMs = 0): void {
    for (let wakes = 0; wakes < wakesMax; wakes++) {
      const { wakeAtMs } = this.world
      if (wakeAtMs === null || wakeAtMs > untilMs) return
      const atMs = Math.max(wakeAtMs, this.world.state.nowMs, notBeforeMs)
      this.take({ type: "TimePassed", nowMs: atMs, wallMs: wallMs - (nowMs - atMs) })
    }
  }

  private take(event: MasterEvent): void {
    this.changed.take(event, this.world.step(event))
  }

  private stepChanged(seq: number, event: MasterEvent, recordedActions: ReadonlyArray<MasterAction>): void {
    const translated = this.translate(event)
    if (translated !== undefined) this.take(translated)
    if ("offerIds" in event) {
      for (const id of event.offerIds) this.places.delete(id)
      this.noteLost(seq, event.frameworkId, recordedActions)
    }
  }

  /** The event as it would have been here; undefined when there was no reason for it. */
  private translate(event: MasterEvent): MasterEvent | undefined {
    if ("offerIds" in event) {
      const offerIds = event.offerIds.map((id) => this.counterpart(id)).filter((id) => id !== undefined)
      return offerIds.length === 0 && event.offerIds.length > 0
        ? undefined
        : ({ ...event, offerIds: Array.from(new Set(offerIds)) } as MasterEvent)
    }
    const task = "status" in event ? event.status : "taskId" in event ? event : undefined
    if (task !== undefined && this.lostTasks.has(taskKey(task.frameworkId, task.taskId))) return undefined
    if (event.type === "AgentRegistered") {
      const tasks = event.tasks.filter(
        ({ spec }) => !this.lostTasks.has(taskKey(spec.frameworkId, spec.taskId)),
      )
      return { ...event, tasks }
    }
    return event
  }

  /** The offer that the framework has of the same host in the same role. One that the record does not know stays as it is: invalid. */
  private counterpart(offerId: string): string | undefined {
    const place = this.places.get(offerId)
    if (place === undefined) return `${offerId} of no record`
    const { state } = this.world
    const isThere = (id: string) => {
      const offer = state.offers.get(id)
      return (
        offer !== undefined &&
        offer.frameworkId === place.frameworkId &&
        offer.agentId === place.agentId &&
        offer.role === place.role
      )
    }
    // Of several offers of one host the very same one, as long as the worlds go together.
    return isThere(offerId) ? offerId : state.offersByFramework.of(place.frameworkId).find(isThere)
  }

  private noteLost(seq: number, frameworkId: string, recordedActions: ReadonlyArray<MasterAction>): void {
    const tasks: Array<string> = []
    let agentId: string | null = null
    for (const action of recordedActions) {
      if (action.type !== "SendToAgent") continue
      for (const spec of launchedBy(action.message)) {
        const key = taskKey(spec.frameworkId, spec.taskId)
        if (this.world.state.tasks.has(key)) continue
        this.lostTasks.add(key)
        tasks.push(spec.taskId)
        agentId = action.agentId
      }
    }
    if (tasks.length === 0) return
    this.lostCalls++
    this.lostCount += tasks.length
    const framework = this.world.state.frameworks.get(frameworkId)?.info.name ?? frameworkId
    if (this.named.length < namedMax) this.named.push({ seq, framework, tasks, agentId })
  }

  result(): WhatIfResult {
    const recorded = this.recorded.byFramework()
    const changed = this.changed.byFramework()
    const keys = Array.from(new Set([...recorded.keys(), ...changed.keys()])).sort()
    return {
      offers: { recorded: this.recorded.offers, changed: this.changed.offers },
      byFramework: keys.map((key) => {
        const { framework, frameworkId, role } = (recorded.get(key) ?? changed.get(key)) as OfferCount
        const counts = { recorded: recorded.get(key)?.offers ?? 0, changed: changed.get(key)?.offers ?? 0 }
        return { framework, frameworkId, role, ...counts }
      }),
      waits: { recorded: this.recorded.waitsSummary(), changed: this.changed.waitsSummary() },
      stopped: this.stopped,
      lostLaunches: { calls: this.lostCalls, tasks: this.lostCount, first: this.named },
    }
  }
}
