import { createServer, type Server, type ServerOptions } from "node:http"
import { createServer as createTlsServer } from "node:https"

/** What a listener serves TLS with; texts of PEM files. */
export interface ListenerTls {
  readonly cert: string
  readonly key: string
  /** Who signs the certificates that clients must show; undefined = they need none. */
  readonly clientCa: string | undefined
}

/** Older ones are broken (RFC 8996). */
export const minTlsVersion = "TLSv1.2"

/** A server of either kind; what it says of its connections is the same, but for their beginning. */
export const makeTransport = (
  options: ServerOptions,
  tls: ListenerTls | undefined,
  handshakeTimeoutMs: number,
): Server => {
  if (tls === undefined) return createServer(options)
  const { cert, key, clientCa } = tls
  return createTlsServer({
    ...options,
    ...{ cert, key, minVersion: minTlsVersion, handshakeTimeout: handshakeTimeoutMs },
    ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  })
}

/** Requests come on what this event tells of. */
export const readyEvent = (tls: ListenerTls | undefined): "connection" | "secureConnection" =>
  tls === undefined ? "connection" : "secureConnection"
