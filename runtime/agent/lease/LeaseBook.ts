import type { Quantities } from "../../../core/resources/Quantities.ts"
import type { HostView } from "../../protocol/HostView.ts"
import {
  type CeilingInForce,
  type HostAmounts,
  leaseMs,
  type MonitorLine,
  type ToldTask,
} from "../../protocol/MonitorProtocol.ts"
import type { LeaseConnection } from "./LeaseSocket.ts"
import { keptForPrimary, lendableOf } from "./LendableShare.ts"
import { sameTasks } from "./ToldTasks.ts"

// What an agent knows of the lease on its host's ceiling, and the rules of it: no sockets, no cgroups, no clock.

export type Hello = Extract<MonitorLine, { readonly type: "Hello" }>
export type Beat = Extract<MonitorLine, { readonly type: "Beat" }>

export interface Holder {
  readonly connection: LeaseConnection
  readonly pid: number
  readonly policy: string
  /** Number of its newest beat; 0 = none yet. */
  beats: number
  told: ReadonlyArray<ToldTask>
  /** When all tasks were told last; null = tell them next time. */
  toldAtMs: number | null
}

export interface LeaseBook {
  /**
   * `starting`: nobody has held it, the ceiling is what an earlier agent left. `held`: the monitor moves the ceiling,
   * also while its connection is lost, until `deadlineMs`. `lost`: the agent keeps the ceiling at its floor.
   */
  phase: "starting" | "held" | "lost"
  holder: Holder | null
  /** Its newest beat while the lease is held. */
  beat: Beat | null
  /** When the newest beat came, also one of a lease that was lost since; null = never. */
  heardAtMs: number | null
  capacity: HostAmounts | null
  /** Memory is lent as far as the ceiling has come, see {@link followMemory}; null = the ceiling is not known, none is lent. */
  memCeilingMilli: number | null
  /** When it last grew. */
  memGrownAtMs: number
  /** When the lease ends unless a beat comes before; the end of waiting for the first Hello. */
  deadlineMs: number
  losses: number
}

/** Tasks are told at least this often. */
export const tellMs = 5_000

/** Memory that may be lent grows at most this often, so that a ceiling on its way up is not news many times a second. */
const memGrowsMs = 1_000

export const newLeaseBook = (nowMs: number): LeaseBook => ({
  phase: "starting",
  holder: null,
  beat: null,
  heardAtMs: null,
  capacity: null,
  memCeilingMilli: null,
  memGrownAtMs: nowMs,
  deadlineMs: nowMs + leaseMs,
  losses: 0,
})

/** Why this monitor cannot have the lease now; undefined when it can. */
export const whyNotGranted = ({ holder }: LeaseBook, hello: Hello): string | undefined =>
  holder === null || !holder.connection.isOpen() || holder.pid === hello.pid
    ? undefined
    : `the monitor with pid ${holder.pid} holds the lease: stop it, or this one`

/**
 * Hands the lease over. One that is unbroken keeps its deadline and its newest beat, so that a monitor that only ever
 * says Hello lends nothing for longer; only beats renew.
 */
export const grant = (book: LeaseBook, hello: Hello, connection: LeaseConnection, nowMs: number): Holder => {
  if (book.phase !== "held") book.deadlineMs = nowMs + leaseMs
  book.phase = "held"
  const { pid, policy } = hello
  book.holder = { connection, pid, policy, beats: 0, told: [], toldAtMs: null }
  return book.holder
}

/** Renews the lease; a sentence instead when the beat is out of order, which no socket does. */
export const takeBeat = (book: LeaseBook, holder: Holder, beat: Beat, nowMs: number): string | undefined => {
  if (beat.number !== holder.beats + 1)
    return `beat ${holder.beats + 1} is expected, not ${beat.number}: the monitor is out of step`
  holder.beats = beat.number
  book.beat = beat
  book.heardAtMs = nowMs
  book.capacity = beat.use.capacity
  book.deadlineMs = nowMs + leaseMs
  followMemory(book, beat, nowMs)
  return undefined
}

/**
 * The reserve may allow more memory than the ceiling, which rises slowly. A task that was promised what lies above it would
 * be killed for using it, so no more is lent than the ceiling in force: down at once, up now and then.
 */
const followMemory = (book: LeaseBook, { ceiling }: Beat, nowMs: number): void => {
  const inForceMilli = ceiling.memMilli === null ? noLimit : ceiling.memMilli
  const before = book.memCeilingMilli
  if (before !== null && inForceMilli >= before && nowMs - book.memGrownAtMs < memGrowsMs) return
  if (before === null || inForceMilli > before) book.memGrownAtMs = nowMs
  book.memCeilingMilli = inForceMilli
}

const noLimit = Number.MAX_SAFE_INTEGER

/** The agent is the only writer from now on. A lease that nobody ever held is no loss. */
export const lose = (book: LeaseBook): void => {
  if (book.phase === "held") book.losses += 1
  book.phase = "lost"
  book.holder = null
  book.beat = null
  book.memCeilingMilli = null
}

/** Notes what a holder is told of the tasks; undefined when it knows that already. */
export const tasksToTell = (
  holder: Holder,
  tasks: ReadonlyArray<ToldTask>,
  nowMs: number,
): ReadonlyArray<ToldTask> | undefined => {
  const isDue = holder.toldAtMs === null || nowMs - holder.toldAtMs >= tellMs
  if (!isDue && sameTasks(holder.told, tasks)) return undefined
  holder.told = tasks
  holder.toldAtMs = nowMs
  return tasks
}

/** What is kept of `total` for the primary; everything while nobody knows. */
export const reserveOf = ({ beat, memCeilingMilli }: LeaseBook, total: Quantities): Quantities =>
  beat === null
    ? keptForPrimary(total, null, null, 0)
    : keptForPrimary(total, beat.use.capacity, beat.reserve, memCeilingMilli ?? 0)

const unknown = { cpuMilli: null, memMilli: null }

export interface ViewOptions {
  readonly lent: HostAmounts
  readonly total: Quantities
  /** As the agent last read it: what is shown while no monitor tells it. */
  readonly ceiling: CeilingInForce
  readonly tasks: number
  readonly nowMs: number
}

export const viewOf = (book: LeaseBook, { lent, total, ceiling, tasks, nowMs }: ViewOptions): HostView => {
  const { beat, holder, heardAtMs } = book
  return {
    monitor: book.phase === "held" ? "held" : "lost",
    beatAgeMs: heardAtMs === null ? null : nowMs - heardAtMs,
    policy: holder === null ? null : holder.policy,
    capacity: book.capacity,
    lent,
    reserve: beat === null ? null : beat.reserve,
    lendable: lendableOf(lent, reserveOf(book, total)),
    primary: beat === null ? unknown : beat.use.primary,
    harvest: beat === null ? unknown : beat.use.harvest,
    ceiling: beat === null ? ceiling : beat.ceiling,
    tasks,
  }
}
