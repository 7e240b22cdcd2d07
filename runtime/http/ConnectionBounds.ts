import type { Server } from "node:http"
import type { Socket } from "node:net"
import { networkOf } from "./RemoteNetwork.ts"

export const defaultMaxConnections = 20_000

export interface ConnectionBounds {
  /** Connections beyond it are closed at once; default 20,000. */
  readonly maxConnections?: number
  /**
   * The same per remote address (of IPv6 the network, its first 64 bits), counting only those on which nobody has proven yet who they are; default 15,000. So a stranger
   * cannot take all, and agents and frameworks behind one address are not counted.
   */
  readonly maxStrangersPerAddress?: number
}

const defaultMaxStrangers = 15_000
/** So much of all connections may be those of strangers; the rest stays for those who have proven who they are. */
const strangersShare = 0.75

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

/**
 * Beyond the share of all strangers the one that has been one for longest is closed, not the newcomer: who comes to prove something does so
 * at once, so a flood, from however many addresses, does not lock anybody out.
 */
export const guardConnections = (
  { maxStrangersPerAddress = defaultMaxStrangers, maxConnections }: ConnectionBounds,
  onDrop: () => void,
): ConnectionGuard => {
  const maxStrangers = Math.ceil((maxConnections ?? defaultMaxConnections) * strangersShare)
  const strangersByNetwork = new Map<string, number>()
  /** The oldest first. */
  const strangers = new Map<string, { readonly network: string; readonly socket: Socket }>()

  const forget = (key: string) => {
    const stranger = strangers.get(key)
    if (stranger === undefined) return
    const { network } = stranger
    strangers.delete(key)
    const left = strangersByNetwork.get(network)! - 1
    if (left === 0) strangersByNetwork.delete(network)
    else strangersByNetwork.set(network, left)
  }
  const drop = (socket: Socket) => {
    socket.destroy()
    onDrop()
  }

  return {
    admit: (socket) => {
      // Undefined when it has gone already.
      const network = networkOf(socket.remoteAddress ?? "")
      const count = strangersByNetwork.get(network) ?? 0
      if (count >= maxStrangersPerAddress) {
        drop(socket)
        return false
      }
      if (strangers.size >= maxStrangers) {
        const [key, { socket: oldest }] = strangers.entries().next().value!
        forget(key)
        drop(oldest)
      }
      strangersByNetwork.set(network, (strangersByNetwork.get(network) ?? 0) + 1)
      const key = keyOf(socket)
      strangers.set(key, { network, socket })
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
