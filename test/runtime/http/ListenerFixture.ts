import { connect, type Socket } from "node:net"
import { Effect, type Scope } from "effect"
import {
  type Listener,
  type ListenerBounds,
  type ListenerOptions,
  serve as serveWith,
} from "../../../runtime/http/Listener.ts"
import type { Handler } from "../../../runtime/http/Routes.ts"

export const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.scoped(effect))

const path = { isQuick: false }

/** Tests that run after it have listeners with the quick path. */
export const takeQuickPath = () => {
  path.isQuick = true
}

export const serve = <R>(options: ListenerOptions<R>) => serveWith({ ...path, ...options })

/** Serves on a free port of the loopback while `use` runs. */
export const withListener = <A, E>(
  handler: Handler,
  use: (listener: Listener) => Effect.Effect<A, E, Scope.Scope>,
  bounds: ListenerBounds = {},
) => run(Effect.flatMap(serve({ host: "127.0.0.1", port: 0, handler, ...bounds }), use))

/** A connection that shows every byte. */
export interface RawConnection {
  readonly socket: Socket
  readonly received: () => string
  /** Waits until what was received satisfies the predicate. */
  readonly until: (isEnough: (received: string) => boolean) => Effect.Effect<string>
  readonly closed: Effect.Effect<void>
}

export const connectRaw = (
  listener: Listener,
  firstBytes = "",
): Effect.Effect<RawConnection, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<RawConnection>((resume) => {
      const socket = connect(listener.port, listener.host)
      let received = ""
      let isClosed = false
      const watchers = new Set<() => void>()
      const wake = () => {
        for (const watcher of [...watchers]) watcher()
      }
      socket.setEncoding("latin1")
      socket.on("data", (text) => {
        received += text
        wake()
      })
      socket.on("error", () => {})
      socket.on("close", () => {
        isClosed = true
        wake()
      })
      const waitFor = (isEnough: () => boolean) =>
        Effect.async<string>((done) => {
          const look = () => {
            if (!isEnough()) return
            watchers.delete(look)
            done(Effect.succeed(received))
          }
          watchers.add(look)
          look()
        })
      socket.on("connect", () => {
        socket.write(firstBytes, "latin1")
        resume(
          Effect.succeed({
            socket,
            received: () => received,
            until: (isEnough) => waitFor(() => isEnough(received)),
            closed: Effect.asVoid(waitFor(() => isClosed)),
          }),
        )
      })
    }),
    ({ socket }) => Effect.sync(() => socket.destroy()),
  )

/** Splits a chunked response's bytes after its head into the chunks, terminating one included. */
export const chunksOf = (response: string): ReadonlyArray<string> => {
  const chunks: Array<string> = []
  let rest = response.slice(response.indexOf("\r\n\r\n") + 4)
  while (rest !== "") {
    const line = rest.indexOf("\r\n")
    const length = Number.parseInt(rest.slice(0, line), 16)
    chunks.push(rest.slice(line + 2, line + 2 + length))
    rest = rest.slice(line + 4 + length)
  }
  return chunks
}
