import type { ServerResponse } from "node:http"
import type { QuickHead } from "./QuickHead.ts"

/** One request, until its reply is written. */
export interface Turn {
  readonly head: QuickHead
  /** A stream is node:http's own response, which waits for its turn itself. */
  reply: ReadonlyArray<string | Buffer> | ServerResponse | undefined
  /** Gives back what the reply takes of the room of all. */
  gone: (() => void) | undefined
  /** The connection ends with it. */
  isLast: boolean
  interrupt: () => void
}

export const lengthOf = (parts: ReadonlyArray<string | Buffer>): number => {
  let length = 0
  for (const part of parts) length += part.length
  return length
}

export const release = (going: ReadonlyArray<() => void>): void => {
  for (const gone of going) gone()
}

export const noInterrupt = () => {}

export const isText = (part: string | Buffer): boolean => typeof part === "string"
