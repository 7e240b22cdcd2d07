import { compareJson, compareReply, type Difference } from "./Comparison.ts"
import { Connection, recordsIn, requestToText, soon } from "./Connection.ts"
import { type Ids, idsIn } from "./Ids.ts"
import type { Json, Request, Response, StreamItem, Transcript } from "./Transcript.ts"

const waitMs = 3_000
/** For offers, after one did not come. */
const dryWaitMs = 150

/** Offers of an event, one by one. */
const offersIn = (event: Json): ReadonlyArray<Json> => event.offers?.offers ?? []

/** What an event is about, for waiting: how often time itself has one is left out. */
const subjectOf = ({ type, update }: Json): string | undefined =>
  type === "HEARTBEAT" ? undefined : type === "UPDATE" ? `task ${update.status.task_id.value}` : type

/** How much of a resource there is, reserved or not. */
const amountOf = (offer: Json, name: string): number =>
  offer.resources.reduce(
    (sum: number, resource: Json) => sum + (resource.name === name ? resource.scalar.value : 0),
    0,
  )

const isAsLarge = (ours: Json, recorded: Json): boolean =>
  ["cpus", "mem"].every((name) => amountOf(ours, name) > amountOf(recorded, name) - 0.0005)

/** One event stream played again: its request, what came on it, and what of it has been compared. */
export class SchedulerStream {
  private readonly differences: Array<Difference> = []
  private readonly goneOffers = new Set<string>()
  private acknowledged = 0
  /** An offer that was waited for did not come. */
  private isDry = false
  /** Of which something did not come: nothing more is waited for. */
  private readonly lostSubjects = new Set<string>()

  private constructor(
    readonly transcript: Transcript,
    private readonly connection: Connection,
    private readonly ids: Ids,
  ) {}

  static async open(
    url: string,
    transcript: Transcript,
    request: Request,
    ids: Ids,
  ): Promise<SchedulerStream> {
    const connection = await Connection.open(url)
    connection.write(requestToText(request))
    const stream = new SchedulerStream(transcript, connection, ids)
    const isStream = () => stream.events().length > 0 || connection.reply()?.isComplete === true
    await soon(() => isStream() || connection.isClosed, 10_000)
    stream.compareBeginning()
    return stream
  }

  private get recorded(): Response {
    return this.transcript.response as Response
  }

  items(): ReadonlyArray<StreamItem> {
    return this.recorded.events ?? []
  }

  events(): ReadonlyArray<Json> {
    const reply = this.connection.reply()
    return reply === undefined || reply.response.status !== 200 ? [] : recordsIn(reply.chunks.join(""))
  }

  headers() {
    return this.connection.reply()?.response.headers ?? []
  }

  close(): void {
    this.connection.close()
  }

  private compareBeginning(): void {
    const reply = this.connection.reply()?.response
    const ours = reply ?? { status: 0, headers: [], body: "closed without a reply" }
    this.differences.push(...compareReply(this.recorded, ours, this.ids))
    const isSubscribed = ({ type }: Json) => type === "SUBSCRIBED" || type === "ERROR"
    const [recorded, answered] = [
      this.items()
        .map(({ event }) => event)
        .find(isSubscribed),
      this.events(),
    ]
    if (ours.status !== 200) return
    this.differences.push(...this.compared("0", recorded, answered.find(isSubscribed)))
  }

  private compared(path: string, recorded: Json, ours: Json): ReadonlyArray<Difference> {
    return compareJson({ [path]: recorded }, { [path]: ours }, this.ids)
  }

  /** The statuses that came without being taken yet. */
  takeStatuses(): ReadonlyArray<Json> {
    const statuses = this.events().flatMap((event) => (event.type === "UPDATE" ? [event.update.status] : []))
    const fresh = statuses.slice(this.acknowledged)
    this.acknowledged = statuses.length
    return fresh
  }

  /** What came of an operation has a uuid of the master's or the agent's making, by which it is acknowledged. */
  private pairOperations(): void {
    const uuidsIn = (events: ReadonlyArray<Json>) =>
      events.flatMap(({ update_operation_status }) => {
        const { operation_id, uuid } = update_operation_status?.status ?? {}
        return uuid === undefined ? [] : [[operation_id.value as string, uuid.value as string] as const]
      })
    const ours = new Map(uuidsIn(this.events()))
    for (const [operationId, uuid] of uuidsIn(this.items().map(({ event }) => event))) {
      const partner = ours.get(operationId)
      if (partner !== undefined) this.ids.bindWord(uuid, partner)
    }
  }

  /** Of an agent, in order. */
  private pairInverseOffers(): void {
    const inverse = (events: ReadonlyArray<Json>, toOurs: (id: string) => string) =>
      events
        .flatMap(({ inverse_offers }) => inverse_offers?.inverse_offers ?? [])
        .map(({ id, agent_id }: Json) => ({ id: id.value as string, agentId: toOurs(agent_id?.value ?? "") }))
    const recorded = inverse(
      this.items().map(({ event }) => event),
      (id) => this.ids.toOurs(id),
    )
    const ours = inverse(this.events(), (id) => id)
    for (const { id, agentId } of recorded) {
      if (this.ids.isBound(id)) continue
      const partner = ours.find((one) => one.agentId === agentId && !this.ids.isOursBound(one.id))
      if (partner !== undefined) this.ids.bind(id, partner.id)
    }
  }

  /** Of a task, in order. */
  private statusesOf(events: ReadonlyArray<Json>, taskId: string): ReadonlyArray<Json> {
    return events.flatMap(({ update }) => (update?.status.task_id.value === taskId ? [update.status] : []))
  }

  /** Waits until everything has come that the recorded stream had by then; what does not come is not waited for again. */
  async catchUp(untilMs: number, whileWaiting: () => Promise<void>): Promise<void> {
    const due = this.items().flatMap(({ at_ms, event }) => (at_ms <= untilMs ? (subjectOf(event) ?? []) : []))
    for (const subject of new Set(due)) {
      if (this.lostSubjects.has(subject)) continue
      const wanted = due.filter((other) => other === subject).length
      const hasCome = async () => {
        await whileWaiting()
        const come = this.events().filter((event) => subjectOf(event) === subject).length
        return come >= (subject === "OFFERS" ? 1 : wanted)
      }
      if (!(await soon(hasCome, this.isOver() ? 0 : waitMs))) this.lostSubjects.add(subject)
    }
    this.pairOperations()
    this.pairInverseOffers()
  }

  private isOver(): boolean {
    const reply = this.connection.reply()
    return this.connection.isClosed || reply?.isComplete === true
  }

  /** Nothing of these tasks is waited for. */
  expectNothingOf(taskIds: ReadonlyArray<string>): void {
    for (const taskId of taskIds) this.lostSubjects.add(`task ${taskId}`)
  }

  noteAnswered(offerIds: ReadonlyArray<string>): void {
    for (const id of offerIds) this.goneOffers.add(id)
  }

  outstandingIds(): ReadonlyArray<string> {
    return this.outstanding().map(({ id }) => id.value)
  }

  private outstanding(): ReadonlyArray<Json> {
    const events = this.events()
    const rescinded = new Set(events.flatMap(({ rescind }) => rescind?.offer_id.value ?? []))
    return events
      .flatMap(offersIn)
      .filter(({ id }) => !this.goneOffers.has(id.value) && !rescinded.has(id.value))
  }

  /**
   * Makes one of our outstanding offers the partner of a recorded one: of the same agent, the newest that is as large,
   * since Mesos and we need not offer equally often. Waits for it, and compares the two. Offers that are only pieces of it
   * are given back by `decline`, so that they come again in one.
   */
  async pairOffer(
    recordedId: string,
    withinMs: number,
    whileWaiting: () => Promise<void>,
    decline: (offerIds: ReadonlyArray<string>) => Promise<void>,
  ): Promise<boolean> {
    const all = this.items().flatMap(({ event }) => offersIn(event))
    const recorded = all.find(({ id }) => id.value === recordedId)
    const agentId = recorded === undefined ? undefined : this.ids.oursOf(recorded.agent_id.value)
    const candidates = () =>
      this.outstanding().filter(
        (offer) =>
          !this.ids.isOursBound(offer.id.value) &&
          (agentId === undefined || offer.agent_id.value === agentId),
      )
    const isWhole = (offer: Json) => recorded === undefined || isAsLarge(offer, recorded)
    const hasCome = async () => {
      await whileWaiting()
      const found = candidates()
      if (found.some(isWhole)) return true
      if (found.length > 1) await decline(found.map(({ id }) => id.value))
      return false
    }
    const isThere = await soon(hasCome, this.isDry || this.isOver() ? dryWaitMs : withinMs)
    this.isDry = !isThere
    const ours = candidates()
      .reverse()
      .sort((left, right) => Number(isWhole(right)) - Number(isWhole(left)))[0]
    if (ours === undefined) return false
    this.ids.bind(recordedId, ours.id.value)
    if (recorded !== undefined)
      this.differences.push(...this.compared(`offers/${recordedId.slice(37)}`, recorded, ours))
    return true
  }

  /** Of several offers that are taken back at once the order is chance; those whose partner is known come first. */
  private inOrder(events: ReadonlyArray<Json>, isRecorded: boolean): ReadonlyArray<Json> {
    const keyOf = ({ rescind }: Json): string => {
      const id: string = rescind?.offer_id.value ?? ""
      const known = isRecorded ? this.ids.oursOf(id) : this.ids.isOursBound(id) ? id : undefined
      return known ?? "~"
    }
    return [...events].sort((left, right) =>
      keyOf(left) < keyOf(right) ? -1 : keyOf(left) > keyOf(right) ? 1 : 0,
    )
  }

  /** Offers of the first event that no call has answered. */
  private compareFirstOffers(): void {
    const isOffers = ({ type }: Json) => type === "OFFERS"
    const recorded = this.items()
      .map(({ event }) => event)
      .find(isOffers)
    const ours = this.events().find(isOffers)
    if (recorded === undefined) return
    if (ours === undefined) return void this.differences.push(...this.compared("offers", recorded, undefined))
    for (const offer of offersIn(recorded)) {
      if (this.ids.isBound(offer.id.value)) continue
      const agentId = this.ids.oursOf(offer.agent_id.value)
      const partner = offersIn(ours).find(({ agent_id }) => agent_id.value === agentId)
      this.differences.push(...this.compared("offers", offer, partner))
    }
  }

  /** All that is left to compare once the scenario is over: per task, and for other kinds of event, in order. */
  async finish(): Promise<ReadonlyArray<Difference>> {
    if (this.connection.reply()?.response.status !== this.recorded.status) return this.differences
    this.compareFirstOffers()
    if (this.recorded.closed === "terminating chunk") {
      const isEnded = await soon(() => this.connection.reply()?.isComplete === true, waitMs)
      this.differences.push(...this.compared("closed", true, isEnded))
    }
    const recorded = this.items().map(({ event }) => event)
    const ours = this.events()
    const tasks = new Set([...recorded, ...ours].flatMap(({ update }) => update?.status.task_id.value ?? []))
    for (const taskId of tasks) {
      const [left, right] = [this.statusesOf(recorded, taskId), this.statusesOf(ours, taskId)]
      this.differences.push(...this.compared(`UPDATE/${taskId}`, withoutRepeats(left), withoutRepeats(right)))
    }
    const typed = ["SUBSCRIBED", "UPDATE", "OFFERS"]
    const threads = new Set([...recorded, ...ours].map(threadOf))
    for (const thread of threads) {
      if (typed.includes(thread)) continue
      const ofThread = (events: ReadonlyArray<Json>) => events.filter((event) => threadOf(event) === thread)
      const [left, right] = [this.inOrder(ofThread(recorded), true), this.inOrder(ofThread(ours), false)]
      // The first one follows at once; how many follow later is a matter of time.
      const isPulse = thread === "HEARTBEAT"
      const [one, other] = isPulse ? [left.slice(0, 1), right.slice(0, 1)] : [left, right]
      this.differences.push(...this.compared(thread, one, other))
    }
    return this.differences
  }
}

/** What an event of operators is about: of different tasks, frameworks or agents, the order is chance. */
const threadOf = (event: Json): string => {
  const { type, task_added, task_updated, framework_added, framework_updated, framework_removed } = event
  const framework = framework_added?.framework ?? framework_updated?.framework ?? framework_removed
  const about =
    task_added?.task.task_id.value ??
    task_updated?.status.task_id.value ??
    framework?.framework_info?.name ??
    event.agent_added?.agent.agent_info.port
  return about === undefined ? type : `${type} ${about}`
}

/** A status that was not acknowledged in time is sent again: one is enough to compare. */
const withoutRepeats = (statuses: ReadonlyArray<Json>): ReadonlyArray<Json> =>
  statuses.filter(
    ({ uuid }, index) => uuid === undefined || statuses.findIndex((other) => other.uuid === uuid) === index,
  )

/** Ids of masters that a text speaks of. */
export const mastersIn = (text: string): ReadonlyArray<string> => [
  ...new Set(idsIn(text).flatMap((id) => (/-([SO]\d+|\d{4})$/.test(id.slice(36)) ? [id.slice(0, 36)] : []))),
]
