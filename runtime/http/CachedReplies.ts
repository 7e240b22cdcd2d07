import { promisify } from "node:util"
import { constants, deflate, gzip } from "node:zlib"
import { Effect } from "effect"
import { emptyReply, type HttpReply, type HttpRequest } from "./HttpMessage.ts"

/** Bytes of all that is kept, packed and unpacked; what was asked for least recently goes first. */
const defaultKeptBytesMax = 512 * 1024 * 1024
const keptMax = 64
/** Shorter bodies gain nothing by being packed; the bound of Mesos's own server. */
const packedFromBytes = 1024

const packers = { gzip: promisify(gzip), deflate: promisify(deflate) }
type Encoding = keyof typeof packers
/** Whoever reads a large state often wants it soon: half of the time of the default, for a tenth more bytes. */
const packing = { level: constants.Z_BEST_SPEED }

interface Kept {
  readonly version: string
  readonly body: Buffer
  readonly packed: Map<Encoding, Promise<Buffer>>
  bytes: number
}

/** A reply in JSON, and when it would be another one. */
export interface Versioned {
  /** Two replies of one name and version are equal. */
  readonly name: string
  readonly version: string
  readonly json: () => string | Buffer
}

/** Large replies that many ask for, kept as bytes until what they tell has changed. */
export interface CachedReplies {
  readonly answer: (request: HttpRequest, versioned: Versioned) => Effect.Effect<HttpReply>
}

/** The best that a client takes (RFC 9110 §12.5.3), the server's choice among equals. */
const encodingFor = (accepted: string | string[] | undefined): Encoding | undefined => {
  if (accepted === undefined) return undefined
  const ranges = String(accepted)
    .toLowerCase()
    .split(",")
    .map((range) => range.trim().split(/\s*;\s*/))
  const isTaken = (encoding: string) =>
    ranges.some(
      ([name, ...parameters]) => name === encoding && !parameters.some((text) => /^q=0(\.0*)?$/.test(text)),
    )
  if (isTaken("gzip")) return "gzip"
  return isTaken("deflate") ? "deflate" : undefined
}

/** Compares as RFC 9110 §13.1.2 says: any of a list, weakly. */
const hasTag = (header: string | undefined, tag: string): boolean =>
  (header ?? "").split(",").some((each) => ["*", tag, `W/${tag}`].includes(each.trim()))

export const makeCachedReplies = (keptBytesMax = defaultKeptBytesMax): CachedReplies => {
  const kept = new Map<string, Kept>()
  let keptBytes = 0

  const forget = (name: string) => {
    keptBytes -= kept.get(name)?.bytes ?? 0
    kept.delete(name)
  }
  const makeRoom = () => {
    for (const name of kept.keys()) {
      if (keptBytes <= keptBytesMax && kept.size <= keptMax) return
      forget(name)
    }
  }
  const add = (name: string, entry: Kept, bytes: number) => {
    // It may have been forgotten while its bytes were packed.
    if (kept.get(name) !== entry) return
    entry.bytes += bytes
    keptBytes += bytes
    makeRoom()
  }

  const entryOf = ({ name, version, json }: Versioned): Kept => {
    const before = kept.get(name)
    if (before?.version === version) {
      kept.delete(name)
      kept.set(name, before)
      return before
    }
    forget(name)
    const text = json()
    const body = typeof text === "string" ? Buffer.from(text, "utf8") : text
    const entry: Kept = { version, body, packed: new Map(), bytes: 0 }
    kept.set(name, entry)
    add(name, entry, entry.body.length)
    return entry
  }

  /** In zlib's threads; whoever asks meanwhile waits for the same bytes. */
  const packedBody = (name: string, entry: Kept, encoding: Encoding): Promise<Buffer> => {
    const before = entry.packed.get(encoding)
    if (before !== undefined) return before
    const packed = packers[encoding](entry.body, packing)
    entry.packed.set(encoding, packed)
    packed.then(
      ({ length }) => add(name, entry, length),
      () => entry.packed.delete(encoding),
    )
    return packed
  }

  return {
    answer: (request, versioned) =>
      Effect.suspend(() => {
        const tag = `"${versioned.version}"`
        const headers = { "Content-Type": "application/json", ETag: `W/${tag}`, Vary: "Accept-Encoding" }
        const isRead = request.method === "GET" || request.method === "HEAD"
        if (isRead && hasTag(request.headers["if-none-match"], tag))
          return Effect.succeed(emptyReply(304, { ETag: headers.ETag, Vary: headers.Vary }))
        const entry = entryOf(versioned)
        const whole: HttpReply = { _tag: "FullReply", status: 200, headers, body: entry.body }
        const encoding = encodingFor(request.headers["accept-encoding"])
        if (encoding === undefined || entry.body.length < packedFromBytes) return Effect.succeed(whole)
        return Effect.tryPromise(() => packedBody(versioned.name, entry, encoding)).pipe(
          Effect.map(
            (body): HttpReply => ({ ...whole, headers: { ...headers, "Content-Encoding": encoding }, body }),
          ),
          // Without memory for that, it comes as it is.
          Effect.orElseSucceed(() => whole),
        )
      }),
  }
}
