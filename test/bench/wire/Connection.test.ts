import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, beforeEach, expect, it } from "vitest"
import { CallConnection, fieldOfHead, StreamConnection } from "../../../bench/wire/Connection.ts"
import { encodeRecord } from "../../../runtime/http/RecordIo.ts"

let server: Server
let port = 0
beforeEach(async () => {
  server = createServer((request, response) => {
    if (request.url === "/stream") {
      response.writeHead(200, { "X-Kind": "stream" })
      for (const text of ['{"a":1}', '{"b":"é"}']) response.write(encodeRecord(text))
      setImmediate(() => response.end(encodeRecord('{"c":3}')))
      return
    }
    let body = ""
    request.on("data", (chunk) => {
      body += chunk
    })
    // Later for the first: replies come in the order of the requests all the same.
    request.on("end", () =>
      setTimeout(() => response.end(`${request.headers["x-all"]} ${body}`), request.url === "/slow" ? 20 : 0),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  port = (server.address() as AddressInfo).port
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

it("pipelines requests and pairs them with their replies", async () => {
  const lost: Array<string> = []
  const calls = new CallConnection(port, "X-All: yes\r\n", (why) => lost.push(why))
  const paths = ["/slow", "/a", "/b"]
  const replies = await Promise.all(
    paths.map(
      (path) =>
        new Promise<string>((resolve) => calls.post(path, `é${path}`, ({ body }) => resolve(`${body}`))),
    ),
  )
  expect(replies).toEqual(["yes é/slow", "yes é/a", "yes é/b"])
  calls.close()
  expect(lost).toEqual([])
})

it("reads records of a stream, and tells its end", async () => {
  const records: Array<string> = []
  let kind: string | undefined
  const why = await new Promise<string>((resolve) => {
    new StreamConnection(port, "/stream", "", "{}", {
      onHead: (head) => {
        kind = fieldOfHead(head, "x-kind")
      },
      onRecord: (text) => records.push(text),
      onOver: resolve,
    })
    setTimeout(() => server.closeIdleConnections(), 100)
  })
  expect(kind).toBe("stream")
  expect(records).toEqual(['{"a":1}', '{"b":"\\u00e9"}', '{"c":3}'])
  expect(why).toBe("the master closed it")
})
