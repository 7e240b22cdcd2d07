import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

/** A wire to a server that can be cut. */
export interface Relay {
  readonly url: string
  /** Cuts every connection there is; new ones are made as before. */
  readonly cut: () => void
}

export const makeRelay = (target: {
  readonly host: string
  readonly port: number
}): Effect.Effect<Relay, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Relay & { readonly close: () => void }>((resume) => {
      const sockets = new Set<Socket>()
      const cut = () => {
        for (const socket of sockets) socket.destroy()
        sockets.clear()
      }
      const server = createServer((near) => {
        const far = connect(target.port, target.host)
        for (const [socket, other] of [
          [near, far],
          [far, near],
        ] as const) {
          sockets.add(socket)
          socket.setNoDelay(true)
          socket.on("error", () => {})
          socket.on("close", () => {
            sockets.delete(socket)
            other.destroy()
          })
          socket.pipe(other)
        }
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        const close = () => {
          server.close()
          cut()
        }
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, cut, close }))
      })
    }),
    ({ close }) => Effect.sync(close),
  )
