import { connect, type Socket } from "node:net"
import { makeRecordDecoder } from "../../runtime/http/RecordIo.ts"

// HTTP/1.1 on bare sockets: whoever plays ten thousand peers must cost less than the master it measures. Requests of one
// turn leave together and are pipelined, as Mesos's own C++ scheduler library does it.

export interface WireReply {
  readonly status: number
  /** As text of its lines; names as they came. */
  readonly head: string
  readonly body: Buffer
}

const headEnd = Buffer.from("\r\n\r\n")

/** Sums up what arrives until it is told how much of it has been used. */
class Incoming {
  /** All of it, once it has been asked for. */
  private whole: Buffer = Buffer.alloc(0)
  private later: Array<Buffer> = []
  length = 0

  add(chunk: Buffer): void {
    this.later.push(chunk)
    this.length += chunk.length
  }

  /** Joining at each chunk would copy a long body once for each of them. */
  get bytes(): Buffer {
    if (this.later.length > 0) {
      this.whole =
        this.whole.length === 0 && this.later.length === 1
          ? this.later[0]!
          : Buffer.concat([this.whole, ...this.later])
      this.later = []
    }
    return this.whole
  }

  drop(count: number): void {
    this.whole = this.bytes.subarray(count)
    this.length -= count
  }

  /** The head without its last line end; undefined while it is not complete. */
  takeHead(): string | undefined {
    const end = this.bytes.indexOf(headEnd)
    if (end === -1) return undefined
    const head = this.bytes.toString("latin1", 0, end)
    this.drop(end + headEnd.length)
    return head
  }
}

export const statusOfHead = (head: string): number => Number(head.slice(9, 12))

export const fieldOfHead = (head: string, name: string): string | undefined => {
  const lower = `\r\n${name.toLowerCase()}:`
  const at = head.toLowerCase().indexOf(lower)
  if (at === -1) return undefined
  const from = at + lower.length
  const end = head.indexOf("\r\n", from)
  return head.slice(from, end === -1 ? undefined : end).trim()
}

const requestText = (method: string, path: string, fields: string, body: string): string =>
  `${method} ${path} HTTP/1.1\r\nHost: master\r\n${fields}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** Requests with whole replies, which come in the order of the requests. */
export class CallConnection {
  private socket: Socket | undefined
  private readonly incoming = new Incoming()
  private readonly waiting: Array<(reply: WireReply) => void> = []
  private head: string | undefined
  private out = ""

  constructor(
    private readonly port: number,
    private readonly fields: string,
    private readonly onLost: (why: string) => void,
  ) {}

  send(
    request: { method: string; path: string; fields?: string; body?: string },
    done: (reply: WireReply) => void,
  ): void {
    if (this.out === "") setImmediate(() => this.flush())
    this.waiting.push(done)
    const { method, path, fields = "", body = "" } = request
    this.out += requestText(method, path, this.fields + fields, body)
  }

  ask(request: { method: string; path: string; fields?: string; body?: string }): Promise<WireReply> {
    return new Promise((resolve) => this.send(request, resolve))
  }

  post(path: string, body: string, done: (reply: WireReply) => void, fields = ""): void {
    this.send({ method: "POST", path, body, fields: `Content-Type: application/json\r\n${fields}` }, done)
  }

  close(): void {
    this.socket?.destroy()
  }

  /** With the first request: the master bears only so many connections on which nobody has said who they are. */
  private open(): Socket {
    const socket = connect({ host: "127.0.0.1", port: this.port, noDelay: true })
    socket.on("data", (chunk: Buffer) => this.take(chunk))
    socket.on("error", (error) => this.onLost(error.message))
    socket.on("close", () => {
      if (this.waiting.length > 0) this.onLost(`${this.waiting.length} requests were not answered`)
    })
    return socket
  }

  private flush(): void {
    const text = this.out
    this.out = ""
    this.socket ??= this.open()
    this.socket.write(text, "utf8")
  }

  private take(chunk: Buffer): void {
    this.incoming.add(chunk)
    for (;;) {
      this.head ??= this.incoming.takeHead()
      if (this.head === undefined) return
      const length = Number(fieldOfHead(this.head, "content-length") ?? 0)
      if (this.incoming.length < length) return
      const reply = {
        status: statusOfHead(this.head),
        head: this.head,
        body: this.incoming.bytes.subarray(0, length),
      }
      this.head = undefined
      this.incoming.drop(length)
      this.waiting.shift()?.(reply)
    }
  }
}

export interface StreamPeer {
  /** With the head of the reply, whatever its status. */
  readonly onHead: (head: string) => void
  readonly onRecord: (text: string) => void
  readonly onOver: (why: string) => void
}

/** One POST whose answer is a stream of records. */
export class StreamConnection {
  private readonly socket: Socket
  private isClosed = false

  constructor(port: number, path: string, fields: string, body: string, peer: StreamPeer) {
    this.socket = connect({ host: "127.0.0.1", port, noDelay: true })
    const incoming = new Incoming()
    const records = makeRecordDecoder()
    let head: string | undefined
    this.socket.on("data", (chunk: Buffer) => {
      incoming.add(chunk)
      if (head === undefined) {
        head = incoming.takeHead()
        if (head === undefined) return
        peer.onHead(head)
        if (statusOfHead(head) !== 200) return this.over(peer, `${head.split("\r\n")[0]} ${incoming.bytes}`)
      }
      dechunk(incoming, (part) => records.push(part, peer.onRecord))
    })
    this.socket.on("error", (error) => this.over(peer, error.message))
    this.socket.on("close", () => this.over(peer, "the master closed it"))
    this.socket.write(requestText("POST", path, `Content-Type: application/json\r\n${fields}`, body))
  }

  close(): void {
    this.isClosed = true
    this.socket.destroy()
  }

  private over(peer: StreamPeer, why: string): void {
    if (this.isClosed) return
    this.close()
    peer.onOver(why)
  }
}

/** Takes whole chunks (RFC 9112 §7.1); the rest waits. */
const dechunk = (incoming: Incoming, onPart: (part: Buffer) => void): void => {
  for (;;) {
    const lineEnd = incoming.bytes.indexOf("\r\n")
    if (lineEnd === -1) return
    const length = Number.parseInt(incoming.bytes.toString("latin1", 0, lineEnd), 16)
    const end = lineEnd + 2 + length
    if (incoming.bytes.length < end + 2) return
    onPart(incoming.bytes.subarray(lineEnd + 2, end))
    incoming.drop(end + 2)
  }
}
