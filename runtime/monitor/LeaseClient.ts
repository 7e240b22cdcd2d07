import { connect, type Socket } from "node:net"
import {
  type Decoded,
  decodeAgentLine,
  encodeLine,
  makeLineReader,
  socketPathProblem,
} from "../protocol/MonitorLines.ts"
import {
  type AgentLine,
  beatMsMost,
  leaseMs,
  lineBytesMax,
  type MonitorLine,
  monitorProtocolVersion,
  type ToldTask,
  trustMs,
} from "../protocol/MonitorProtocol.ts"

export type Granted = Extract<AgentLine, { readonly type: "Granted" }>
export type Hello = Extract<MonitorLine, { readonly type: "Hello" }>
export type Beat = Extract<MonitorLine, { readonly type: "Beat" }>
type Order = Exclude<MonitorLine, Hello | Beat>

export type Log = (
  level: "debug" | "info" | "warning" | "error",
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void

export interface LeaseClientOptions {
  readonly socketPath: string
  readonly hello: () => Omit<Hello, "type" | "protocolVersion">
  readonly beat: () => Omit<Beat, "type" | "number">
  /** Monotonic ms. */
  readonly nowMs: () => number
  /** How often `tick` is called. */
  readonly tickMs: number
  /** 0 to 1, for the jitter of the back-off. */
  readonly chance: () => number
  /** The ceiling is this process's from now on: the agent granted it and has answered a beat since. */
  readonly onGranted: (granted: Granted) => void
  readonly onTasks: (tasks: ReadonlyArray<ToldTask>) => void
  /** After `onGranted` only: nothing may be raised any more. */
  readonly onLost: (reason: string) => void
  readonly log: Log
}

/** The monitor's side of the lease on the ceiling; see MonitorProtocol for the rules. */
export interface LeaseClient {
  /** Each guard period, and at least every `beatMsMost`: notices silence, and sends a beat when one is due. */
  readonly tick: () => void
  /** What the next beat tells has changed: it is due at once. */
  readonly tellSoon: () => void
  /** Whether the ceiling may be raised right now: ask immediately before the write. */
  readonly isTrusted: () => boolean
  /** An order for the agent; false when there is no lease to give it under. */
  readonly order: (line: Order) => boolean
  /** Gives the lease up and connects anew: what this process believes of the ceiling is not so. */
  readonly handOverAnew: (reason: string) => void
  readonly stop: () => void
}

/** The agent must answer a Hello within this time: it may be regaining its tasks. */
const greetingMs = 5_000
const backOffMsLeast = 50
/** Whoever gave a reason is asked again seldom. */
const backOffMsMost = 5_000
/** An agent that comes back waits for its monitor for `leaseMs` before it floors the ceiling; to look costs next to nothing. */
const absentMsMost = leaseMs / 2
/** Ticks are no more exact than this. */
const lateTickMs = 25
/** Beats that wait for an answer: more than any period sends within `trustMs`. */
const beatsMost = 256
/** A peer that does not read is gone. */
const unsentBytesMost = 256 * 1024

/** The parent's folder below each hierarchy's root; never a way out of it. */
const isCgroupParent = (text: string): boolean =>
  /^[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,9}$/.test(text)

/** `absent`: nobody listens. `hopeless`: only people can change what was wrong. */
type Ending = "absent" | "refused" | "hopeless"

/** Doubles with each failure up to a bound; half of it by chance, from 0 to 1. */
export const retryWaitMs = (kind: Ending, failures: number, chance: number): number => {
  const mostMs = kind === "absent" ? absentMsMost : backOffMsMost
  const grownMs = kind === "hopeless" ? mostMs : Math.min(mostMs, backOffMsLeast * 2 ** failures)
  return grownMs * (0.5 + 0.5 * chance)
}

interface Connection {
  readonly socket: Socket
  phase: "connecting" | "greeting" | "proving" | "held" | "ended"
  /** Start of the phase, or, under a lease, when the newest answered beat was sent. */
  sinceMs: number
  granted: Granted | undefined
  lastBeat: number
  lastBeatMs: number
  isBeatDue: boolean
  /** When each unanswered beat was sent. */
  readonly sentAtMs: Map<number, number>
}

export const startLeaseClient = (options: LeaseClientOptions): LeaseClient => {
  const { nowMs, log } = options
  let connection: Connection | undefined
  let retry: NodeJS.Timeout | undefined
  let failures = 0
  let isStopped = false
  let lastReason = ""

  const scheduleRetry = (kind: Ending) => {
    if (isStopped) return
    retry = setTimeout(open, retryWaitMs(kind, failures, options.chance()))
    failures = Math.min(failures + 1, 20)
  }

  /** Ends a connection for a reason that people see once, not at each attempt. */
  const end = (ended: Connection, reason: string, kind: Ending = "refused") => {
    if (ended.phase === "ended") return
    const wasHeld = ended.phase === "held"
    ended.phase = "ended"
    ended.socket.destroy()
    if (connection === ended) connection = undefined
    if (isStopped) return
    const fields = { socket: options.socketPath, reason }
    if (wasHeld)
      log(
        "warning",
        "the lease on the harvest ceiling is lost: nothing is raised until it is granted anew",
        fields,
      )
    else if (reason !== lastReason)
      log("warning", "no lease on the harvest ceiling yet; it is tried again", fields)
    lastReason = reason
    scheduleRetry(kind)
    if (wasHeld) options.onLost(reason)
  }

  const send = (target: Connection, line: MonitorLine) => {
    target.socket.write(encodeLine(line))
    if (target.socket.writableLength > unsentBytesMost) end(target, "the agent does not read what it is sent")
  }

  const sendBeat = (target: Connection) => {
    if (target.sentAtMs.size >= beatsMost) return end(target, `${beatsMost} beats were not answered`)
    target.lastBeat += 1
    target.lastBeatMs = nowMs()
    target.isBeatDue = false
    target.sentAtMs.set(target.lastBeat, target.lastBeatMs)
    send(target, { type: "Beat", number: target.lastBeat, ...options.beat() })
  }

  const onHeard = (target: Connection, line: Extract<AgentLine, { type: "Heard" }>) => {
    const sentAtMs = target.sentAtMs.get(line.number)
    if (sentAtMs === undefined || target.granted === undefined)
      return end(target, `the agent answered beat ${line.number}, which is not waiting for an answer`)
    for (const number of target.sentAtMs.keys()) if (number <= line.number) target.sentAtMs.delete(number)
    if (target.phase === "proving" && nowMs() - sentAtMs < trustMs) {
      target.phase = "held"
      target.sinceMs = sentAtMs
      failures = 0
      lastReason = ""
      log("info", "the lease on the harvest ceiling is granted", {
        cgroupParent: target.granted.cgroupParent,
        lent: target.granted.lent,
      })
      options.onGranted(target.granted)
    } else target.sinceMs = sentAtMs
    if (line.tasks !== undefined) options.onTasks(line.tasks)
  }

  const onLine = (target: Connection, decoded: Decoded<AgentLine>) => {
    if ("problem" in decoded)
      return end(target, `the agent's line cannot be used: ${decoded.problem}`, "hopeless")
    const { line } = decoded
    switch (line.type) {
      case "Granted":
        if (target.phase !== "greeting")
          return end(target, "the agent granted a lease that was not asked for")
        if (!isCgroupParent(line.cgroupParent))
          return end(target, `${JSON.stringify(line.cgroupParent)} cannot name a cgroup`, "hopeless")
        target.granted = line
        target.phase = "proving"
        target.sinceMs = nowMs()
        return sendBeat(target)
      case "Refused":
        return end(target, `the agent refuses: ${line.reason}`)
      case "Revoked":
        return end(target, `the agent took the ceiling back: ${line.reason}`)
      case "Heard":
        return onHeard(target, line)
    }
  }

  const open = () => {
    retry = undefined
    const socket = connect({ path: options.socketPath })
    const opened: Connection = {
      socket,
      phase: "connecting",
      sinceMs: nowMs(),
      granted: undefined,
      lastBeat: 0,
      lastBeatMs: 0,
      isBeatDue: false,
      sentAtMs: new Map(),
    }
    connection = opened
    const reader = makeLineReader(
      (text) => {
        // A chunk may hold more lines after the one that ended it.
        if (opened.phase !== "ended") onLine(opened, decodeAgentLine(text))
      },
      () => end(opened, `the agent sent a line of more than ${lineBytesMax} bytes`, "hopeless"),
    )
    socket.on("connect", () => {
      if (opened.phase !== "connecting") return
      opened.phase = "greeting"
      opened.sinceMs = nowMs()
      send(opened, { type: "Hello", protocolVersion: monitorProtocolVersion, ...options.hello() })
    })
    socket.on("data", (chunk: Buffer) => reader.take(chunk))
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ENOENT" || error.code === "ECONNREFUSED"
        ? end(opened, `no agent listens at ${options.socketPath}`, "absent")
        : end(opened, error.message),
    )
    socket.on("close", () => end(opened, "the agent closed the connection"))
  }

  const pathProblem = socketPathProblem(options.socketPath)
  if (pathProblem === undefined) open()
  else log("error", "no lease on the harvest ceiling can be had", { reason: pathProblem })
  return {
    tick: () => {
      if (connection === undefined) return
      const silentMs = nowMs() - connection.sinceMs
      const { phase } = connection
      const isLeased = phase === "held" || phase === "proving"
      if (silentMs >= (isLeased ? trustMs : greetingMs))
        return end(connection, `the agent has not answered for ${Math.floor(silentMs)} ms`)
      // Due is what would be too late with the next tick.
      const isDue = nowMs() - connection.lastBeatMs + options.tickMs > beatMsMost + lateTickMs
      if (isLeased && (isDue || connection.isBeatDue)) sendBeat(connection)
    },
    tellSoon: () => {
      if (connection !== undefined) connection.isBeatDue = true
    },
    isTrusted: () => connection?.phase === "held" && nowMs() - connection.sinceMs < trustMs,
    order: (line) => {
      if (connection?.phase !== "held") return false
      send(connection, line)
      return true
    },
    handOverAnew: (reason) => {
      if (connection?.phase === "held") end(connection, reason)
    },
    stop: () => {
      isStopped = true
      if (retry !== undefined) clearTimeout(retry)
      if (connection !== undefined) end(connection, "the monitor stops")
    },
  }
}
