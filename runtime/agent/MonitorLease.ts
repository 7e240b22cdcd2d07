import { join } from "node:path"
import { Effect, FiberSet, type Scope } from "effect"
import { noQuantities, type Quantities } from "../../core/resources/Quantities.ts"
import { Cgroups, type CgroupsUnavailable, type WriteError } from "../cgroups/Cgroups.ts"
import { memMilliToBytes } from "../cgroups/ControlFiles.ts"
import type { HostView } from "../protocol/HostView.ts"
import { leaseMs, monitorSocketName, type ToldTask } from "../protocol/MonitorProtocol.ts"
import { type CeilingKeeper, makeCeilingKeeper, prepareCeiling } from "./lease/CeilingKeeper.ts"
import { makeConversation } from "./lease/Conversation.ts"
import { type Freezing, makeFreezing } from "./lease/Freezing.ts"
import { type LeaseBook, lose, newLeaseBook, reserveOf, viewOf } from "./lease/LeaseBook.ts"
import { type LeaseSocketError, listenForMonitors } from "./lease/LeaseSocket.ts"
import { toHostAmounts } from "./lease/LendableShare.ts"
import type { HeldTask } from "./lease/ToldTasks.ts"

export interface MonitorLeaseOptions {
  /** The agent's folder; the socket lies in it. */
  readonly folder: string
  /** All that the agent lends; cpus and mem follow the monitor. */
  readonly total: Quantities
  /** False: lend all of it all the time, without a monitor. */
  readonly isMonitored: boolean
  /** Tasks of which something may still run, see `heldTasksOf`. Called at every beat. */
  readonly tasks: () => ReadonlyArray<HeldTask>
  /** Ends a task because the host needs the room; called again as long as the monitor asks for it. */
  readonly evict: (containerId: string, why: string) => void
  /** Called with the new reserve, only when it is another one. */
  readonly onReserveChanged: (reserve: Quantities) => void
}

/** The agent's side of the lease on the harvest's ceiling; the rules are in MonitorProtocol.ts. */
export interface MonitorLease {
  /** The part of `total` that is kept for the primary right now; everything while no monitor is heard. */
  readonly reserve: () => Quantities
  readonly view: () => HostView
  readonly counts: () => { readonly losses: number; readonly ceilingRewrites: number }
}

/** How often the agent looks whether someone has raised the ceiling that it keeps. */
const rewriteMs = 1_000
const logsPerSecondMax = 5

/**
 * Prepares the parent cgroup and listens for a monitor until the scope ends. Whoever is silent for `leaseMs` loses the
 * lease: the ceiling falls to its floor, everything frozen is thawed (the floor protects the host, and nobody else
 * would), the reserve is everything.
 */
export const makeMonitorLease = (
  options: MonitorLeaseOptions,
): Effect.Effect<MonitorLease, LeaseSocketError | WriteError | CgroupsUnavailable, Cgroups | Scope.Scope> =>
  Effect.gen(function* () {
    yield* prepareCeiling(toHostAmounts(options.total), options.isMonitored)
    return options.isMonitored ? yield* makeHeldLease(options) : yield* makeStaticLease(options)
  })

const makeStaticLease = ({ total, tasks }: MonitorLeaseOptions) =>
  Effect.gen(function* () {
    const lent = toHostAmounts(total)
    const keeper = yield* makeCeilingKeeper(lent, () => 0)
    const freezing = yield* makeFreezing
    freezing.thawAll()
    const unknown = { cpuMilli: null, memMilli: null }
    const lease: MonitorLease = {
      reserve: () => noQuantities,
      counts: () => ({ losses: 0, ceilingRewrites: 0 }),
      view: () => ({
        monitor: "none",
        beatAgeMs: null,
        policy: null,
        capacity: null,
        lent,
        reserve: { cpuMilli: 0, memMilli: 0 },
        lendable: lent,
        primary: unknown,
        harvest: unknown,
        ceiling: keeper.inForce(),
        tasks: tasks().length,
      }),
    }
    return lease
  })

const makeHeldLease = (options: MonitorLeaseOptions) =>
  Effect.gen(function* () {
    const { parent: cgroupParent } = yield* Cgroups
    const clock = yield* Effect.clock
    // Monotonic, unlike the clock's milliseconds.
    const nowMs = () => Number(clock.unsafeCurrentTimeNanos() / 1_000_000n)
    const run = yield* FiberSet.makeRuntime<never>()
    const lent = toHostAmounts(options.total)
    const keeper = yield* makeCeilingKeeper(lent, () =>
      memMilliToBytes(options.tasks().reduce((sum, { memMilli }) => sum + memMilli, 0)),
    )
    const freezing = yield* makeFreezing
    const book = newLeaseBook(nowMs())
    // One writer at a time: a lease is granted only after the agent's last write.
    const inTurn = (yield* Effect.makeSemaphore(1)).withPermits(1)
    const tellReserve = makeReserveTeller(book, options)
    const revoke = makeRevoke({ book, keeper, freezing, inTurn, tellReserve })

    const onLine = makeConversation({
      book,
      nowMs,
      cgroupParent,
      lent,
      tasks: () => options.tasks().map((task) => toldTask(task, freezing)),
      freezing,
      evict: options.evict,
      afterOwnWrites: (then) => run(inTurn(Effect.sync(then))),
      revoke: (reason) => run(revoke(reason)),
      tellReserve,
      log: makeSparseLog(nowMs, (log) => run(log)),
    })
    yield* Effect.forkScoped(watch({ book, keeper, inTurn, revoke, nowMs }))
    yield* listenForMonitors(join(options.folder, monitorSocketName), { onLine, nowMs })
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => book.holder?.connection.end({ type: "Revoked", reason: "the agent stops" })),
    )

    const { total, tasks } = options
    const lease: MonitorLease = {
      reserve: () => reserveOf(book, total),
      counts: () => ({ losses: book.losses, ceilingRewrites: keeper.rewrites() }),
      view: () =>
        viewOf(book, { lent, total, ceiling: keeper.inForce(), tasks: tasks().length, nowMs: nowMs() }),
    }
    return lease
  })

const toldTask = (task: HeldTask, freezing: Freezing): ToldTask => ({
  ...task,
  isFrozen: freezing.isFrozen(task.containerId),
})

const makeReserveTeller = (book: LeaseBook, { total, onReserveChanged }: MonitorLeaseOptions) => {
  let last = JSON.stringify(reserveOf(book, total))
  return () => {
    const reserve = reserveOf(book, total)
    const text = JSON.stringify(reserve)
    if (text === last) return
    last = text
    onReserveChanged(reserve)
  }
}

/** A monitor that misbehaves does so many times a second; a few lines of it are enough. */
const makeSparseLog = (nowMs: () => number, run: (log: Effect.Effect<void>) => void) => {
  let logs = 0
  let sinceMs = nowMs()
  return (message: string, annotations: Record<string, string | number>) => {
    if (nowMs() - sinceMs >= 1_000) {
      sinceMs = nowMs()
      logs = 0
    }
    logs += 1
    if (logs <= logsPerSecondMax) run(Effect.annotateLogs(Effect.logInfo(message), annotations))
  }
}

interface Keeping {
  readonly book: LeaseBook
  readonly keeper: CeilingKeeper
  readonly inTurn: (write: Effect.Effect<void>) => Effect.Effect<void>
}

/** Runs in turn, and only as long as nobody holds the lease: one may have been granted meanwhile. */
const whileLost = ({ book, inTurn }: Keeping, run: Effect.Effect<void>) =>
  inTurn(Effect.suspend(() => (book.phase === "lost" ? run : Effect.void)))

const makeRevoke =
  (keeping: Keeping & { readonly freezing: Freezing; readonly tellReserve: () => void }) =>
  (reason: string) =>
    Effect.suspend(() => {
      const { book, keeper, freezing, tellReserve } = keeping
      const { holder } = book
      lose(book)
      holder?.connection.end({ type: "Revoked", reason })
      tellReserve()
      // In this order: what was frozen must not run above the floor.
      const floorAndThaw = Effect.zipRight(keeper.floor, Effect.sync(freezing.thawAll))
      return Effect.zipRight(
        Effect.logWarning("the ceiling stays at its floor until a monitor says Hello").pipe(
          Effect.annotateLogs({ why: reason, losses: book.losses }),
        ),
        whileLost(keeping, floorAndThaw),
      )
    })

/** All that has arrived is read before this goes on: a timer that comes late comes before what waits in sockets. */
const readWhatWaits = Effect.async<void>((resume) => {
  setImmediate(() => setImmediate(() => resume(Effect.void)))
})

/**
 * Ends the lease when its time has come, and keeps the ceiling down while nobody holds it. When this process stood
 * still, beats lie unread in the socket: they are read first.
 */
const watch = (
  keeping: Keeping & {
    readonly revoke: (reason: string) => Effect.Effect<void>
    readonly nowMs: () => number
  },
): Effect.Effect<never> => {
  const { book, keeper, revoke, nowMs } = keeping
  const isOver = () => book.phase !== "lost" && nowMs() >= book.deadlineMs
  const waitMs = () => (book.phase === "lost" ? rewriteMs : Math.max(1, book.deadlineMs - nowMs()))
  const round = Effect.gen(function* () {
    yield* Effect.sleep(waitMs())
    if (book.phase === "lost") return yield* whileLost(keeping, keeper.keep)
    if (!isOver()) return
    yield* readWhatWaits
    if (!isOver()) return
    yield* revoke(book.phase === "starting" ? "no monitor has said Hello" : `no beat for ${leaseMs} ms`)
  })
  // Nothing may end the watch.
  return Effect.forever(
    Effect.catchAllCause(round, (cause) => Effect.logError("the lease could not be judged", cause)),
  )
}
