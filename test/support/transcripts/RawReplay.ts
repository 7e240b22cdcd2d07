import { compareJson, type Difference } from "./Comparison.ts"
import { Connection, parseReply, recordsIn, soon } from "./Connection.ts"
import { Ids } from "./Ids.ts"
import type { Json, RawLog } from "./Transcript.ts"

const closedText = "(connection closed by the server)"

/** A reply with what its bytes show: also which headers there are, whatever they say. */
interface SeenReply {
  readonly status: number
  readonly headers: ReadonlyArray<string>
  readonly body: Json
}

const bodyOf = (text: string): Json => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The replies in what was received on one connection; a stream's without its later heartbeats. */
const repliesIn = (received: string): ReadonlyArray<SeenReply> => {
  const replies: Array<SeenReply> = []
  for (let rest = received; rest !== ""; ) {
    const reply = parseReply(rest)
    if (reply === undefined) break
    const { status, headers, body } = reply.response
    const events = recordsIn(reply.chunks.join(""))
    const isPulse = ({ type }: Json, index: number) => type === "HEARTBEAT" && index > 1
    const pieces =
      reply.chunks.length > 0 ? events.filter((event, index) => !isPulse(event, index)) : undefined
    replies.push({
      status,
      headers: headers.map(([name]) => name.toLowerCase()).sort(),
      body: pieces ?? bodyOf(body as string),
    })
    // Mesos answers a second request in the middle of a stream.
    if (!reply.isComplete && !reply.rest.startsWith("HTTP/")) break
    rest = reply.rest
  }
  return replies
}

const bytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1")

/** Writes what was written, byte for byte, and compares what comes back: replies, headers by name, how it ends. */
export const replayRaw = async (
  url: string,
  log: RawLog,
  known: ReadonlyArray<readonly [recorded: string, ours: string]>,
): Promise<ReadonlyArray<Difference>> => {
  const ids = new Ids()
  for (const [recorded, ours] of known) ids.bind(recorded, ours)
  const connection = await Connection.open(url)
  let recorded = ""
  let isClosed = false
  try {
    for (const [direction, , text] of log) {
      if (direction === ">") connection.write(text)
      else if (text === closedText) isClosed = true
      else recorded += bytes(text)
      const wanted = repliesIn(recorded)
      const isThere = () => {
        const ours = repliesIn(connection.received)
        const sizeOf = ({ body }: SeenReply) => (Array.isArray(body) ? body.length : 1)
        const total = (replies: ReadonlyArray<SeenReply>) =>
          replies.reduce((sum, one) => sum + sizeOf(one), 0)
        return total(ours) >= total(wanted) && (!isClosed || connection.isClosed)
      }
      await soon(() => isThere() || connection.isClosed, 1_000)
    }
    return compareJson(
      { replies: repliesIn(recorded), closed: isClosed },
      { replies: repliesIn(connection.received), closed: connection.isClosed },
      ids,
    )
  } finally {
    connection.close()
  }
}
