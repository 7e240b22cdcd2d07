import { type HttpRefusal, refuse } from "./HttpMessage.ts"

/** Shorter ones are not counted: there cannot be enough connections for them to matter. */
export const countedFromBytes = 64 * 1024

/** What the bodies may have together that are on their way to clients, however slowly these take them. */
export interface SendingRoom {
  /** Undefined: there is no room for it. Otherwise what gives its place back, to be called once it has gone. */
  readonly take: (body: string | Buffer) => (() => void) | undefined
}

const uncounted = () => {}

/** A body that goes to many clients at once is in memory once, and counted once. */
export const makeSendingRoom = (maxBytes: number): SendingRoom => {
  const readersByBody = new Map<Buffer, number>()
  let usedBytes = 0

  const once = (give: () => void): (() => void) => {
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      give()
    }
  }

  return {
    take: (body) => {
      const { length } = body
      if (length < countedFromBytes) return uncounted
      const readers = typeof body === "string" ? 0 : (readersByBody.get(body) ?? 0)
      // One that is larger than all of the room goes while there is nothing else.
      if (readers === 0 && usedBytes > 0 && usedBytes + length > maxBytes) return undefined
      if (readers === 0) usedBytes += length
      if (typeof body === "string") return once(() => (usedBytes -= length))
      readersByBody.set(body, readers + 1)
      return once(() => {
        const left = readersByBody.get(body)! - 1
        if (left > 0) readersByBody.set(body, left)
        else {
          readersByBody.delete(body)
          usedBytes -= length
        }
      })
    },
  }
}

export const noSendingRoom = (): HttpRefusal =>
  refuse(503, "Too many long answers are on their way at once: try again in a moment", { "Retry-After": "1" })
