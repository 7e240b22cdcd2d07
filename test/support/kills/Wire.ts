import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http"

// The v1 scheduler API from its documentation, on plain `node:http`: nothing of gleaner, so that a mistake made twice
// is not taken for the protocol.

export interface WireAccess {
  readonly url: string
  readonly secret: string
}

export interface WireAnswer {
  /** 0: none came, and nobody knows whether the call was taken. */
  readonly status: number
  readonly body: string
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of a foreign protocol
export type WireEvent = { readonly type: string; readonly [field: string]: any }

export interface Subscription {
  readonly streamId: string
  readonly close: () => void
}

const callMsMax = 15_000
const connections = new Agent({ keepAlive: true, maxSockets: 8 })

const post = (
  { url, secret }: WireAccess,
  body: object,
  headers: Readonly<Record<string, string>>,
  options: { readonly agent: Agent | false },
  onAnswer: (answer: IncomingMessage) => void,
): ClientRequest => {
  const text = JSON.stringify(body)
  const outgoing = request(
    `${url}/api/v1/scheduler`,
    {
      method: "POST",
      ...options,
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json",
        Authorization: `Bearer ${secret}`,
        "Content-Length": Buffer.byteLength(text),
        ...headers,
      },
    },
    onAnswer,
  )
  outgoing.end(text)
  return outgoing
}

/** Sends one call; never fails. */
export const call = (access: WireAccess, streamId: string, body: object): Promise<WireAnswer> =>
  new Promise((resolve) => {
    const none = () => resolve({ status: 0, body: "" })
    const headers = { "Mesos-Stream-Id": streamId }
    const outgoing = post(access, body, headers, { agent: connections }, (answer) => {
      const chunks: Array<Buffer> = []
      answer.on("data", (chunk: Buffer) => chunks.push(chunk))
      answer.on("error", none)
      answer.on("aborted", none)
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
      )
    })
    outgoing.setTimeout(callMsMax, () => outgoing.destroy())
    outgoing.on("error", none)
  })

/** Cuts a RecordIO stream into its records: a length in bytes, a newline, the record. */
export const makeRecordCutter = (onRecord: (text: string) => void): ((chunk: Buffer) => void) => {
  let bytes = Buffer.alloc(0)
  return (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
    for (;;) {
      const newline = bytes.indexOf(10)
      if (newline === -1) return
      const length = Number(bytes.subarray(0, newline).toString("latin1"))
      if (!Number.isInteger(length)) throw new Error(`no RecordIO: ${bytes.subarray(0, 80)}`)
      if (bytes.length < newline + 1 + length) return
      onRecord(bytes.subarray(newline + 1, newline + 1 + length).toString("utf8"))
      bytes = bytes.subarray(newline + 1 + length)
    }
  }
}

/** Subscribes; resolves with the stream, or with undefined when there is none. `onEnd` is called once the stream is over. */
export const subscribe = (
  access: WireAccess,
  body: object,
  onEvent: (event: WireEvent) => void,
  onEnd: () => void,
): Promise<Subscription | { readonly status: number }> =>
  new Promise((resolve) => {
    const outgoing = post(access, body, {}, { agent: false }, (answer) => {
      outgoing.setTimeout(0)
      if (answer.statusCode !== 200) {
        answer.resume()
        resolve({ status: answer.statusCode ?? 0 })
        return
      }
      // Whoever waits for the stream's id has it before the first event.
      resolve({ streamId: String(answer.headers["mesos-stream-id"]), close: () => answer.destroy() })
      const cut = makeRecordCutter((text) => onEvent(JSON.parse(text) as WireEvent))
      setImmediate(() => answer.on("data", cut))
      answer.on("error", () => undefined)
      answer.on("close", onEnd)
    })
    outgoing.setTimeout(callMsMax, () => outgoing.destroy())
    outgoing.on("error", () => resolve({ status: 0 }))
  })
