import { Effect, Schedule } from "effect"
import { makeConnectionPool, requestOk } from "../../http/Client.ts"
import { filesPath } from "../../protocol/FilesProtocol.ts"

/** Where a task's sandbox can be read. */
export interface SandboxAddress {
  readonly agentUrl: string
  readonly secret: string | undefined
  readonly frameworkId: string
  readonly taskId: string
}

const chunkBytes = 256 * 1024

/** Failed reads in a row after the task's end before its output is given up. */
const failuresMax = 20

/** Between two looks at a file that has nothing new. */
const pollEvery = Schedule.spaced("100 millis")

/**
 * Copies a file of the sandbox to `write` as it grows. It returns once `isComplete` says that nothing more is written
 * and all of it was copied. A moment's failure of the agent is waited out for as long as the task may be running.
 */
export const followFile = (
  sandbox: SandboxAddress,
  file: "stdout" | "stderr",
  write: (bytes: Buffer) => Effect.Effect<void>,
  isComplete: () => boolean,
) =>
  Effect.gen(function* () {
    const pool = yield* makeConnectionPool(1)
    const path = `/frameworks/${sandbox.frameworkId}/executors/${sandbox.taskId}/runs/latest/${file}`
    let offset = 0
    let failures = 0
    const copyNext = Effect.gen(function* () {
      // Asked before the read: what is written until then is seen by it.
      const wasComplete = isComplete()
      const query = `path=${encodeURIComponent(path)}&offset=${offset}&length=${chunkBytes}`
      const { bytes } = yield* requestOk({
        url: `${sandbox.agentUrl}${filesPath}?${query}`,
        pool,
        ...(sandbox.secret === undefined ? {} : { secret: sandbox.secret }),
      })
      offset += bytes.length
      failures = 0
      if (bytes.length > 0) yield* write(bytes)
      return bytes.length === 0 && wasComplete ? "complete" : bytes.length === 0 ? "waiting" : "more"
    }).pipe(
      // No sandbox yet, or the agent is not reachable for a moment; once the task is over it may be gone for good.
      Effect.catchAll(() => {
        failures++
        return Effect.succeed(isComplete() && failures > failuresMax ? "complete" : "waiting")
      }),
    )
    yield* copyNext.pipe(
      Effect.repeat({ while: (progress) => progress === "more" }),
      Effect.repeat({ until: (progress) => progress === "complete", schedule: pollEvery }),
    )
  }).pipe(Effect.scoped)
