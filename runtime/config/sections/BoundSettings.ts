import type { RateBounds } from "../../access/Door.ts"
import type { ListenerBounds } from "../../http/Listener.ts"
import { duration, off, whole, wholeOrOff } from "../Kinds.ts"
import type { ValuesOf } from "../Setting.ts"

/** How much anybody may ask of a daemon's port. */
export const boundSettings = {
  maxBodyBytes: whole(
    1_024,
    1_073_741_824,
  )({ meaning: "Longest body of a request; a longer one is refused (413)", initial: 1_048_576 }),
  maxBodiesBytes: whole(
    1_048_576,
    68_719_476_736,
  )({
    meaning: "Most bytes of all bodies together that are on their way at once; more are refused (503)",
    initial: 268_435_456,
  }),
  maxHeaderBytes: whole(
    1_024,
    1_048_576,
  )({
    meaning: "Longest head of a request, first line and headers; a longer one is refused (431)",
    initial: 16_384,
  }),
  maxHeaders: whole(
    10,
    2_000,
  )({ meaning: "Most headers of a request; more are refused (431)", initial: 100 }),
  headersTimeout: duration(
    1_000,
    300_000,
  )({ meaning: "Disconnect who has not sent the head of a request for this long", initial: 10_000 }),
  bodyTimeout: duration(
    1_000,
    3_600_000,
  )({ meaning: "Refuse a body that is not complete after this long (408)", initial: 30_000 }),
  maxConnections: whole(
    10,
    1_000_000,
  )({ meaning: "Most connections; what comes beyond is closed at once", initial: 20_000 }),
  maxStrangersPerAddress: whole(
    1,
    1_000_000,
  )({
    meaning: "Most connections of one remote address on which nobody has proven yet who they are",
    initial: 15_000,
  }),
  principalRate: wholeOrOff(
    1,
    1_000_000,
  )({
    meaning:
      "Most requests a second of one principal, with bursts of twice as many; more are refused (429). Off, and for those with the cluster's secret, as many as come",
    initial: off,
  }),
  strangerRate: wholeOrOff(
    1,
    1_000_000,
  )({
    meaning: "The same for a remote address that has not proven who it is",
    initial: 100,
  }),
}

const orNull = (rate: number | typeof off): number | null => (rate === off ? null : rate)

export const boundsOf = (values: ValuesOf<typeof boundSettings>): ListenerBounds & RateBounds => ({
  maxBodyBytes: values.maxBodyBytes,
  maxBodiesBytes: values.maxBodiesBytes,
  maxHeaderBytes: values.maxHeaderBytes,
  maxHeaders: values.maxHeaders,
  headersTimeoutMs: values.headersTimeout,
  bodyTimeoutMs: values.bodyTimeout,
  maxConnections: values.maxConnections,
  maxStrangersPerAddress: values.maxStrangersPerAddress,
  principalRate: orNull(values.principalRate),
  strangerRate: orNull(values.strangerRate),
})
