import { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Cause, Exit, type Runtime } from "effect"
import {
  type ExchangeSettings,
  exitToReply,
  internalError,
  logDefect,
  refusalToReply,
  writeExit,
} from "./Exchange.ts"
import type { HttpRefusal, HttpReply, StreamReply } from "./HttpMessage.ts"
import { type HeadBounds, HeadReader, type QuickHead } from "./QuickHead.ts"
import { replyToBytes } from "./QuickReply.ts"
import { toQuickRequest } from "./QuickRequest.ts"
import { isText, lengthOf, noInterrupt, release, type Turn } from "./QuickTurn.ts"
import type { BodyRoom } from "./RequestBody.ts"
import type { Handler } from "./Routes.ts"
import { runHandler } from "./RunHandler.ts"
import { countedFromBytes, noSendingRoom } from "./SendingRoom.ts"

// A connection whose requests are read without node:http, for as long as they have the plain form of `QuickHead.ts` and come whole
// soon: a call of the scheduler API costs a fraction of what it costs there. At the first bytes that are anything else, the connection is
// given to node:http for good, with the bytes from the beginning of that request, once all earlier requests are
// answered. So nothing is refused here, and node:http judges whatever is odd or slow.

export interface QuickSettings<R> extends ExchangeSettings, HeadBounds {
  readonly runtime: Runtime.Runtime<R>
  readonly handler: Handler<R>
  /** A connection on which nothing comes at first is closed after so long. */
  readonly headersTimeoutMs: number
  /** The same between requests. */
  readonly keepAliveMs: number
  /** Instead of the room of all, until somebody has proven who they are. */
  readonly strangersRoom: BodyRoom
  /** Called when somebody has proven who they are. */
  readonly prove: (socket: Socket) => void
  /** Takes over the socket and what it has been given back. */
  readonly handOver: (socket: Socket) => void
}

/** Requests of one connection that are under way at once; a framework may have as many calls waiting for the disk. */
const maxTurns = 1_024
/** Of replies that cannot go out yet, because an earlier one is missing or the client does not take them. */
const maxReadyBytes = 64 * 1024
/** Of bytes that wait for node:http to take over; only then is the end of the client no longer noticed. */
const maxLeftBytes = 64 * 1024

export class QuickConnection<R> {
  private readonly reader: HeadReader
  /** In the order of the requests, which is that of the replies. */
  private turns: Array<Turn> = []
  /** Bytes that have not become a request yet. */
  private held: Array<Buffer> = []
  private heldBytes = 0
  /** What they count for in the room of all bodies. */
  private roomBytes = 0
  /** So many must be there before it is worth looking again. */
  private neededBytes = 0
  /** How often it was looked whether the request that has begun is there. */
  private looks = 0
  private out: Array<string | Buffer> = []
  /** What to call when that has gone. */
  private going: Array<() => void> = []
  private outBytes = 0
  /** Of replies that wait for an earlier one. */
  private readyBytes = 0
  private isReading = false
  private isSettling = false
  private isStreaming = false
  /** The client does not take what was written. */
  private isBlocked = false
  /** To node:http. */
  private isLeaving = false
  /** Nothing more is read or answered here. */
  private isOver = false
  private hasAsked = false
  private isTouched = true
  private touchedAtMs = 0
  private isProven = false

  constructor(
    private readonly socket: Socket,
    private readonly settings: QuickSettings<R>,
  ) {
    this.reader = new HeadReader(settings)
    socket.on("data", this.onData)
    socket.on("end", this.onEnd)
    socket.on("drain", this.onDrain)
    socket.on("timeout", this.onTimeout)
    socket.on("error", this.onError)
    socket.on("close", this.onClose)
  }

  /** Nothing is under way; what has been answered may still have to be taken. */
  private get isIdle(): boolean {
    return this.turns.length === 0 && !this.isStreaming
  }

  /** At the end: unless something is under way, it goes as soon as what has been answered is written. */
  endIdle(): void {
    if (this.isIdle) this.finish()
  }

  /** To be called every now and then: what comes slowly is for node:http, what does not come at all is closed. */
  check(nowMs: number): void {
    if (this.isTouched) this.touchedAtMs = nowMs
    this.isTouched = false
    if (this.isOver || !this.isIdle || this.isBlocked) return
    const { keepAliveMs, headersTimeoutMs } = this.settings
    if (this.heldBytes > 0) {
      if (this.looks++ > 0) this.leave()
    } else if (nowMs - this.touchedAtMs > (this.hasAsked ? keepAliveMs : headersTimeoutMs))
      this.socket.destroy()
  }

  /** Answers all that is under way with what comes of its interruption, as far as that can be. */
  interruptAll(): void {
    for (const turn of Array.from(this.turns)) if (turn.reply === undefined) turn.interrupt()
    this.flush()
  }

  private readonly onData = (chunk: Buffer): void => {
    // After the last answer it is only taken, so that the client gets to read that.
    if (this.isOver) return
    this.isTouched = true
    this.held.push(chunk)
    this.heldBytes += chunk.length
    if (this.heldBytes >= this.neededBytes) this.readHeld()
    this.settle()
  }

  /** Whoever ends in the midst of a request gets no answer, and nobody is answered after that, as with node:http. */
  private readonly onEnd = (): void => {
    this.flush()
    if (this.heldBytes > 0) this.socket.destroy()
    else this.socket.end()
  }

  private readonly onDrain = (): void => {
    this.isBlocked = false
    if (!this.isStreaming) this.socket.setTimeout(0)
    this.settle()
  }

  /** Only set while something waits for the client to take it. */
  private readonly onTimeout = (): void => {
    if (this.isStreaming) return
    if (this.socket.writableLength > 0) this.socket.destroy()
    else this.socket.setTimeout(0)
  }

  /** "close" follows. */
  private readonly onError = (): void => {}

  private readonly onClose = (): void => {
    this.isOver = true
    this.held = []
    this.heldBytes = 0
    this.countRoom()
    this.dropTurns()
    this.releaseGoing()
  }

  private dropTurns(): void {
    const { turns } = this
    this.turns = []
    for (const { reply, gone, interrupt } of turns) {
      if (reply === undefined) interrupt()
      gone?.()
    }
  }

  private releaseGoing(): void {
    const { going } = this
    this.going = []
    release(going)
  }

  private mayRead(): boolean {
    return (
      !this.isOver &&
      !this.isLeaving &&
      !this.isBlocked &&
      this.turns.length < maxTurns &&
      this.readyBytes < maxReadyBytes
    )
  }

  /** Begins all requests that are there, as far as they may be under way at once. */
  private readHeld(): void {
    if (this.isReading || this.heldBytes === 0) return
    const bytes = this.held.length === 1 ? this.held[0]! : Buffer.concat(this.held)
    let at = 0
    this.isReading = true
    this.neededBytes = 0
    while (at < bytes.length && this.mayRead()) {
      const found = this.reader.read(bytes, at)
      if (found === "Foreign") this.isLeaving = true
      if (typeof found === "string") {
        this.neededBytes = bytes.length - at + 1
        break
      }
      const bodyAt = at + found.headBytes
      const end = bodyAt + found.head.bodyBytes
      if (end > bytes.length) {
        this.neededBytes = end - at
        break
      }
      at = end
      this.begin(found.head, bytes.subarray(bodyAt, end))
      if (this.outBytes >= maxReadyBytes) this.flush()
    }
    this.isReading = false
    if (this.isOver) return
    if (at > 0) this.looks = 0
    this.held = at < bytes.length ? [bytes.subarray(at)] : []
    this.heldBytes = bytes.length - at
  }

  private begin(head: QuickHead, body: Buffer): void {
    this.hasAsked = true
    const turn: Turn = { head, reply: undefined, gone: undefined, isLast: false, interrupt: noInterrupt }
    this.turns.push(turn)
    const { runtime, handler } = this.settings
    turn.interrupt = runHandler(
      runtime,
      () => handler(toQuickRequest(head, body, this.socket, this.prove)),
      (exit) => this.answer(turn, exit),
    )
  }

  private readonly prove = (): void => {
    if (this.isProven) return
    this.settings.strangersRoom.usedBytes -= this.roomBytes
    this.roomBytes = 0
    this.isProven = true
    this.settings.prove(this.socket)
  }

  private answer(turn: Turn, exit: Exit.Exit<HttpReply, HttpRefusal>): void {
    if (this.isOver) return
    turn.reply = this.replyOf(turn, exit)
    if (!(turn.reply instanceof ServerResponse)) this.readyBytes += lengthOf(turn.reply)
    if (turn !== this.turns[0]) return
    const isFirst = this.outBytes === 0
    this.advance()
    // What is answered in one turn of the event loop leaves in one write.
    if (isFirst && !this.isReading) process.nextTick(this.onAnswered)
  }

  private readonly onAnswered = (): void => this.settle()

  private replyOf(turn: Turn, exit: Exit.Exit<HttpReply, HttpRefusal>): NonNullable<Turn["reply"]> {
    const { head } = turn
    const isClosing = this.settings.isClosing()
    turn.isLast = isClosing
    const fail = (cause: Cause.Cause<unknown>) => {
      logDefect(this.settings, { method: head.method, url: head.target }, cause)
      return replyToBytes(internalError, isClosing)
    }
    const reply = exitToReply(exit)
    if (reply === undefined) return fail(Exit.isFailure(exit) ? exit.cause : Cause.empty)
    if (reply._tag === "StreamReply") return this.openStream(head, reply)
    try {
      // As it is with a body that has been refused before it was there.
      if (reply.status === 413) turn.isLast = true
      if (reply.body.length < countedFromBytes) return replyToBytes(reply, isClosing)
      const bytes = replyToBytes(reply, isClosing)
      turn.gone = this.settings.sending.take(reply.body)
      return turn.gone === undefined ? replyToBytes(refusalToReply(noSendingRoom()), isClosing) : bytes
    } catch (error) {
      return fail(Cause.die(error))
    }
  }

  /** Takes the replies whose turn it is. */
  private advance(): void {
    while (!this.isStreaming && !this.isOver) {
      const turn = this.turns[0]
      if (turn?.reply === undefined) return
      this.turns.shift()
      if (turn.reply instanceof ServerResponse) return this.writeStream(turn.reply)
      const length = lengthOf(turn.reply)
      this.readyBytes -= length
      this.outBytes += length
      for (const part of turn.reply) this.out.push(part)
      if (turn.gone !== undefined) this.going.push(turn.gone)
      if (turn.isLast) this.finish()
    }
  }

  /** By node:http's own response, so that a stream has the same bytes as there. */
  private openStream({ method, target, headers }: QuickHead, reply: StreamReply): ServerResponse {
    const { socket, settings } = this
    const incoming = new IncomingMessage(socket)
    Object.assign(incoming, { method, url: target, headers, httpVersionMajor: 1, httpVersionMinor: 1 })
    const response = new ServerResponse(incoming)
    writeExit({ incoming, response, settings }, Exit.succeed(reply))
    return response
  }

  private writeStream(response: ServerResponse): void {
    this.flush()
    if (this.isOver || this.socket.destroyed) return
    this.isStreaming = true
    response.once("finish", () => {
      response.detachSocket(this.socket)
      this.isStreaming = false
      this.isTouched = true
      if (this.settings.isClosing()) return this.finish()
      this.advance()
      this.settle()
    })
    response.assignSocket(this.socket)
  }

  /** The connection ends with what has been answered. */
  private finish(): void {
    this.flush()
    this.isOver = true
    this.socket.destroySoon()
    this.dropTurns()
  }

  private flush(): void {
    if (this.outBytes === 0 || this.isOver) return
    const { socket, out } = this
    this.out = []
    this.outBytes = 0
    this.isTouched = true
    if (!socket.writable) return this.releaseGoing()
    const { going } = this
    this.going = []
    // Called also when the connection ends before it is written.
    const onWritten = going.length === 0 ? undefined : () => release(going)
    if (out.every(isText)) socket.write(out.length === 1 ? out[0]! : out.join(""), "utf8", onWritten)
    else {
      socket.cork()
      for (const part of out) socket.write(part, "utf8", part === out[out.length - 1] ? onWritten : undefined)
      socket.uncork()
    }
    this.isBlocked = socket.writableNeedDrain
    if (socket.writableLength > 0) socket.setTimeout(this.settings.stallTimeoutMs)
  }

  /** Writes what is answered, and goes on reading, waits, or gives the connection away. */
  private settle(): void {
    if (this.isSettling) return
    this.isSettling = true
    do {
      this.flush()
      if (this.heldBytes >= this.neededBytes && this.mayRead()) this.readHeld()
    } while (this.outBytes > 0 && !this.isOver)
    this.isSettling = false
    if (this.isOver) return
    this.countRoom()
    if (this.isLeaving && this.isIdle && !this.isBlocked) return this.handOver()
    const isReadable = this.isLeaving ? this.heldBytes < maxLeftBytes : this.mayRead()
    if (isReadable && this.socket.isPaused()) this.socket.resume()
    if (!isReadable && !this.socket.isPaused()) this.socket.pause()
  }

  private leave(): void {
    this.isLeaving = true
    this.settle()
  }

  /** Where there is no room left, node:http says so; it asks who they are before it reads a body. */
  private countRoom(): void {
    const room = this.isProven ? this.settings.room : this.settings.strangersRoom
    room.usedBytes += this.heldBytes - this.roomBytes
    this.roomBytes = this.heldBytes
    if (this.heldBytes > 0 && room.usedBytes > room.maxBytes) this.isLeaving = true
  }

  private handOver(): void {
    const { socket } = this
    this.isOver = true
    socket.setTimeout(0)
    socket.removeListener("data", this.onData)
    socket.removeListener("end", this.onEnd)
    socket.removeListener("drain", this.onDrain)
    socket.removeListener("timeout", this.onTimeout)
    socket.removeListener("error", this.onError)
    socket.removeListener("close", this.onClose)
    const bytes = Buffer.concat(this.held)
    this.held = []
    this.heldBytes = 0
    this.countRoom()
    // Given back while nobody reads; node:http's own listener is told of them in the next turn.
    socket.pause()
    if (bytes.length > 0) socket.unshift(bytes)
    this.settings.handOver(socket)
    socket.resume()
  }
}
