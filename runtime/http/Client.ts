import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as startRequest,
} from "node:http"
import { request as startTlsRequest, Agent as TlsAgent } from "node:https"
import { Data, Effect, type Scope } from "effect"
import { authorizationOf, type ClientTls, type Proof } from "./ClientIdentity.ts"
import { schemeOf } from "./HttpUrl.ts"
import { minTlsVersion } from "./ListenerTls.ts"
import { defaultMaxRecordBytes, makeRecordDecoder, RecordIoError } from "./RecordIo.ts"

export type ClientFailure =
  | "BadUrl"
  | "Refused"
  | "Unresolved"
  | "Unreachable"
  | "TimedOut"
  | "Untrusted"
  | "Broken"
  | "TooLarge"

const remedies: Record<ClientFailure, string> = {
  BadUrl: "write it as http://host:port/path or https://host:port/path",
  Refused: "nothing listens there: see that the daemon runs, and that host and port are right",
  Unresolved: "that name is unknown here: see that the host is right, or give its address",
  Unreachable: "there is no way to that host: see its address and the network between",
  TimedOut: "it did not answer in time: see whether it is overloaded or cut off",
  Untrusted:
    "name with --tls-ca who has signed its certificate, and call it by a name that the certificate has; see that it speaks HTTPS",
  Broken: "the connection was lost: try again",
  TooLarge: "ask for less at once",
}

/** No answer was received; whether the request was carried out is unknown, except for BadUrl, Refused and Unresolved. */
export class ClientError extends Data.TaggedError("ClientError")<{
  readonly reason: ClientFailure
  readonly url: string
  readonly detail: string
}> {
  get remedy(): string {
    return remedies[this.reason]
  }
  override get message(): string {
    return `no answer from ${this.url} (${this.detail}); ${this.remedy}`
  }
}

/** An answer with another status than was needed. */
export class HttpStatusError extends Data.TaggedError("HttpStatusError")<{
  readonly url: string
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}> {
  override get message(): string {
    return `${this.url} answered ${this.status}${this.body === "" ? "" : `: ${this.body.slice(0, 1_000)}`}`
  }
}

export interface ClientRequestOptions {
  readonly url: string
  /** Default: POST with a body, GET without. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** Until the answer is complete, of a stream until its headers are there; default 10 s. */
  readonly timeoutMs?: number
  /** A token, or a principal and its secret. */
  readonly secret?: Proof | undefined
  /** For HTTPS; default: the well-known authorities, no certificate. */
  readonly tls?: ClientTls | undefined
  /** Connections to reuse; without it each request has its own. */
  readonly pool?: Agent
  /** Of the answer; default 64 MiB. */
  readonly maxBodyBytes?: number
}

export interface ClientReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  /** The bytes as UTF-8 text. */
  readonly body: string
}

export interface StreamRequestOptions extends ClientRequestOptions {
  readonly maxRecordBytes?: number
  /** After so long without a byte the stream is taken for dead; default never. Choose some heartbeats' time. */
  readonly silenceMs?: number
}

export interface IncomingStream {
  readonly headers: IncomingHttpHeaders
  /**
   * Calls `onRecord` for every record, in order, until the server ends the stream properly; fails when it breaks,
   * falls silent or is no RecordIO. Nothing is read before it runs; run it once. A defect in `onRecord` ends it.
   */
  readonly run: (onRecord: (record: string) => void) => Effect.Effect<void, ClientError | RecordIoError>
  /** From now on it may be silent for so long; only for a stream that was asked for with a `silenceMs`. */
  readonly bearSilence: (silenceMs: number) => void
}

const failureByCode: Record<string, ClientFailure> = {
  ECONNREFUSED: "Refused",
  ENOENT: "Refused",
  ENOTFOUND: "Unresolved",
  EAI_AGAIN: "Unresolved",
  EHOSTUNREACH: "Unreachable",
  ENETUNREACH: "Unreachable",
  ETIMEDOUT: "TimedOut",
}

/** OpenSSL's names for what is wrong with a certificate, and Node's for a wrong name or no TLS at all. */
const untrustedCode =
  /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME|INVALID_CA|UNTRUSTED|^EPROTO$|^ERR_(SSL|TLS)_/

const failureOf = ({ code = "" }: NodeJS.ErrnoException): ClientFailure =>
  failureByCode[code] ?? (untrustedCode.test(code) ? "Untrusted" : "Broken")

const toClientError = (url: string, error: NodeJS.ErrnoException) =>
  new ClientError({
    reason: failureOf(error),
    url,
    detail: error.code ?? error.message,
  })

/** Keeps up to `maxSockets` connections per server open between requests to URLs like this one; they end with the scope. */
export const makeConnectionPool = (
  maxSockets: number,
  url: string,
): Effect.Effect<Agent, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const options = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets }
      return schemeOf(url) === "https" ? new TlsAgent(options) : new Agent(options)
    }),
    (pool) => Effect.sync(() => pool.destroy()),
  )

const start = (options: ClientRequestOptions, pool: Agent | false): ClientRequest | ClientError => {
  const { url, body } = options
  try {
    const { protocol, hostname, port, pathname, search } = new URL(url)
    if (protocol !== "http:" && protocol !== "https:")
      return new ClientError({ reason: "BadUrl", url, detail: `not ${protocol}` })
    const isTls = protocol === "https:"
    const outgoing = {
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? (isTls ? 443 : 80) : Number(port),
      path: pathname + search,
      method: options.method ?? (body === undefined ? "GET" : "POST"),
      agent: pool,
      headers: {
        ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }),
        ...(options.secret === undefined ? {} : { Authorization: authorizationOf(options.secret) }),
        ...options.headers,
      },
    }
    return isTls
      ? startTlsRequest({ ...outgoing, ...options.tls, minVersion: minTlsVersion })
      : startRequest(outgoing)
  } catch (error) {
    return new ClientError({
      reason: "BadUrl",
      url,
      detail: error instanceof Error ? error.message : String(error),
    })
  }
}

/** Sends the request and calls one of the two callbacks, `onAnswer` when the headers are there. */
const send = (
  options: ClientRequestOptions,
  pool: Agent | false,
  onAnswer: (answer: IncomingMessage, timer: NodeJS.Timeout) => void,
  onFailure: (error: ClientError) => void,
): (() => void) => {
  const outgoing = start(options, pool)
  if (outgoing instanceof ClientError) {
    onFailure(outgoing)
    return () => {}
  }
  const timeoutMs = options.timeoutMs ?? 10_000
  const timer = setTimeout(() => {
    onFailure(
      new ClientError({ reason: "TimedOut", url: options.url, detail: `nothing within ${timeoutMs} ms` }),
    )
    outgoing.destroy()
  }, timeoutMs)
  outgoing.on("response", (answer: IncomingMessage) => onAnswer(answer, timer))
  outgoing.on("error", (error) => {
    clearTimeout(timer)
    onFailure(toClientError(options.url, error))
  })
  outgoing.setNoDelay(true)
  outgoing.end(options.body)
  return () => {
    clearTimeout(timer)
    outgoing.destroy()
  }
}

const collect = (
  answer: IncomingMessage,
  url: string,
  maxBodyBytes: number,
  done: (result: ClientReply | ClientError) => void,
) => {
  const chunks: Array<Buffer> = []
  let length = 0
  const fail = (reason: ClientFailure, detail: string) => done(new ClientError({ reason, url, detail }))
  answer.on("data", (chunk: Buffer) => {
    length += chunk.length
    if (length <= maxBodyBytes) chunks.push(chunk)
    else {
      fail("TooLarge", `the answer is longer than the bound of ${maxBodyBytes} bytes`)
      answer.destroy()
    }
  })
  answer.on("end", () => {
    const bytes = Buffer.concat(chunks)
    done({ status: answer.statusCode ?? 0, headers: answer.headers, bytes, body: bytes.toString("utf8") })
  })
  answer.on("aborted", () => fail("Broken", "the answer was cut off"))
  answer.on("error", (error) => fail("Broken", error.message))
}

/** One request and its whole answer, whatever the status. Interruption disconnects. */
export const request = (options: ClientRequestOptions): Effect.Effect<ClientReply, ClientError> =>
  Effect.async((resume) => {
    const stop = send(
      options,
      options.pool ?? false,
      (answer, timer) =>
        collect(answer, options.url, options.maxBodyBytes ?? 64 * 1024 * 1024, (result) => {
          clearTimeout(timer)
          resume(result instanceof ClientError ? result : Effect.succeed(result))
        }),
      resume,
    )
    return Effect.sync(stop)
  })

const toStatusError = (url: string, { status, headers, body }: ClientReply) =>
  new HttpStatusError({ url, status, headers, body })

/** The same, where every status but 2xx is an error. */
export const requestOk = (
  options: ClientRequestOptions,
): Effect.Effect<ClientReply, ClientError | HttpStatusError> =>
  Effect.flatMap(request(options), (reply) =>
    reply.status >= 200 && reply.status < 300 ? Effect.succeed(reply) : toStatusError(options.url, reply),
  )

const runStream =
  (answer: IncomingMessage, options: StreamRequestOptions) => (onRecord: (record: string) => void) =>
    Effect.async<void, ClientError | RecordIoError>((resume) => {
      const { url, silenceMs } = options
      const decoder = makeRecordDecoder(options.maxRecordBytes ?? defaultMaxRecordBytes)
      const finish = (result: Effect.Effect<void, ClientError | RecordIoError>) => {
        // In this order: destroying announces an abort, which is not why the stream ends.
        resume(result)
        answer.destroy()
      }
      const guarded = (action: () => void) => {
        try {
          action()
        } catch (error) {
          finish(error instanceof RecordIoError ? error : Effect.die(error))
        }
      }
      const broken = (detail: string) => finish(new ClientError({ reason: "Broken", url, detail }))
      if (answer.destroyed) return broken("it ended before it was read")
      if (silenceMs !== undefined)
        answer.setTimeout(silenceMs, () =>
          finish(
            new ClientError({
              reason: "TimedOut",
              url,
              detail: `silent for ${answer.socket.timeout ?? silenceMs} ms`,
            }),
          ),
        )
      answer.on("aborted", () => broken("the stream was cut off"))
      answer.on("error", (error) => broken(error.message))
      answer.on("end", () =>
        guarded(() => {
          decoder.end()
          finish(Effect.void)
        }),
      )
      answer.on("data", (chunk: Buffer) => guarded(() => decoder.push(chunk, onRecord)))
      return Effect.sync(() => {
        answer.destroy()
      })
    })

/**
 * Opens an event stream on a connection of its own (on a shared one, answers would come in the middle of the stream:
 * transcripts, item 31). It is closed with its scope. Every status but 200 is an error with the body's text.
 */
export const openStream = (
  options: StreamRequestOptions,
): Effect.Effect<IncomingStream, ClientError | HttpStatusError, Scope.Scope> =>
  Effect.suspend(() => {
    /** Set before there is anything to close, so that no interruption can fall between the opening and its release. */
    let close = () => {}
    const open = Effect.async<IncomingMessage, ClientError | HttpStatusError>((resume) => {
      close = send(
        options,
        false,
        (answer, timer) => {
          if (answer.statusCode === 200) {
            clearTimeout(timer)
            // Nothing flows until `run` listens; a lost connection before that must not be an uncaught error.
            answer.on("error", () => {})
            resume(Effect.succeed(answer))
          } else
            collect(answer, options.url, 1024 * 1024, (result) => {
              clearTimeout(timer)
              resume(result instanceof ClientError ? result : toStatusError(options.url, result))
            })
        },
        resume,
      )
    })
    return Effect.addFinalizer(() => Effect.sync(() => close())).pipe(
      Effect.zipRight(open),
      Effect.map((answer) => ({
        headers: answer.headers,
        run: runStream(answer, options),
        bearSilence: (silenceMs: number) => {
          answer.setTimeout(silenceMs)
        },
      })),
    )
  })
