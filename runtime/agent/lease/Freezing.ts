import { Effect, FiberSet, Schedule, type Scope } from "effect"
import { Cgroups } from "../../cgroups/Cgroups.ts"

/** What the monitor wants of containers, and what they are brought to, each at its own pace. */
export interface Freezing {
  readonly freeze: (containerId: string, why: string) => void
  readonly thaw: (containerId: string) => void
  readonly thawAll: () => void
  /** Thaws whatever is not in this set, and forgets what is gone. */
  readonly thawAllBut: (containerIds: ReadonlySet<string>) => void
  /** Whether it stands still, or is about to. */
  readonly isFrozen: (containerId: string) => boolean
}

interface Wish {
  isWanted: boolean
  /** As last carried out. */
  isFrozen: boolean
  isMoving: boolean
}

/**
 * Orders may come faster than a container freezes (up to seconds, in uninterruptible I/O), so only the newest wish for
 * each is kept: nothing queues. What an earlier agent left frozen counts as the wish of its monitor.
 */
export const makeFreezing: Effect.Effect<Freezing, never, Cgroups | Scope.Scope> = Effect.gen(function* () {
  const cgroups = yield* Cgroups
  const run = yield* FiberSet.makeRuntime<never>()
  const wishes = new Map<string, Wish>()

  const freeze = (containerId: string, wish: Wish) =>
    cgroups.freeze(containerId).pipe(
      Effect.catchTag("NoSuchContainer", () => Effect.sync(() => wishes.delete(containerId))),
      Effect.tapError((error) =>
        Effect.logWarning("a task cannot be frozen").pipe(
          Effect.annotateLogs({ containerId, why: error.message }),
        ),
      ),
      // Nobody knows how far it came.
      Effect.catchAll(() =>
        Effect.sync(() => {
          wish.isWanted = false
        }),
      ),
      Effect.zipRight(
        Effect.sync(() => {
          wish.isFrozen = true
        }),
      ),
    )

  const thaw = (containerId: string, wish: Wish) =>
    cgroups.thaw(containerId).pipe(
      Effect.catchTag("NoSuchContainer", () => Effect.void),
      Effect.tapError((error) =>
        Effect.logError("a frozen task cannot be thawed; trying again").pipe(
          Effect.annotateLogs({ containerId, why: error.message }),
        ),
      ),
      Effect.retry({ schedule: Schedule.spaced("1 second"), while: () => !wish.isWanted }),
      Effect.ignore,
      Effect.zipRight(
        Effect.sync(() => {
          wish.isFrozen = false
        }),
      ),
    )

  const follow = (containerId: string, wish: Wish): Effect.Effect<void> =>
    Effect.suspend(() => (wish.isWanted ? freeze(containerId, wish) : thaw(containerId, wish))).pipe(
      Effect.repeat({ until: () => wish.isWanted === wish.isFrozen || wishes.get(containerId) !== wish }),
      Effect.ensuring(
        Effect.sync(() => {
          wish.isMoving = false
          if (!wish.isWanted && wishes.get(containerId) === wish) wishes.delete(containerId)
        }),
      ),
      Effect.asVoid,
    )

  const want = (containerId: string, isWanted: boolean) => {
    const wish = wishes.get(containerId) ?? { isWanted: false, isFrozen: false, isMoving: false }
    wish.isWanted = isWanted
    if (wish.isMoving || wish.isFrozen === isWanted) return
    wishes.set(containerId, wish)
    wish.isMoving = true
    run(follow(containerId, wish))
  }

  const thawAllBut = (containerIds: ReadonlySet<string>) => {
    for (const containerId of [...wishes.keys()]) if (!containerIds.has(containerId)) want(containerId, false)
  }

  const found = yield* Effect.orElseSucceed(cgroups.list, (): ReadonlyArray<string> => [])
  for (const containerId of found) {
    const state = yield* Effect.orElseSucceed(cgroups.freezerState(containerId), () => "THAWED" as const)
    if (state !== "THAWED") wishes.set(containerId, { isWanted: true, isFrozen: true, isMoving: false })
  }

  return {
    freeze: (containerId, why) => {
      if (wishes.get(containerId)?.isWanted) return
      run(Effect.logInfo("freezing a task").pipe(Effect.annotateLogs({ containerId, why })))
      want(containerId, true)
    },
    thaw: (containerId) => want(containerId, false),
    thawAll: () => thawAllBut(new Set()),
    thawAllBut,
    isFrozen: (containerId) => wishes.get(containerId)?.isWanted ?? false,
  }
})
