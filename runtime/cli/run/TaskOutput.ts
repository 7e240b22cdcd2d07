import { Clock, Effect, Schedule } from "effect"
import { type ClientError, type HttpStatusError, makeConnectionPool, requestOk } from "../../http/Client.ts"
import type { MasterAccess } from "../../mesos/SchedulerClient.ts"
import { filesPath } from "../../protocol/FilesProtocol.ts"

/** Where a task's sandbox can be read. */
export interface SandboxAddress {
  readonly agentUrl: string
  readonly access: MasterAccess
  readonly frameworkId: string
  readonly taskId: string
}

const chunkBytes = 256 * 1024

/**
 * Reads that fail for so long are told; after the task's end its output is then given up. Shorter ones are a sandbox
 * that is not there yet, or a moment of the agent or the network.
 */
const failingMsMax = 2_000

/** Between two looks at a file that has nothing new. */
const pollEvery = Schedule.spaced("100 millis")

export type ReadFailure = ClientError | HttpStatusError

export interface FollowOptions {
  /** Whether nothing more will be written. */
  readonly isComplete: () => boolean
  /** Called with every failed read once they have failed for some time. */
  readonly onFailing: (error: ReadFailure) => void
}

/**
 * Copies a file of the sandbox to `write` as it grows. It returns once all of it was copied and nothing more is written.
 * Failures are waited out for as long as the task may be running.
 */
export const followFile = (
  sandbox: SandboxAddress,
  file: "stdout" | "stderr",
  write: (bytes: Buffer) => Effect.Effect<void>,
  { isComplete, onFailing }: FollowOptions,
) =>
  Effect.gen(function* () {
    const pool = yield* makeConnectionPool(1, sandbox.agentUrl)
    const path = `/frameworks/${sandbox.frameworkId}/executors/${sandbox.taskId}/runs/latest/${file}`
    let offset = 0
    let goodUntilMs = yield* Clock.currentTimeMillis
    const copyNext = Effect.gen(function* () {
      // Asked before the read: what is written until then is seen by it.
      const wasComplete = isComplete()
      const query = `path=${encodeURIComponent(path)}&offset=${offset}&length=${chunkBytes}`
      const { bytes } = yield* requestOk({
        url: `${sandbox.agentUrl}${filesPath}?${query}`,
        pool,
        secret: sandbox.access.secret,
        tls: sandbox.access.tls,
      })
      offset += bytes.length
      if (bytes.length > 0) yield* write(bytes)
      goodUntilMs = yield* Clock.currentTimeMillis
      return bytes.length === 0 && wasComplete ? "complete" : bytes.length === 0 ? "waiting" : "more"
    })
    const outlast = (error: ReadFailure) =>
      Effect.map(Clock.currentTimeMillis, (nowMs) => {
        if (nowMs - goodUntilMs < failingMsMax) return "waiting"
        onFailing(error)
        return isComplete() ? "complete" : "waiting"
      })
    yield* Effect.catchAll(copyNext, outlast).pipe(
      Effect.repeat({ while: (progress) => progress === "more" }),
      Effect.repeat({ until: (progress) => progress === "complete", schedule: pollEvery }),
    )
  }).pipe(Effect.scoped)
