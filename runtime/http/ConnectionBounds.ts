import type { Server } from "node:http"
import type { Socket } from "node:net"

export interface ConnectionBounds {
  /** Connections beyond it are closed at once; default 20,000. */
  readonly maxConnections?: number
  /**
   * The same per remote address, counting only those on which nobody has proven yet who they are; default 15,000. So a stranger
   * cannot take all, and agents and frameworks behind one address are not counted.
   */
  readonly maxStrangersPerAddress?: number
}

const defaultMaxStrangers = 15_000

/** Counts connections by where they come from, and closes what is beyond the bounds. */
export interface ConnectionGuard {
  /** False: it was closed. Forgets it by itself when it ends. */
  readonly admit: (socket: Socket) => boolean
  /** Whoever sends on it has proven who they are. */
  readonly prove: (socket: Socket) => void
  /** Also those that have not come to speak HTTP yet. */
  readonly closeAll: () => void
}

/** Of a TLS connection and of the plain one below it, which are two sockets. */
const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`

export const guardConnections = (
  { maxStrangersPerAddress = defaultMaxStrangers }: ConnectionBounds,
  onDrop: () => void,
): ConnectionGuard => {
  const strangersByAddress = new Map<string, number>()
  const strangers = new Map<string, { readonly address: string; readonly socket: Socket }>()

  const forget = (key: string) => {
    const stranger = strangers.get(key)
    if (stranger === undefined) return
    const { address } = stranger
    strangers.delete(key)
    const left = strangersByAddress.get(address)! - 1
    if (left === 0) strangersByAddress.delete(address)
    else strangersByAddress.set(address, left)
  }

  return {
    admit: (socket) => {
      // Undefined when it has gone already.
      const address = socket.remoteAddress ?? ""
      const count = strangersByAddress.get(address) ?? 0
      if (count >= maxStrangersPerAddress) {
        socket.destroy()
        onDrop()
        return false
      }
      strangersByAddress.set(address, count + 1)
      const key = keyOf(socket)
      strangers.set(key, { address, socket })
      socket.on("close", () => forget(key))
      return true
    },
    prove: (socket) => forget(keyOf(socket)),
    closeAll: () => {
      for (const { socket } of Array.from(strangers.values())) socket.destroy()
    },
  }
}

/** Says once a minute how many connections came beyond the bounds; returns what counts another one. */
export const tellOfDrops = (server: Server, tell: (text: string) => void): (() => void) => {
  let dropped = 0
  return () => {
    if (dropped++ > 0) return
    setTimeout(() => {
      tell(
        `${dropped} connections were closed at once: more than ${server.maxConnections} in all, or too many from one address that had not proven who they are`,
      )
      dropped = 0
    }, 60_000).unref()
  }
}
