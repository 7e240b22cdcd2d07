import { chmodSync, lstatSync, unlinkSync } from "node:fs"
import { connect, createServer, type Server, type Socket } from "node:net"
import { Data, Effect, type Scope } from "effect"
import {
  type Decoded,
  decodeMonitorLine,
  encodeLine,
  makeLineReader,
  socketPathProblem,
} from "../../protocol/MonitorLines.ts"
import type { AgentLine, MonitorLine } from "../../protocol/MonitorProtocol.ts"

/** Connections at a time: one holds the lease, the others say Hello or leave. */
export const connectionsMax = 4
/** A connection that has not said a whole line by then is closed. */
export const firstLineWaitMs = 2_000
/** A monitor beats at most 50 times a second; the rest is room for orders. */
export const linesPerSecondMax = 1_000
/** What a peer may leave unread before it is cut; a line with all tasks takes up to a MiB. */
export const waitingBytesMax = 4 * 1024 * 1024
/** What was said last gets this long to leave. */
const lastLineWaitMs = 1_000

export class LeaseSocketError extends Data.TaggedError("LeaseSocketError")<{
  readonly path: string
  readonly detail: string
}> {
  override get message() {
    return `the monitor cannot be listened for at ${this.path}: ${this.detail}`
  }
}

export interface LeaseConnection {
  readonly send: (line: AgentLine) => void
  /** Says a last line and closes; nothing is read any more. */
  readonly end: (line: AgentLine) => void
  readonly isOpen: () => boolean
}

export interface LeaseListener {
  /** Each line of an open connection, or why it is none; a problem must end the connection. */
  readonly onLine: (connection: LeaseConnection, decoded: Decoded<MonitorLine>) => void
  readonly nowMs: () => number
}

const detailOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Whether somebody answers at the socket. */
const isServed = (path: string): Effect.Effect<boolean, LeaseSocketError> =>
  Effect.async((resume) => {
    const probe = connect(path)
    probe.on("connect", () => {
      probe.destroy()
      resume(Effect.succeed(true))
    })
    probe.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resume(Effect.succeed(false))
      // A full backlog is a living agent's.
      else if (error.code === "EAGAIN") resume(Effect.succeed(true))
      else resume(Effect.fail(new LeaseSocketError({ path, detail: error.message })))
    })
  })

/** Removes the socket of an agent that is gone. */
const removeStaleSocket = (path: string): Effect.Effect<void, LeaseSocketError> =>
  Effect.gen(function* () {
    const refuse = (detail: string) => Effect.fail(new LeaseSocketError({ path, detail }))
    const isSocket = yield* Effect.try({
      try: () => lstatSync(path).isSocket(),
      catch: (error) => error as NodeJS.ErrnoException,
    }).pipe(
      Effect.catchAll((error) =>
        error.code === "ENOENT" ? Effect.succeed(undefined) : refuse(error.message),
      ),
    )
    if (isSocket === undefined) return
    if (!isSocket) return yield* refuse("something else is there: remove it, or choose another --data")
    if (yield* isServed(path))
      return yield* refuse("another agent serves there: stop it, or choose another --data")
    yield* Effect.try({
      try: () => unlinkSync(path),
      catch: (error) => new LeaseSocketError({ path, detail: detailOf(error) }),
    })
  })

const bind = (server: Server, path: string): Effect.Effect<void, LeaseSocketError> =>
  Effect.async((resume) => {
    const fail = (error: unknown) =>
      resume(Effect.fail(new LeaseSocketError({ path, detail: detailOf(error) })))
    server.once("error", fail)
    // The socket is made within this call: at no moment may others connect to it.
    const umask = process.umask(0o177)
    try {
      server.listen(path, () => {
        server.removeListener("error", fail)
        server.on("error", () => {})
        resume(Effect.void)
      })
    } finally {
      process.umask(umask)
    }
  })

const openConnection = (socket: Socket, listener: LeaseListener): LeaseConnection => {
  let isOpen = true
  let windowStartMs = listener.nowMs()
  let linesInWindow = 0

  const close = () => {
    isOpen = false
    clearTimeout(firstLine)
  }
  const firstLine = setTimeout(() => {
    close()
    socket.destroy()
  }, firstLineWaitMs)
  firstLine.unref()

  const take = (decoded: Decoded<MonitorLine>) => {
    // What comes after the end of the conversation is nobody's.
    if (isOpen) listener.onLine(connection, decoded)
  }
  const isFlood = () => {
    const nowMs = listener.nowMs()
    if (nowMs - windowStartMs >= 1_000) {
      windowStartMs = nowMs
      linesInWindow = 0
    }
    linesInWindow += 1
    return linesInWindow > linesPerSecondMax
  }
  const reader = makeLineReader(
    (line) => {
      if (!isOpen) return
      clearTimeout(firstLine)
      take(isFlood() ? { problem: `more than ${linesPerSecondMax} lines a second` } : decodeMonitorLine(line))
    },
    () => take({ problem: "the line is too long" }),
  )

  const connection: LeaseConnection = {
    send: (line) => {
      if (!isOpen) return
      socket.write(encodeLine(line))
      if (socket.writableLength <= waitingBytesMax) return
      close()
      socket.destroy()
    },
    end: (line) => {
      if (!isOpen) return
      close()
      socket.end(encodeLine(line), () => socket.destroy())
      setTimeout(() => socket.destroy(), lastLineWaitMs).unref()
    },
    isOpen: () => isOpen,
  }
  socket.on("data", (chunk: Buffer) => {
    if (isOpen) reader.take(chunk)
  })
  socket.on("error", () => socket.destroy())
  socket.on("close", close)
  // Half a line before the end is no line.
  socket.on("end", close)
  return connection
}

/** Listens at the socket, readable for its owner only, until the scope ends; the file is removed then. */
export const listenForMonitors = (
  path: string,
  listener: LeaseListener,
): Effect.Effect<void, LeaseSocketError, Scope.Scope> =>
  Effect.gen(function* () {
    const problem = socketPathProblem(path)
    if (problem !== undefined) return yield* new LeaseSocketError({ path, detail: problem })
    yield* removeStaleSocket(path)
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      if (sockets.size >= connectionsMax) {
        const reason = `${connectionsMax} connections are open already: is more than one monitor running?`
        socket.on("error", () => {})
        socket.end(encodeLine({ type: "Refused", reason }), () => socket.destroy())
        return
      }
      sockets.add(socket)
      socket.on("close", () => sockets.delete(socket))
      openConnection(socket, listener)
    })
    yield* Effect.acquireRelease(bind(server, path), () =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        // Also those that never read their last line.
        for (const socket of sockets) if (socket.writableLength > 0) setImmediate(() => socket.destroy())
        for (const socket of sockets) if (socket.writableLength === 0) socket.destroy()
      }),
    )
    yield* Effect.try({
      try: () => chmodSync(path, 0o600),
      catch: (error) => new LeaseSocketError({ path, detail: detailOf(error) }),
    })
  })
