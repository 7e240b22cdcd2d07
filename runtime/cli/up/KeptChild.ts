import { Clock, Deferred, Effect, type Scope } from "effect"
import { type Child, type ChildEnded, type ChildOptions, startChild } from "./Child.ts"

/** A daemon that is started again when it dies. */
export interface KeptChild {
  /** What the first one announced. */
  readonly ready: Child["ready"]
  /** What the one that runs announced last. */
  readonly latest: () => Child["ready"]
  /** Never succeeds: fails when starting it again makes no sense. */
  readonly failed: Effect.Effect<never, ChildEnded>
}

export interface KeepOptions {
  readonly name: string
  /** As the child's; `before` is what the one before announced. */
  readonly toChild: (before: Child["ready"] | undefined) => ChildOptions
  readonly tell: (line: string) => void
  /** From 0 up to 1, for jitter: daemons of many hosts that died together do not come back together. */
  readonly random: () => number
}

const firstWaitMs = 500
const mostWaitMs = 10_000
/** Who has run for so long died of something new. */
const settledAfterMs = 60_000

/** How long the nth try waits, n from 0: doubling up to {@link mostWaitMs}, half of it by chance. */
export const restartWaitMs = (tries: number, random: number): number => {
  const fullMs = Math.min(mostWaitMs, firstWaitMs * 2 ** Math.min(tries, 20))
  return Math.round(fullMs / 2 + (fullMs / 2) * random)
}

/**
 * Starts a daemon, waits until it is ready, and from then on starts it again when it ends. It fails when the first never
 * becomes ready, or when one is told that it is misconfigured. The scope's end stops it.
 */
export const keepChild = (options: KeepOptions): Effect.Effect<KeptChild, ChildEnded, Scope.Scope> =>
  Effect.gen(function* () {
    const first = yield* Deferred.make<Child["ready"], ChildEnded>()
    const failed = yield* Deferred.make<never, ChildEnded>()
    let latest: Child["ready"] | undefined
    let tries = 0

    const runOnce = Effect.scoped(
      Effect.gen(function* () {
        const child = yield* startChild(options.toChild(latest))
        const sinceMs = yield* Clock.currentTimeMillis
        if (latest !== undefined) options.tell(`the ${options.name} is back`)
        latest = child.ready
        yield* Deferred.succeed(first, child.ready)
        return yield* Effect.onError(child.ended, () =>
          Effect.map(Clock.currentTimeMillis, (nowMs) => {
            if (nowMs - sinceMs >= settledAfterMs) tries = 0
          }),
        )
      }),
    )
    const keepRunning: Effect.Effect<void> = Effect.catchAll(runOnce, (error) => {
      if (latest === undefined || error.isMisconfigured) {
        return Effect.zipRight(Deferred.fail(first, error), Effect.asVoid(Deferred.fail(failed, error)))
      }
      const waitMs = restartWaitMs(tries++, options.random())
      options.tell(
        `the ${error.name} ${error.how}; starting it again in ${Math.round(waitMs / 100) / 10} s (log: ${error.logFile})`,
      )
      return Effect.suspend(() => keepRunning).pipe(Effect.delay(waitMs))
    })
    yield* Effect.forkScoped(keepRunning)
    const ready = yield* Deferred.await(first)
    return { ready, latest: () => latest ?? ready, failed: Deferred.await(failed) }
  })
