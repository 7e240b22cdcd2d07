import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { Data, Effect, Runtime, type Scope } from "effect"
import {
  type ConnectionBounds,
  defaultMaxConnections,
  guardConnections,
  tellOfDrops,
} from "./ConnectionBounds.ts"
import { type ExchangeSettings, toHttpRequest, writeExit } from "./Exchange.ts"
import { httpUrl } from "./HttpUrl.ts"
import { type ListenerTls, makeTransport, readyEvent } from "./ListenerTls.ts"
import { QuickConnection, type QuickSettings } from "./QuickConnection.ts"
import type { RecordStream } from "./RecordStream.ts"
import { makeBodyRoom } from "./RequestBody.ts"
import type { Handler } from "./Routes.ts"
import { runHandler } from "./RunHandler.ts"
import { makeSendingRoom } from "./SendingRoom.ts"

export interface ListenerBounds extends ConnectionBounds {
  /** Bodies beyond it are refused with 413, unless their route has a bound of its own; default 1 MiB. */
  readonly maxBodyBytes?: number
  /** Of all bodies together that are being read; beyond it the next bytes of any are refused with 503. Default 256 MiB. */
  readonly maxBodiesBytes?: number
  /** Of all replies together that are on their way to clients; beyond it long ones are refused with 503. Default 1 GiB. */
  readonly maxSendingBytes?: number
  /** For the whole head of a request; default 10 s. */
  readonly headersTimeoutMs?: number
  /** For a whole body, once a handler reads it; default 30 s. */
  readonly bodyTimeoutMs?: number
  /** A client that takes nothing of a waiting reply for so long is disconnected; default 60 s. */
  readonly stallTimeoutMs?: number
  /** An idle connection is kept for so long; default 65 s. */
  readonly keepAliveMs?: number
  /** Of a request's line and headers together, beyond which it is refused with 431; default 16 KiB. Node 10 has its own, 8 KiB. */
  readonly maxHeaderBytes?: number
  /** How many headers a request may have, beyond which it is refused with 431; default 100. */
  readonly maxHeaders?: number
  /** At the end, requests and streams have so long to finish; default 5 s. */
  readonly closeWaitMs?: number
}

export interface ListenerOptions<R> extends ListenerBounds {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly handler: Handler<R>
  /** Serves HTTPS, and nothing else. */
  readonly tls?: ListenerTls | undefined
  /** Reads plain requests without node:http (`QuickConnection.ts`); the same to whoever asks, for less time. Needs Node 18. */
  readonly isQuick?: boolean
}

export interface Listener {
  readonly host: string
  readonly port: number
  /** Without a slash at the end. */
  readonly url: string
  /** Open now; for metrics. */
  readonly connections: () => number
}

type ListenFailure = "AddressInUse" | "NotPermitted" | "NoSuchAddress" | "Other"

const remedies: Record<ListenFailure, string> = {
  AddressInUse: "another process listens there: stop it or choose another port",
  NotPermitted: "this user may not listen there: choose a port from 1024 on",
  NoSuchAddress: "choose an address of this host, or 0.0.0.0 for all",
  Other: "choose another address or port",
}

/** The address cannot be listened on; the message names it and the remedy. */
export class ListenError extends Data.TaggedError("ListenError")<{
  readonly reason: ListenFailure
  readonly host: string
  readonly port: number
  readonly detail: string
}> {
  get remedy(): string {
    return remedies[this.reason]
  }

  override get message(): string {
    return `cannot listen on ${this.host}:${this.port} (${this.detail}); ${this.remedy}`
  }
}

const reasonByCode: Record<string, ListenFailure> = {
  EADDRINUSE: "AddressInUse",
  EACCES: "NotPermitted",
  EPERM: "NotPermitted",
  EADDRNOTAVAIL: "NoSuchAddress",
  ENOTFOUND: "NoSuchAddress",
}

/** So much of the room of all bodies strangers have together on the quick path, which takes bodies before it is known who sends them. */
const strangersShare = 1 / 8

/** After a reply to a request whose body nobody wanted, the rest of it is read and thrown away for so long. */
const lingerMs = 1_000

interface ActiveConnection {
  /** Those of node:http that are not answered yet, as what to call when they are, or never will be. */
  readonly requests: Set<() => void>
  /** Until node:http takes over. */
  quick: Pick<QuickConnection<never>, "endIdle" | "check" | "interruptAll"> | undefined
}

/** Longer heads are rare, and node:http has the last word on their bound. */
const maxQuickHeadBytes = 8 * 1024
/** A request that takes longer to arrive is for node:http; idle connections are looked at as often. */
const quickCheckMs = 500

const makeServer = (options: ListenerBounds, tls: ListenerTls | undefined): Server => {
  const headersTimeout = options.headersTimeoutMs ?? 10_000
  const transport = {
    // Apache Mesos takes requests without a Host header (transcripts, item 31).
    requireHostHeader: false,
    connectionsCheckingInterval: Math.min(5_000, headersTimeout),
    noDelay: true,
    maxHeaderSize: options.maxHeaderBytes ?? defaultMaxHeaderBytes,
  }
  const server = makeTransport(transport, tls, headersTimeout)
  server.headersTimeout = headersTimeout
  server.requestTimeout = headersTimeout + (options.bodyTimeoutMs ?? 30_000)
  server.keepAliveTimeout = options.keepAliveMs ?? 65_000
  server.maxConnections = options.maxConnections ?? defaultMaxConnections
  // Event streams may be silent for long; Node 10 would end them after two minutes.
  server.timeout = 0
  // What is not HTTP gets no answer (transcripts, item 31); a slow head gets none either.
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (error.code === "HPE_HEADER_OVERFLOW" && socket.writable) socket.end(headTooLarge)
    else socket.destroy()
  })
  return server
}

const headTooLarge =
  "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

const defaultMaxHeaders = 100
const defaultMaxHeaderBytes = 16 * 1024

const listen = (server: Server, { host, port, tls }: Pick<ListenerOptions<never>, "host" | "port" | "tls">) =>
  Effect.async<Omit<Listener, "connections">, ListenError>((resume) => {
    const onError = (error: NodeJS.ErrnoException) =>
      resume(
        new ListenError({
          reason: reasonByCode[error.code ?? ""] ?? "Other",
          host,
          port,
          detail: error.message,
        }),
      )
    server.once("error", onError)
    server.listen({ host, port }, () => {
      server.removeListener("error", onError)
      const address = server.address() as AddressInfo
      resume(
        Effect.succeed({
          host: address.address,
          port: address.port,
          url: httpUrl(address.address, address.port, tls === undefined ? "http" : "https"),
        }),
      )
    })
  })

/**
 * Serves HTTP until its scope ends. Each request's handler is a fiber of its own, or a plain call (`DirectReply.ts`); it is
 * interrupted when its client leaves before the reply. At the end: no new connections, event streams are ended, idle connections closed, running
 * requests answered; whatever is left after `closeWaitMs` is interrupted and disconnected.
 */
export const serve = <R>(
  options: ListenerOptions<R>,
): Effect.Effect<Listener, ListenError, R | Scope.Scope> =>
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime<R>()
    const fork = Runtime.runFork(runtime)
    const server = makeServer(options, options.tls)
    const active = new Map<Socket, ActiveConnection>()
    const streams = new Set<RecordStream>()
    const interrupts = new Set<() => void>()
    let isClosing = false
    const onDrop = tellOfDrops(server, (text) => fork(Effect.logWarning(text)))
    server.on("drop", onDrop)
    const guard = guardConnections(options, onDrop)
    const maxHeaders = options.maxHeaders ?? defaultMaxHeaders

    const settings: ExchangeSettings = {
      maxBodyBytes: options.maxBodyBytes ?? 1024 * 1024,
      bodyTimeoutMs: options.bodyTimeoutMs ?? 30_000,
      room: makeBodyRoom(options.maxBodiesBytes ?? 256 * 1024 * 1024),
      sending: makeSendingRoom(options.maxSendingBytes ?? 1024 * 1024 * 1024),
      stallTimeoutMs: options.stallTimeoutMs ?? 60_000,
      isClosing: () => isClosing,
      log: (entry) => fork(entry),
      onStream: (stream) => {
        streams.add(stream)
        stream.onClosed(() => streams.delete(stream))
        if (isClosing) stream.end()
      },
    }

    const ready = readyEvent(options.tls)
    const isQuick = options.isQuick === true
    // Its own listeners, which take over whatever is not plain.
    const native = server.listeners(ready)
    if (isQuick) server.removeAllListeners(ready)
    const quickSettings: QuickSettings<R> = {
      ...settings,
      ...{ runtime, handler: options.handler, maxHeaders },
      strangersRoom: makeBodyRoom(settings.room.maxBytes * strangersShare),
      maxHeadBytes: Math.min(maxQuickHeadBytes, (options.maxHeaderBytes ?? defaultMaxHeaderBytes) / 2),
      headersTimeoutMs: server.headersTimeout,
      keepAliveMs: server.keepAliveTimeout,
      prove: guard.prove,
      handOver: (socket) => {
        active.get(socket)!.quick = undefined
        for (const take of native) take.call(server, socket)
      },
    }
    const checking = setInterval(
      () => {
        const nowMs = performance.now()
        for (const { quick } of active.values()) quick?.check(nowMs)
      },
      Math.min(quickCheckMs, server.headersTimeout / 2, server.keepAliveTimeout / 2),
    )
    checking.unref()

    if (options.tls !== undefined) server.on("connection", guard.admit)
    server.on(ready, (socket: Socket) => {
      // Node 10 knows no noDelay option: an event must not wait for the acknowledgement of the one before.
      socket.setNoDelay(true)
      if (options.tls === undefined && !guard.admit(socket)) return
      const connection: ActiveConnection = { requests: new Set(), quick: undefined }
      active.set(socket, connection)
      socket.on("close", () => {
        active.delete(socket)
        // A pipelined response that has not got its turn does not hear of the end by itself.
        for (const onOver of connection.requests) onOver()
      })
      if (isQuick) connection.quick = new QuickConnection(socket, quickSettings)
    })

    const onAnswered = (incoming: IncomingMessage, socket: Socket, status: number) => {
      if (isClosing && active.get(socket)?.requests.size === 0) socket.destroySoon?.()
      if (incoming.complete || socket.destroyed) return
      incoming.resume()
      const timer = setTimeout(() => socket.destroy(), lingerMs)
      // Whoever has sent all of a body that was refused for its length is not waited for any longer either.
      incoming.once("end", () => (status === 413 ? socket.destroySoon?.() : clearTimeout(timer)))
      socket.once("close", () => clearTimeout(timer))
    }

    server.on("request", (incoming: IncomingMessage, response: ServerResponse) => {
      const { socket } = incoming
      if (incoming.rawHeaders.length > 2 * maxHeaders) {
        response.writeHead(431, { Connection: "close" }).end()
        return
      }
      let isOver = false
      let isAnswered = false
      const request = toHttpRequest(incoming, settings, () => guard.prove(socket))
      let interrupt = () => {}
      interrupt = runHandler(
        runtime,
        () => options.handler(request),
        (exit) => {
          isAnswered = true
          interrupts.delete(interrupt)
          if (!isOver) writeExit({ incoming, response, settings }, exit)
        },
      )
      if (!isAnswered) interrupts.add(interrupt)
      const onOver = () => {
        if (isOver) return
        isOver = true
        interrupt()
        active.get(socket)?.requests.delete(onOver)
        onAnswered(incoming, socket, response.statusCode)
      }
      active.get(socket)?.requests.add(onOver)
      response.on("finish", onOver)
      response.on("close", onOver)
      // What is written to a connection that has just gone is not worth the daemon's life.
      response.on("error", onOver)
    })

    yield* Effect.addFinalizer(() =>
      Effect.async<void>((resume) => {
        isClosing = true
        const timer = setTimeout(() => {
          for (const interrupt of interrupts) interrupt()
          for (const { quick } of active.values()) quick?.interruptAll()
          for (const socket of active.keys()) socket.destroy()
          guard.closeAll()
        }, options.closeWaitMs ?? 5_000)
        // To node:http, which calls it, those are idle, too, whose answer is still being taken.
        server.closeIdleConnections = () => {}
        server.close(() => {
          clearTimeout(timer)
          clearInterval(checking)
          resume(Effect.void)
        })
        for (const stream of streams) stream.end()
        for (const [socket, { requests, quick }] of active) {
          if (quick !== undefined) quick.endIdle()
          else if (requests.size === 0) socket.destroy()
        }
      }),
    )
    const address = yield* listen(server, options)
    return { ...address, connections: () => active.size }
  })
