import type { Socket } from "node:net"
import { Effect } from "effect"
import { nobody } from "../access/Caller.ts"
import type { HttpRequest } from "./HttpMessage.ts"
import type { QuickHead } from "./QuickHead.ts"
import { tooLarge } from "./RequestBody.ts"

/** A request whose body is there already, for handlers that do not care how it came. */
export const toQuickRequest = (
  { method, target, headers }: QuickHead,
  body: Buffer,
  socket: Socket,
  prove: () => void,
): HttpRequest => {
  const mark = target.indexOf("?")
  const whole = Effect.succeed(body)
  return {
    method,
    path: mark === -1 ? target : target.slice(0, mark),
    query: () => new URLSearchParams(mark === -1 ? "" : target.slice(mark + 1)),
    headers,
    remoteAddress: socket.remoteAddress ?? "",
    principal: null,
    caller: nobody,
    connection: socket,
    prove,
    body: whole,
    bodyUpTo: (maxBytes) => (body.length > maxBytes ? tooLarge(maxBytes) : whole),
    takeBody: (done, maxBytes = body.length) => {
      done(body.length > maxBytes ? tooLarge(maxBytes) : body)
      return noReading
    },
  }
}

const noReading = () => {}
