import { hostname } from "node:os"
import { Clock, Deferred, Effect, Queue, type Scope } from "effect"
import type { MasterAccess, SchedulerClientError } from "../../mesos/SchedulerClient.ts"
import { keepSubscribed, type MasterLost } from "./KeptSubscription.ts"
import { type RunEvent, RunningTask } from "./RunningTask.ts"
import type { RunRequest } from "./RunRequest.ts"

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
  /** Where the master is after it was lost; default: where it was. */
  readonly findMaster?: Effect.Effect<MasterAccess, unknown>
  readonly request: RunRequest
  /** How long a running master keeps the task when this process is gone; default {@link defaultFailoverSeconds}. */
  readonly failoverSeconds?: number
  /** How long a lost master is waited for; default 1 h. */
  readonly giveUpMs?: number
  /** Why no offer has fitted yet, when that is known. */
  readonly whyWaiting?: Effect.Effect<string | undefined>
  /** Lines for people: what is being waited for. */
  readonly tell: (line: string) => void
  readonly writeStdout: (bytes: Buffer) => Effect.Effect<void>
  readonly writeStderr: (bytes: Buffer) => Effect.Effect<void>
}

/** A task that is on its way; `kill` may be called at any time. */
export interface OneTask {
  readonly ended: Effect.Effect<TaskEnd, SchedulerClientError | MasterLost>
  readonly kill: Effect.Effect<void>
}

/**
 * Enough to reconnect after a cut, short enough that nothing runs on for nobody when this process was killed. A master
 * that was away itself waits at least as long as for its agents, whatever this says.
 */
export const defaultFailoverSeconds = 30

const defaultGiveUpMs = 3_600_000

/**
 * Runs one task as a framework of its own over the v1 scheduler API: takes the first offer that fits, copies the
 * output while it runs, acknowledges every status, and leaves by TEARDOWN. It survives lost connections and restarts of
 * the master: it subscribes again under its id and asks what became of the task.
 */
export const startOneTask = (
  options: OneTaskOptions,
): Effect.Effect<OneTask, SchedulerClientError, Scope.Scope> =>
  Effect.gen(function* () {
    const { access, request, tell } = options
    const ended = yield* Deferred.make<TaskEnd, SchedulerClientError | MasterLost>()
    const events = yield* Queue.unbounded<RunEvent>()
    const subscription = yield* keepSubscribed({
      access,
      findMaster: options.findMaster ?? Effect.succeed(access),
      frameworkInfo: {
        user: "",
        name: `gleaner run ${request.name}`,
        hostname: hostname(),
        // Who comes with a token has the name that the master knows it by.
        ...(typeof access.secret === "object" ? { principal: access.secret.principal } : {}),
        role: request.role,
        failover_timeout: options.failoverSeconds ?? defaultFailoverSeconds,
        capabilities: [{ type: "PARTITION_AWARE" }],
      },
      giveUpMs: options.giveUpMs ?? defaultGiveUpMs,
      onEvent: (event) => {
        events.unsafeOffer({ type: "Heard", event })
      },
      onResubscribed: () => {
        events.unsafeOffer({ type: "Resubscribed" })
      },
      tell,
    })
    const task = new RunningTask(options, subscription)

    const handleAll = Effect.gen(function* () {
      while (true) {
        const end = yield* task.handle(yield* Queue.take(events))
        if (end !== undefined) return end
      }
    })
    yield* Effect.forkScoped(Effect.intoDeferred(handleAll, ended))
    yield* Effect.forkScoped(Effect.intoDeferred(subscription.failed, ended))
    yield* Effect.forkScoped(
      Queue.offer(events, { type: "Ticked" }).pipe(Effect.delay("1 second"), Effect.forever),
    )
    yield* Effect.forkScoped(remindOfWaiting(task, options))
    return {
      ended: Deferred.await(ended),
      kill: Effect.asVoid(Queue.offer(events, { type: "KillWanted" })),
    }
  })

/** A line that says nothing new is said again only so often: it shows that somebody still waits. */
const sayAgainMs = 60_000

/** Tells what is waited for while no offer fits, when it changes and once a minute, so that nobody takes it for hung. */
const remindOfWaiting = (
  task: RunningTask,
  { request, tell, whyWaiting = Effect.succeed(undefined) }: OneTaskOptions,
): Effect.Effect<never> => {
  let told: { readonly line: string; readonly atMs: number } | undefined
  const look = Effect.gen(function* () {
    if (!task.isWaitingForPlace) {
      told = undefined
      return
    }
    const why = yield* whyWaiting
    const line = `waiting for an offer with cpus:${request.cpus} and mem:${request.memMiB} MiB${why === undefined ? "" : `: ${why}`}`
    const nowMs = yield* Clock.currentTimeMillis
    if (!task.isWaitingForPlace || (line === told?.line && nowMs - told.atMs < sayAgainMs)) return
    tell(line)
    told = { line, atMs: nowMs }
  })
  return Effect.zipRight(
    Effect.sleep("2 seconds"),
    look.pipe(Effect.zipRight(Effect.sleep("5 seconds")), Effect.forever),
  )
}
