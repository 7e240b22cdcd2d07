import { randomUUID } from "node:crypto"
import { hostname, userInfo } from "node:os"
import { Deferred, Effect, Queue, type Scope } from "effect"
import { exitCodeLabel } from "../../../core/agent/Statuses.ts"
import { isTerminal, type TaskState } from "../../../core/Task.ts"
import { httpUrl } from "../../http/HttpUrl.ts"
import {
  type MasterAccess,
  type SchedulerClient,
  type SchedulerClientError,
  subscribe,
  type WireEvent,
} from "../../mesos/SchedulerClient.ts"
import { fitsOffer, type RunRequest, toTaskInfo, type WireOffer } from "./RunRequest.ts"
import { followFile, type ReadFailure } from "./TaskOutput.ts"

/** How the task ended, as its framework was told. */
export interface TaskEnd {
  readonly state: string
  readonly message: string
  readonly reason: string | undefined
  /** The command's own code when it has one. */
  readonly exitCode: number | undefined
}

export interface OneTaskOptions {
  readonly access: MasterAccess
  readonly request: RunRequest
  /** Lines for people: what is being waited for. */
  readonly tell: (line: string) => void
  readonly writeStdout: (bytes: Buffer) => Effect.Effect<void>
  readonly writeStderr: (bytes: Buffer) => Effect.Effect<void>
}

/** A task that is on its way; `kill` may be called at any time. */
export interface OneTask {
  readonly ended: Effect.Effect<TaskEnd, SchedulerClientError>
  readonly kill: Effect.Effect<void>
}

interface WireStatus {
  readonly task_id: { readonly value: string }
  readonly agent_id?: { readonly value: string }
  readonly state: TaskState
  readonly message?: string
  readonly reason?: string
  readonly uuid?: string
  readonly labels?: { readonly labels?: ReadonlyArray<{ readonly key: string; readonly value?: string }> }
}

/** Offers are refused for this long once the task has its place. */
const refuseSeconds = 3_600

/**
 * Runs one task as a framework of its own over the v1 scheduler API: takes the first offer that fits, copies the
 * output while it runs, acknowledges every status, and leaves by TEARDOWN. With a failover timeout of 0 the master
 * kills the task should this process die.
 */
export const startOneTask = (
  options: OneTaskOptions,
): Effect.Effect<OneTask, SchedulerClientError, Scope.Scope> =>
  Effect.gen(function* () {
    const { access, request, tell } = options
    const taskId = `${request.name}-${randomUUID().slice(0, 8)}`
    const ended = yield* Deferred.make<TaskEnd, SchedulerClientError>()
    const events = yield* Queue.unbounded<WireEvent>()
    const client = yield* subscribe(
      access,
      {
        user: "",
        name: `gleaner run ${request.name}`,
        hostname: hostname(),
        principal: userInfo().username,
        role: request.role,
        failover_timeout: 0,
        capabilities: [{ type: "PARTITION_AWARE" }],
      },
      (event) => {
        events.unsafeOffer(event)
      },
    )
    const task = new RunningTask(options, client, taskId)

    const handleAll = Effect.gen(function* () {
      while (true) {
        const end = yield* task.handle(yield* Queue.take(events))
        if (end !== undefined) return end
      }
    })
    yield* Effect.addFinalizer(() => Effect.ignore(client.call({ type: "TEARDOWN" })))
    yield* Effect.forkScoped(Effect.intoDeferred(handleAll, ended))
    yield* Effect.forkScoped(
      Effect.zipRight(client.ended, Effect.succeed(lostConnection)).pipe(Effect.intoDeferred(ended)),
    )
    yield* Effect.forkScoped(task.remindOfWaiting(tell))
    return { ended: Deferred.await(ended), kill: task.kill }
  })

const lostConnection: TaskEnd = {
  state: "TASK_LOST",
  message: "the master ended the connection",
  reason: undefined,
  exitCode: undefined,
}

class RunningTask {
  private agentId: string | undefined
  private hasEnded = false
  private output: Effect.Effect<unknown> = Effect.void
  private isKillWanted = false
  private hasRun = false
  private hasToldUnreadable = false

  constructor(
    private readonly options: OneTaskOptions,
    private readonly client: SchedulerClient,
    private readonly taskId: string,
  ) {}

  handle(event: WireEvent): Effect.Effect<TaskEnd | undefined, SchedulerClientError> {
    switch (event.type) {
      case "OFFERS":
        return this.takeOffers((event.offers as { offers: ReadonlyArray<WireOffer> }).offers)
      case "UPDATE":
        return this.takeStatus((event.update as { status: WireStatus }).status)
      default:
        return Effect.succeed(undefined)
    }
  }

  get kill(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.isKillWanted = true
      return Effect.ignore(this.client.call({ type: "KILL", kill: { task_id: { value: this.taskId } } }))
    })
  }

  private takeOffers(offers: ReadonlyArray<WireOffer>): Effect.Effect<undefined, SchedulerClientError> {
    return Effect.gen(this, function* () {
      const { request } = this.options
      const place =
        this.agentId === undefined && !this.isKillWanted
          ? offers.find((offer) => fitsOffer(request, offer))
          : undefined
      const others = offers.filter((offer) => offer !== place)
      if (others.length > 0) {
        const filters = this.agentId === undefined ? {} : { filters: { refuse_seconds: refuseSeconds } }
        const offer_ids = others.map((offer) => offer.id)
        yield* this.client.call({ type: "DECLINE", decline: { offer_ids, ...filters } })
      }
      if (place === undefined) return
      this.agentId = place.agent_id.value
      yield* this.followOutput(place)
      yield* this.client.call({
        type: "ACCEPT",
        accept: {
          offer_ids: [place.id],
          operations: [
            {
              type: "LAUNCH",
              launch: { task_infos: [toTaskInfo(request, this.taskId, place.agent_id.value)] },
            },
          ],
          filters: { refuse_seconds: refuseSeconds },
        },
      })
      yield* this.client.call({ type: "SUPPRESS" })
    }).pipe(Effect.as(undefined))
  }

  private followOutput(offer: WireOffer): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const address = offer.url?.address
      if (address === undefined) return this.tellUnreadable("the offer does not say where its agent is")
      const sandbox = {
        agentUrl: httpUrl(address.ip ?? address.hostname, address.port),
        secret: this.options.access.secret,
        frameworkId: this.client.frameworkId,
        taskId: this.taskId,
      }
      const follow = {
        isComplete: () => this.hasEnded,
        onFailing: (error: ReadFailure) => {
          // A task that never ran has no sandbox; its status says why.
          const isMissing = error._tag === "HttpStatusError" && error.status === 404
          if (this.hasRun || !isMissing) this.tellUnreadable(error.message)
        },
      }
      const fiber = yield* Effect.forkDaemon(
        Effect.all(
          [
            followFile(sandbox, "stdout", this.options.writeStdout, follow),
            followFile(sandbox, "stderr", this.options.writeStderr, follow),
          ],
          { concurrency: 2 },
        ),
      )
      this.output = fiber.await
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
      if (status.state === "TASK_RUNNING") this.hasRun = true
      // TASK_UNKNOWN answers the KILL of a task that was never launched.
      const isOver = isTerminal(status.state) || status.state === "TASK_UNKNOWN"
      if (isOver) {
        this.hasEnded = true
        // The output first: once the end is acknowledged, nobody owes us the sandbox any more.
        yield* this.output
      }
      if (status.uuid !== undefined && status.agent_id !== undefined) {
        const { task_id, agent_id, uuid } = status
        yield* this.client.call({ type: "ACKNOWLEDGE", acknowledge: { agent_id, task_id, uuid } })
      }
      if (!isOver) return undefined
      const label = status.labels?.labels?.find(({ key }) => key === exitCodeLabel)?.value
      return {
        state: status.state,
        message: status.message ?? "",
        reason: status.reason,
        exitCode: label === undefined ? exitCodeIn(status.message ?? "") : Number(label),
      }
    })
  }

  /** Tells every few seconds that no offer has fitted yet, so that nobody waits without knowing for what. */
  remindOfWaiting(tell: (line: string) => void): Effect.Effect<void> {
    const { cpus, memMiB } = this.options.request
    return Effect.sync(() => {
      if (this.agentId === undefined) tell(`waiting for an offer with cpus:${cpus} and mem:${memMiB} MiB`)
    }).pipe(Effect.delay("5 seconds"), Effect.forever)
  }
}

/** Apache Mesos tells the code only in its sentence. */
const exitCodeIn = (message: string): number | undefined => {
  const status = /exited with status (\d+)/.exec(message)
  return status === null ? undefined : Number(status[1])
}
