import { connect, createServer, type Server, type Socket } from "node:net"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Runtime } from "effect"
import { afterEach, describe, expect, it } from "vitest"
import { type Answer, DirectReply } from "../../../runtime/http/DirectReply.ts"
import { type HttpRequest, streamReply, textReply } from "../../../runtime/http/HttpMessage.ts"
import { QuickConnection, type QuickSettings } from "../../../runtime/http/QuickConnection.ts"
import type { RecordStream } from "../../../runtime/http/RecordStream.ts"
import { makeBodyRoom } from "../../../runtime/http/RequestBody.ts"
import { makeSendingRoom } from "../../../runtime/http/SendingRoom.ts"

// What one connection on the quick path may have under way and in memory, and when it is not read any further.

const kilobyte = 1024
const megabyte = 1024 * kilobyte

interface Begun {
  readonly request: HttpRequest
  readonly answer: Answer<never>
}

const servers = new Set<Server>()
const sockets = new Set<Socket>()
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers) server.close()
  sockets.clear()
  servers.clear()
})

/** A connection between both sides of this process; `take` is called with each request that begins. */
const open = async (take: (begun: Begun) => void, changes: Partial<QuickSettings<never>> = {}) => {
  const settings: QuickSettings<never> = {
    ...{ runtime: Runtime.defaultRuntime, log: () => {}, onStream: () => {}, isClosing: () => false },
    ...{ maxBodyBytes: megabyte, maxHeadBytes: 8 * kilobyte, maxHeaders: 100 },
    ...{ bodyTimeoutMs: 60_000, headersTimeoutMs: 60_000, keepAliveMs: 60_000, stallTimeoutMs: 60_000 },
    ...{ room: makeBodyRoom(megabyte), strangersRoom: makeBodyRoom(megabyte) },
    ...{ sending: makeSendingRoom(1_000 * megabyte), prove: () => {}, handOver: () => {} },
    handler: (request) =>
      new DirectReply<never>((_, answer) => {
        take({ request, answer })
        return () => {}
      }),
    ...changes,
  }
  const accepted = new Promise<{ socket: Socket; connection: QuickConnection<never> }>((resolve) => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket)
      resolve({ socket, connection: new QuickConnection(socket, settings) })
    })
    servers.add(server)
    server.listen(0, "127.0.0.1")
  })
  const [server] = Array.from(servers).slice(-1)
  await until(() => server!.listening)
  const client = connect((server!.address() as { port: number }).port, "127.0.0.1")
  sockets.add(client)
  client.on("error", () => {})
  return { client, settings, ...(await accepted) }
}

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 1))

/** Vitest ends what never comes. */
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await turn()
}

/** Long enough for whatever would go on to do so. */
const settled = async (): Promise<void> => {
  for (let count = 0; count < 50; count++) await turn()
}

const call = (path: string, body = "") =>
  `POST ${path} HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const calls = (count: number, body = "") =>
  Array.from({ length: count }, (_, index) => call(`/${index}`, body)).join("")
const numbers = (count: number) => Array.from({ length: count }, (_, index) => `/${index}`)

/** The bodies of replies, each of which begins with the path that was asked for. */
const gather = (client: Socket): (() => ReadonlyArray<string>) => {
  let text = ""
  client.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1")
  })
  return () => Array.from(text.matchAll(/\r\n\r\n(\/\d+)/g), ([, path]) => path!)
}

const pathWith = (length: number) => (path: string) => textReply(path.padEnd(length, "."), "text/plain")

describe("pipelined requests", () => {
  it("are under way 1,024 at once; the others are not read before these are answered, and all answers keep the order", async () => {
    const [count, size] = [6_000, 2 * kilobyte]
    const begun: Array<Begun> = []
    const { client, socket } = await open((each) => begun.push(each))
    const answered = gather(client)
    client.write(calls(count, "x".repeat(size)))
    await until(() => socket.isPaused())
    await settled()
    expect(begun).toHaveLength(1_024)
    expect(socket.isPaused()).toBe(true)
    expect(socket.bytesRead).toBeLessThan(1_024 * (size + 100) + 256 * kilobyte)
    for (let from = 0; from < count; ) {
      const ready = begun.slice(from)
      from = begun.length
      expect(ready.length).toBeLessThanOrEqual(1_024)
      for (const { request, answer } of ready.reverse()) answer(pathWith(10)(request.path))
      await until(() => begun.length > from || begun.length === count)
    }
    await until(() => answered().length === count)
    expect(answered()).toEqual(numbers(count))
  })

  it("stop being begun when the answers that wait for an earlier one are long", async () => {
    const begun: Array<Begun> = []
    const { client, socket } = await open((each) => {
      begun.push(each)
      if (begun.length > 1) each.answer(pathWith(10 * kilobyte)(each.request.path))
    })
    const answered = gather(client)
    client.write(calls(500))
    await until(() => socket.isPaused())
    await settled()
    // 64 KiB of them.
    expect(begun).toHaveLength(8)
    begun[0]!.answer(pathWith(10)("/0"))
    await until(() => answered().length === 500)
    expect(answered()).toEqual(numbers(500))
  })

  it("are not read while their client does not take the answers", async () => {
    const count = 4_000
    let begun = 0
    const { client, socket } = await open(({ request, answer }) => {
      begun += 1
      answer(pathWith(20 * kilobyte)(request.path))
    })
    client.pause()
    client.write(calls(count))
    await until(() => socket.isPaused() && socket.writableLength > 0)
    await settled()
    expect(begun).toBeLessThan(count)
    expect(socket.isPaused()).toBe(true)
    expect(socket.writableLength).toBeLessThan(128 * kilobyte)
    const answered = gather(client)
    client.resume()
    await until(() => answered().length === count)
    expect(answered()).toEqual(numbers(count))
  }, 20_000)
})

describe("a connection that goes to node:http", () => {
  it("is not read far before that, and comes with every byte once all is answered", async () => {
    const begun: Array<Begun> = []
    const foreign = `PUT / HTTP/1.1\r\nContent-Length: ${4 * megabyte}\r\n\r\n${"x".repeat(4 * megabyte)}`
    let taken = 0
    const { client, socket } = await open((each) => begun.push(each), {
      handOver: (given) => {
        given.on("data", ({ length }: Buffer) => {
          taken += length
        })
      },
    })
    const answered = gather(client)
    client.write(call("/0") + foreign)
    await until(() => socket.isPaused())
    await settled()
    expect([begun.length, taken]).toEqual([1, 0])
    expect(socket.bytesRead).toBeLessThan(256 * kilobyte)
    begun[0]!.answer(pathWith(10)("/0"))
    await until(() => taken === foreign.length)
    expect(answered()).toEqual(["/0"])
  })

  it("gives back what its answers took of the room of all, also when it breaks at that moment", async () => {
    const begun: Array<Begun> = []
    const room = { taken: 0, given: 0 }
    const { client, socket } = await open((each) => begun.push(each), {
      sending: {
        take: () => {
          room.taken += 1
          return () => {
            room.given += 1
          }
        },
      },
    })
    client.write(`${call("/0")}PUT / HTTP/1.1\r\n\r\n`)
    await until(() => begun.length === 1)
    await settled()
    socket.destroy()
    begun[0]!.answer(pathWith(100 * kilobyte)("/0"))
    await settled()
    expect(room).toEqual({ taken: 1, given: 1 })
  })
})

describe("bodies on their way", () => {
  const part = `POST / HTTP/1.1\r\nContent-Length: ${100 * kilobyte}\r\n\r\n${"x".repeat(50 * kilobyte)}`

  it("of strangers take nothing of the room of those who have proven who they are", async () => {
    const { client, settings } = await open(({ request, answer }) => {
      request.prove()
      answer(pathWith(10)(request.path))
    })
    const used = () => [settings.room.usedBytes, settings.strangersRoom.usedBytes]
    client.write(part)
    await until(() => settings.room.usedBytes + settings.strangersRoom.usedBytes === part.length)
    expect(used()).toEqual([0, part.length])
    client.write("x".repeat(50 * kilobyte))
    await until(() => settings.strangersRoom.usedBytes === 0)
    client.write(part)
    await until(() => settings.room.usedBytes + settings.strangersRoom.usedBytes === part.length)
    expect(used()).toEqual([part.length, 0])
    client.destroy()
    await until(() => settings.room.usedBytes === 0)
    expect(used()).toEqual([0, 0])
  })

  it("of strangers who find no room are for node:http", async () => {
    let isGiven = false
    const { client, settings } = await open(() => {}, {
      strangersRoom: makeBodyRoom(10 * kilobyte),
      handOver: () => {
        isGiven = true
      },
    })
    client.write(part)
    await until(() => isGiven)
    expect([settings.room.usedBytes, settings.strangersRoom.usedBytes]).toEqual([0, 0])
  })
})

describe("after its last answer a connection", () => {
  it("keeps nothing of what still comes, while its client does not take that answer", async () => {
    setFlagsFromString("--expose_gc")
    const collect = runInNewContext("gc") as () => void
    const bytesNow = () => {
      collect()
      return process.memoryUsage().arrayBuffers
    }
    const { client, socket } = await open(
      ({ answer }) => answer(textReply("x".repeat(32 * megabyte), "text/plain")),
      { isClosing: () => true },
    )
    client.pause()
    client.write(call("/0"))
    await until(() => socket.writableLength > 0)
    const before = bytesNow()
    const more = 12 * megabyte
    client.write("x".repeat(more))
    await until(() => socket.bytesRead > more)
    expect(bytesNow() - before).toBeLessThan(more / 2)
  }, 20_000)
})

describe("a stream behind a long answer", () => {
  it("hears that its client leaves, also when that has sent something else before", async () => {
    const begun: Array<Begun> = []
    let stream: RecordStream | undefined
    const { client } = await open((each) => begun.push(each))
    let received = 0
    client.on("data", ({ length }: Buffer) => {
      received += length
    })
    client.pause()
    client.write(calls(2))
    await until(() => begun.length === 2)
    begun[1]!.answer(
      streamReply((opened) => {
        stream = opened
      }),
    )
    const long = 32 * megabyte
    begun[0]!.answer(textReply("x".repeat(long), "text/plain"))
    await settled()
    client.resume()
    await until(() => received > long)
    await settled()
    client.write(call("/2"))
    await settled()
    client.end()
    await until(() => stream?.isOpen() === false)
  })
})
