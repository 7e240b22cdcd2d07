import { connect, type Socket } from "node:net"
import {
  type AgentLine,
  lineBytesMax,
  type MonitorLine,
  monitorProtocolVersion,
  type ToldTask,
  trustMs,
} from "../protocol/MonitorProtocol.ts"
import { parseAgentLine } from "./AgentLines.ts"

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
  /** Each guard period, and at least every 200 ms: notices silence, and sends a beat. */
  readonly tick: () => void
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
const backOffMsMost = 5_000
/** Beats that wait for an answer: more than any period sends within `trustMs`. */
const beatsMost = 256
/** A peer that does not read is gone. */
const unsentBytesMost = 256 * 1024

interface Connection {
  readonly socket: Socket
  phase: "connecting" | "greeting" | "proving" | "held" | "ended"
  /** Start of the phase, or, under a lease, when the newest answered beat was sent. */
  sinceMs: number
  rest: string
  granted: Granted | undefined
  lastBeat: number
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

  const scheduleRetry = (isHopeless: boolean) => {
    if (isStopped) return
    const grownMs = isHopeless ? backOffMsMost : Math.min(backOffMsMost, backOffMsLeast * 2 ** failures)
    failures = Math.min(failures + 1, 20)
    retry = setTimeout(open, grownMs * (0.5 + 0.5 * options.chance()))
  }

  /** Ends a connection for a reason that people see once, not at each attempt. */
  const end = (ended: Connection, reason: string, isHopeless = false) => {
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
    scheduleRetry(isHopeless)
    if (wasHeld) options.onLost(reason)
  }

  const send = (target: Connection, line: MonitorLine) => {
    target.socket.write(`${JSON.stringify(line)}\n`)
    if (target.socket.writableLength > unsentBytesMost) end(target, "the agent does not read what it is sent")
  }

  const sendBeat = (target: Connection) => {
    if (target.sentAtMs.size >= beatsMost) return end(target, `${beatsMost} beats were not answered`)
    target.lastBeat += 1
    target.sentAtMs.set(target.lastBeat, nowMs())
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

  const onLine = (target: Connection, text: string) => {
    const line = parseAgentLine(text)
    if (typeof line === "string")
      return end(target, `the agent sent a line that cannot be used: ${line}`, true)
    switch (line.type) {
      case "Granted":
        if (line.protocolVersion !== monitorProtocolVersion)
          return end(
            target,
            `the agent speaks version ${line.protocolVersion} of the monitor protocol, this monitor version ${monitorProtocolVersion}: run both from one release of gleaner`,
            true,
          )
        if (target.phase !== "greeting")
          return end(target, "the agent granted a lease that was not asked for")
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

  const onData = (target: Connection, chunk: string) => {
    let text = target.rest + chunk
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n")) {
      const line = text.slice(0, at)
      text = text.slice(at + 1)
      onLine(target, line)
      if (target.phase === "ended") return
    }
    target.rest = text
    if (text.length > lineBytesMax)
      end(target, `the agent sent a line of more than ${lineBytesMax} bytes`, true)
  }

  const open = () => {
    retry = undefined
    const socket = connect({ path: options.socketPath })
    const opened: Connection = {
      socket,
      phase: "connecting",
      sinceMs: nowMs(),
      rest: "",
      granted: undefined,
      lastBeat: 0,
      sentAtMs: new Map(),
    }
    connection = opened
    socket.setEncoding("utf8")
    socket.on("connect", () => {
      if (opened.phase !== "connecting") return
      opened.phase = "greeting"
      opened.sinceMs = nowMs()
      send(opened, { type: "Hello", protocolVersion: monitorProtocolVersion, ...options.hello() })
    })
    socket.on("data", (chunk) => onData(opened, String(chunk)))
    socket.on("error", (error: NodeJS.ErrnoException) =>
      end(
        opened,
        error.code === "ENOENT" || error.code === "ECONNREFUSED"
          ? `no agent listens at ${options.socketPath}`
          : error.message,
      ),
    )
    socket.on("close", () => end(opened, "the agent closed the connection"))
  }

  open()
  return {
    tick: () => {
      if (connection === undefined) return
      const silentMs = nowMs() - connection.sinceMs
      const { phase } = connection
      const isLeased = phase === "held" || phase === "proving"
      if (silentMs >= (isLeased ? trustMs : greetingMs))
        return end(connection, `the agent has not answered for ${Math.floor(silentMs)} ms`)
      if (isLeased) sendBeat(connection)
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
