import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface MonitorListenerOptions {
  readonly host: string
  /** 0 = any free one. */
  readonly port: number
  readonly contentType: string
  readonly metrics: () => Promise<string>
  /** The body of /health, and whether all is well. */
  readonly health: () => { readonly isHealthy: boolean; readonly body: unknown }
}

export interface MonitorListener {
  readonly port: number
  readonly stop: () => Promise<void>
}

/** The port cannot be had. */
export class MonitorPortUnusable extends Error {
  readonly _tag = "MonitorPortUnusable"

  constructor(host: string, port: number, reason: string) {
    super(`cannot listen on ${host}:${port}: ${reason}; stop what uses it, or choose another --port`)
    this.name = "MonitorPortUnusable"
  }
}

/** A request that is not done by then is given up. */
const requestMs = 10_000
const connectionsMost = 64

/** `GET /metrics` and `GET /health`, nothing else: read-only, no secrets, on the loopback unless told otherwise. */
export const startMonitorListener = (options: MonitorListenerOptions): Promise<MonitorListener> => {
  const answer = (response: ServerResponse, status: number, type: string, body: string) => {
    response.writeHead(status, { "content-type": type, "cache-control": "no-store" })
    response.end(body)
  }
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? "/").split("?")[0]
    if (request.method !== "GET") return answer(response, 405, "text/plain", "only GET is answered here\n")
    if (path === "/metrics") return answer(response, 200, options.contentType, await options.metrics())
    if (path === "/health") {
      const { isHealthy, body } = options.health()
      return answer(response, isHealthy ? 200 : 503, "application/json", `${JSON.stringify(body)}\n`)
    }
    answer(response, 404, "text/plain", "there are /metrics and /health\n")
  }
  const server = createServer((request, response) => {
    request.resume()
    handle(request, response).catch((error: Error) =>
      answer(response, 500, "text/plain", `${error.message}\n`),
    )
  })
  server.setTimeout(requestMs)
  server.maxConnections = connectionsMost
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(new MonitorPortUnusable(options.host, options.port, error.message)),
    )
    server.listen(options.port, options.host, () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        stop: () => stopServer(server),
      }),
    )
  })
}

/** Ends also connections that are kept alive, which `close` alone would wait for. */
const stopServer = (server: ReturnType<typeof createServer>): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.setTimeout(1)
  })
