import { randomUUID } from "node:crypto"
import { Clock, Effect, Fiber } from "effect"
import { exitCodeLabel } from "../../../core/agent/Statuses.ts"
import { httpUrl, schemeOf } from "../../http/HttpUrl.ts"
import type { SchedulerClientError, WireEvent } from "../../mesos/SchedulerClient.ts"
import type { KeptSubscription } from "./KeptSubscription.ts"
import type { OneTaskOptions, TaskEnd } from "./OneTask.ts"
import { fitsOffer, toTaskInfo, type WireOffer } from "./RunRequest.ts"
import { judgeStatus, type WireStatus } from "./StatusVerdict.ts"
import { followFile, type ReadFailure } from "./TaskOutput.ts"

/** What happens to a task, one after the other. */
export type RunEvent =
  | { readonly type: "Heard"; readonly event: WireEvent }
  | { readonly type: "Resubscribed" }
  | { readonly type: "KillWanted" }
  /** A second has passed. */
  | { readonly type: "Ticked" }

/** Offers are refused for this long once the task has its place. */
const refuseSeconds = 3_600

/** Launches that come to nothing, at most: the offers of a host whose own work grows may vanish again and again. */
const launchesMax = 10

/** A question about the task that stays unanswered is asked again after 2 s, 4 s, … (spec/mesos.md §2.8). */
const askMsMin = 2_000
const askMsMax = 60_000
/** As a matter of form, however good the connection looks. */
const askAnywayMs = 600_000

/** A launch and what has been heard of it. */
interface Launch {
  readonly taskId: string
  readonly agentId: string
  readonly output: Fiber.RuntimeFiber<unknown> | undefined
  /** Its agent has said something of it. */
  hasBegun: boolean
  hasRun: boolean
  hasEnded: boolean
}

/** Takes the first offer that fits and follows its task to the end, over lost connections and lost offers. */
export class RunningTask {
  private launch: Launch | undefined
  private launches = 0
  private isKillWanted = false
  private hasToldUnreadable = false
  private hasToldUnreachable = false
  /** When the master is asked for the task, and after how long again if it does not answer. */
  private askAtMs = Number.POSITIVE_INFINITY
  private askMs = askMsMin

  constructor(
    private readonly options: OneTaskOptions,
    private readonly subscription: KeptSubscription,
  ) {}

  get isWaitingForPlace(): boolean {
    return this.launch === undefined
  }

  handle(event: RunEvent): Effect.Effect<TaskEnd | undefined, SchedulerClientError> {
    switch (event.type) {
      case "Heard":
        return this.hear(event.event)
      case "Resubscribed":
        this.askMs = askMsMin
        return Effect.as(this.launch === undefined ? Effect.void : this.askAgain(this.launch), undefined)
      case "KillWanted":
        return this.kill()
      case "Ticked":
        return Effect.as(this.askWhenDue(), undefined)
    }
  }

  private hear(event: WireEvent): Effect.Effect<TaskEnd | undefined, SchedulerClientError> {
    switch (event.type) {
      case "OFFERS":
        return this.takeOffers((event.offers as { offers: ReadonlyArray<WireOffer> }).offers)
      case "UPDATE":
        return this.takeStatus((event.update as { status: WireStatus }).status)
      default:
        return Effect.succeed(undefined)
    }
  }

  private kill(): Effect.Effect<TaskEnd | undefined, SchedulerClientError> {
    return Effect.gen(this, function* () {
      this.isKillWanted = true
      if (this.launch === undefined) return killedBefore
      if (!(yield* this.callKill(this.launch))) {
        this.options.tell("the master cannot be reached: the task is killed when it is back")
      }
      return undefined
    })
  }

  private callKill({ taskId }: Launch) {
    return this.subscription.call({ type: "KILL", kill: { task_id: { value: taskId } } })
  }

  /** What the master believes of the task decides what to do; the calls that got lost are made up for by it. */
  private askAgain(launch: Launch): Effect.Effect<void, SchedulerClientError> {
    return Effect.gen(this, function* () {
      this.askAtMs = (yield* Clock.currentTimeMillis) + this.askMs
      this.askMs = Math.min(2 * this.askMs, askMsMax)
      if (this.isKillWanted) yield* this.callKill(launch)
      const task = { task_id: { value: launch.taskId }, agent_id: { value: launch.agentId } }
      yield* this.subscription.call({ type: "RECONCILE", reconcile: { tasks: [task] } })
      yield* this.subscription.call({ type: "SUPPRESS" })
    })
  }

  private askWhenDue(): Effect.Effect<void, SchedulerClientError> {
    return Effect.gen(this, function* () {
      if (this.launch === undefined) return
      if (this.askAtMs <= (yield* Clock.currentTimeMillis)) yield* this.askAgain(this.launch)
    })
  }

  private takeOffers(offers: ReadonlyArray<WireOffer>): Effect.Effect<undefined, SchedulerClientError> {
    return Effect.gen(this, function* () {
      const { request } = this.options
      const place =
        this.launch === undefined && !this.isKillWanted
          ? offers.find((offer) => fitsOffer(request, offer))
          : undefined
      const others = offers.filter((offer) => offer !== place)
      if (others.length > 0) {
        const filters = this.launch === undefined ? {} : { filters: { refuse_seconds: refuseSeconds } }
        const offer_ids = others.map((offer) => offer.id)
        yield* this.subscription.call({ type: "DECLINE", decline: { offer_ids, ...filters } })
      }
      if (place !== undefined) yield* this.launchOn(place)
      return undefined
    })
  }

  private launchOn(offer: WireOffer): Effect.Effect<void, SchedulerClientError> {
    return Effect.gen(this, function* () {
      const { request } = this.options
      const taskId = `${request.name}-${randomUUID().slice(0, 8)}`
      const agentId = offer.agent_id.value
      this.launches++
      const launch: Launch = {
        ...{ taskId, agentId, hasBegun: false, hasRun: false, hasEnded: false },
        output: yield* this.followOutput(offer, taskId),
      }
      this.launch = launch
      const accept = {
        offer_ids: [offer.id],
        operations: [{ type: "LAUNCH", launch: { task_infos: [toTaskInfo(request, taskId, agentId)] } }],
        filters: { refuse_seconds: refuseSeconds },
      }
      this.askAtMs = (yield* Clock.currentTimeMillis) + askAnywayMs
      const isTaken = yield* this.subscription.call({ type: "ACCEPT", accept })
      if (isTaken) yield* this.subscription.call({ type: "SUPPRESS" })
    })
  }

  private followOutput(offer: WireOffer, taskId: string) {
    return Effect.gen(this, function* () {
      const address = offer.url?.address
      if (address === undefined) {
        this.tellUnreadable("the offer does not say where its agent is")
        return undefined
      }
      const { frameworkId } = this.subscription
      const { access } = this.options
      // A cluster speaks HTTPS as a whole or not at all.
      const agentUrl = httpUrl(address.ip ?? address.hostname, address.port, schemeOf(access.url))
      const sandbox = { agentUrl, access, frameworkId, taskId }
      const isOf = () => (this.launch?.taskId === taskId ? this.launch : undefined)
      const follow = {
        isComplete: () => isOf()?.hasEnded === true,
        onFailing: (error: ReadFailure) => {
          // A task that never ran has no sandbox; its status says why.
          const isMissing = error._tag === "HttpStatusError" && error.status === 404
          if (isOf()?.hasRun === true || !isMissing) this.tellUnreadable(error.message)
        },
      }
      const { writeStdout, writeStderr } = this.options
      return yield* Effect.forkDaemon(
        Effect.all(
          [
            followFile(sandbox, "stdout", writeStdout, follow),
            followFile(sandbox, "stderr", writeStderr, follow),
          ],
          { concurrency: 2 },
        ),
      )
    })
  }

  /** Once: the task goes on, and whoever waits for its output should know. */
  private tellUnreadable(why: string): void {
    if (this.hasToldUnreadable) return
    this.hasToldUnreadable = true
    this.options.tell(`the task's output cannot be read from here: ${why}`)
  }

  private takeStatus(status: WireStatus): Effect.Effect<TaskEnd | undefined, SchedulerClientError> {
    return Effect.gen(this, function* () {
      const { launch } = this
      if (launch === undefined || status.task_id.value !== launch.taskId) {
        yield* this.acknowledge(status)
        return undefined
      }
      const againMs = status.state === "TASK_UNREACHABLE" ? askMsMax : askAnywayMs
      this.askAtMs = (yield* Clock.currentTimeMillis) + againMs
      this.askMs = askMsMin
      const verdict = judgeStatus(status, launch.hasBegun)
      if (verdict === "Over") {
        launch.hasEnded = true
        // The output first: once the end is acknowledged, nobody owes us the sandbox any more.
        if (launch.output !== undefined) yield* Fiber.await(launch.output)
      }
      yield* this.acknowledge(status)
      switch (verdict) {
        case "Over":
          return toEnd(status)
        case "NotBegun":
          return yield* this.launchAgain(launch, status)
        case "GoesOn":
          this.noteProgress(launch, status)
          return undefined
        case "ToldStill":
          return undefined
      }
    })
  }

  private acknowledge({ task_id, agent_id, uuid }: WireStatus) {
    // Without a uuid there is nothing to acknowledge (spec/mesos.md §2.7). What gets lost here is told and
    // acknowledged once more.
    if (uuid === undefined || agent_id === undefined) return Effect.void
    return this.subscription.call({ type: "ACKNOWLEDGE", acknowledge: { agent_id, task_id, uuid } })
  }

  private noteProgress(launch: Launch, { state }: WireStatus): void {
    if (state === "TASK_UNREACHABLE") {
      if (!this.hasToldUnreachable) this.options.tell("the task's host is out of reach; waiting for it")
      this.hasToldUnreachable = true
      return
    }
    if (state !== "TASK_STAGING") launch.hasBegun = true
    if (state === "TASK_RUNNING") launch.hasRun = true
    this.hasToldUnreachable = false
  }

  /** The launch came to nothing, e.g. because its offer was rescinded meanwhile: the next offer gets the task. */
  private launchAgain(launch: Launch, status: WireStatus) {
    return Effect.gen(this, function* () {
      if (launch.output !== undefined) yield* Fiber.interrupt(launch.output)
      if (this.isKillWanted) return killedBefore
      const why = status.message ?? status.state
      if (this.launches >= launchesMax) {
        return { ...toEnd(status), message: `${why} (the last of ${this.launches} launches)` }
      }
      this.launch = undefined
      this.options.tell(`the task was not launched (${why}); trying the next offer`)
      yield* this.subscription.call({ type: "REVIVE" })
      return undefined
    })
  }
}

const killedBefore: TaskEnd = {
  state: "TASK_KILLED",
  message: "before it was launched",
  reason: undefined,
  exitCode: undefined,
}

const toEnd = ({ state, message = "", reason, labels }: WireStatus): TaskEnd => {
  const label = labels?.labels?.find(({ key }) => key === exitCodeLabel)?.value
  return { state, message, reason, exitCode: label === undefined ? exitCodeIn(message) : Number(label) }
}

/** Apache Mesos tells the code only in its sentence. */
const exitCodeIn = (message: string): number | undefined => {
  const status = /exited with status (\d+)/.exec(message)
  return status === null ? undefined : Number(status[1])
}
