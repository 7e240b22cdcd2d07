import { tasksOfFramework } from "../../core/master/Context.ts"
import type { MasterEvent } from "../../core/master/Event.ts"
import type { MasterState } from "../../core/master/State.ts"
import { isTerminal, type TaskState, taskStates } from "../../core/Task.ts"
import type { Batch } from "../journal/Journal.ts"
import { countNames } from "./CountNames.ts"
import type { Outgoing } from "./Mailbox.ts"

// `master/frameworks/<name>/<id>/…` of Mesos's metrics: what each framework asked for, was told and has. Counted since it subscribed to
// this process, and forgotten when it leaves. Heartbeats are not counted, nor calls that come to no event (REQUEST, MESSAGE).

/** Told of so many frameworks at most, those with the smallest ids: each is seventy figures. */
const measuredFrameworksMax = 200

const callOf: { readonly [type in MasterEvent["type"]]?: string } = {
  OffersAccepted: "accept",
  OffersDeclined: "decline",
  OffersRevived: "revive",
  OffersSuppressed: "suppress",
  KillRequested: "kill",
  ExecutorShutdownRequested: "shutdown",
  StatusAcknowledged: "acknowledge",
  ReconciliationRequested: "reconcile",
  FrameworkUpdated: "update_framework",
  OperationAcknowledged: "acknowledge_operation_status",
  OperationsReconciled: "reconcile_operations",
  TeardownRequested: "teardown",
}

/** Calls with an answer to inverse offers, by the answer. */
const inverseCalls = ["accept_inverse_offers", "decline_inverse_offers"]

const operations = [
  ...["launch", "launch_group", "reserve", "unreserve", "create", "destroy"],
  ...["grow_volume", "shrink_volume", "create_disk", "destroy_disk"],
]

const always: ReadonlyArray<string> = [
  "calls",
  ...["subscribe", ...Object.values(callOf), ...inverseCalls].map((name) => `calls/${name}`),
  "events",
  ...["subscribed", "offers", "rescind", "update", "failure", "error"].map((name) => `events/${name}`),
  ...["update_operation_status", "inverse_offers", "rescind_inverse_offer"].map((name) => `events/${name}`),
  ...["sent", "accepted", "declined", "rescinded"].map((name) => `offers/${name}`),
  "operations",
  ...operations.map((name) => `operations/${name}`),
]

/** `calls/accept`, as one and the same text each time: one that is put together has to be hashed for each call. */
const nameBelow = (all: string, one: string): string => {
  let names = namesBelow.get(all)
  if (names === undefined) {
    names = new Map()
    namesBelow.set(all, names)
  }
  let name = names.get(one)
  if (name === undefined) {
    name = `${all}/${one}`
    names.set(one, name)
  }
  return name
}

/** As few as there are kinds of calls, events and operations. */
const namesBelow = new Map<string, Map<string, string>>()

interface Counted {
  readonly streamId: string
  readonly counts: Map<string, number>
  readonly ends: Map<TaskState, number>
}

const nothing: Pick<Counted, "counts" | "ends"> = { counts: new Map(), ends: new Map() }

export class FrameworkCounters {
  private readonly frameworks = new Map<string, Counted>()
  /** Whose stream it is. */
  private readonly owners = new Map<string, string>()

  observe({ events, changes }: Batch, effects: ReadonlyArray<Outgoing>): void {
    for (const { event } of events) this.observeCall(event as MasterEvent)
    for (const effect of effects) this.observeEffect(effect)
    for (const { kind, key, value } of changes)
      if (kind === "framework" && value === undefined) this.forget(key)
  }

  /** A task of it has ended; told once. */
  observeEnd(frameworkId: string, state: TaskState): void {
    const ends = this.frameworks.get(frameworkId)?.ends
    ends?.set(state, (ends.get(state) ?? 0) + 1)
  }

  /** By name; of the frameworks that are there. */
  figures(state: MasterState): { readonly [name: string]: number } {
    const figures: { [name: string]: number } = {}
    for (const id of [...state.frameworks.keys()].sort().slice(0, measuredFrameworksMax)) {
      const { info, streamId, suppressedRoles } = state.frameworks.get(id)!
      const place = `master/frameworks/${encodeURIComponent(info.name.replace(/\p{Surrogate}/gu, "\ufffd"))}/${id}`
      const { counts, ends } = this.frameworks.get(id) ?? nothing
      for (const name of always) figures[`${place}/${name}`] = counts.get(name) ?? 0
      figures[`${place}/subscribed`] = streamId === null ? 0 : 1
      for (const role of info.roles)
        figures[`${place}/roles/${role}/suppressed`] = suppressedRoles.includes(role) ? 1 : 0
      const living = tasksOfFramework(state, id).filter(({ hasEnded }) => !hasEnded)
      const active = countNames(living.map((task) => task.state))
      for (const name of taskStates) {
        const isEnd = isTerminal(name)
        figures[`${place}/tasks/${isEnd ? "terminal" : "active"}/${name.toLowerCase()}`] = isEnd
          ? (ends.get(name) ?? 0)
          : active(name)
      }
    }
    return figures
  }

  private observeCall(event: MasterEvent): void {
    if (event.type === "InverseOffersAnswered") {
      this.add(event.frameworkId, "calls", `${event.answer}_inverse_offers`)
      return
    }
    const call = callOf[event.type]
    if (call === undefined || !("frameworkId" in event) || event.frameworkId === null) return
    const { frameworkId } = event
    this.add(frameworkId, "calls", call)
    if (event.type === "OffersDeclined") this.count(frameworkId, "offers/declined", event.offerIds.length)
    if (event.type !== "OffersAccepted") return
    this.count(frameworkId, "offers/accepted", event.offerIds.length)
    for (const { type } of event.operations) this.add(frameworkId, "operations", type.toLowerCase())
  }

  private observeEffect(effect: Outgoing): void {
    switch (effect.type) {
      case "ConfirmSubscription":
        this.open(effect.framework.id, effect.streamId)
        this.add(effect.framework.id, "calls", "subscribe")
        return this.add(effect.framework.id, "events", "subscribed")
      case "OfferResources":
        this.count(effect.framework.id, "offers/sent", effect.offers.length)
        return this.add(effect.framework.id, "events", "offers")
      case "SendStatus":
        return this.add(effect.status.frameworkId, "events", "update")
      case "SendOperationStatus":
        return this.tell(effect.streamId, "update_operation_status")
      case "OfferInversely":
        return this.tell(effect.streamId, "inverse_offers")
      case "RescindInverseOffer":
        return this.tell(effect.streamId, "rescind_inverse_offer")
      case "RescindOffer":
        this.tell(effect.streamId, "rescind")
        return this.toOwner(effect.streamId, (id) => this.count(id, "offers/rescinded", 1))
      case "ReportAgentFailure":
        return this.tell(effect.streamId, "failure")
      case "RefuseSubscription":
        return this.tell(effect.streamId, "error")
    }
  }

  private toOwner(streamId: string, use: (frameworkId: string) => void): void {
    const frameworkId = this.owners.get(streamId)
    if (frameworkId !== undefined) use(frameworkId)
  }

  private tell(streamId: string, event: string): void {
    this.toOwner(streamId, (id) => this.add(id, "events", event))
  }

  private add(frameworkId: string, all: string, one: string): void {
    this.count(frameworkId, all, 1)
    this.count(frameworkId, nameBelow(all, one), 1)
  }

  private count(frameworkId: string, name: string, times: number): void {
    const counts = this.frameworks.get(frameworkId)?.counts
    counts?.set(name, (counts.get(name) ?? 0) + times)
  }

  private open(frameworkId: string, streamId: string): void {
    const before = this.frameworks.get(frameworkId)
    if (before !== undefined) this.owners.delete(before.streamId)
    this.owners.set(streamId, frameworkId)
    this.frameworks.set(frameworkId, { counts: new Map(), ends: new Map(), ...before, streamId })
  }

  private forget(frameworkId: string): void {
    const before = this.frameworks.get(frameworkId)
    if (before !== undefined) this.owners.delete(before.streamId)
    this.frameworks.delete(frameworkId)
  }
}
