import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "node:tls"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { readClientTls, readListenerTls, type TlsFiles } from "../../../runtime/access/TlsFiles.ts"
import { type ClientError, makeConnectionPool, openStream, request } from "../../../runtime/http/Client.ts"
import { streamReply, textReply } from "../../../runtime/http/HttpMessage.ts"
import type { Listener, ListenerBounds } from "../../../runtime/http/Listener.ts"
import type { Handler } from "../../../runtime/http/Routes.ts"
import { makeAuthority, missingForCertificates } from "../../support/Certificates.ts"
import { connectRaw, run, serve } from "./ListenerFixture.ts"

const handler: Handler = ({ path, body }) =>
  path === "/stream"
    ? Effect.succeed(
        streamReply((stream) => {
          stream.send('{"a":1}')
          stream.end()
        }),
      )
    : Effect.map(body, (bytes) => textReply(`${bytes.length} bytes`, "text/plain"))

describe.skipIf(missingForCertificates !== undefined)("HTTPS", () => {
  let folder: string
  let server: TlsFiles
  let client: TlsFiles
  let stranger: TlsFiles
  const none = { tlsCa: null, tlsCert: null, tlsKey: null }
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "gleaner-tls-"))
    const ours = makeAuthority(folder, "ours")
    const theirs = makeAuthority(folder, "theirs")
    const filesOf = ({ cert, key }: { cert: string; key: string }) => ({
      tlsCa: ours.ca,
      tlsCert: cert,
      tlsKey: key,
    })
    server = filesOf(ours.sign("server", "IP:127.0.0.1,DNS:localhost"))
    client = filesOf(ours.sign("client", "DNS:client"))
    stranger = filesOf(theirs.sign("client", "DNS:client"))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const withTls = <A, E>(
    isClientCertRequired: boolean,
    use: (listener: Listener) => Effect.Effect<A, E, never>,
    bounds: ListenerBounds = {},
  ) =>
    run(
      Effect.gen(function* () {
        const tls = yield* readListenerTls(server, isClientCertRequired)
        const listener = yield* serve({ host: "127.0.0.1", port: 0, handler, tls, ...bounds })
        return yield* use(listener)
      }),
    )
  const ask = (url: string, files: TlsFiles) =>
    Effect.flatMap(readClientTls(files), (tls) =>
      Effect.match(request({ url, tls, body: "x".repeat(1_000) }), {
        onSuccess: ({ body }) => body,
        onFailure: (error: ClientError) => error.reason,
      }),
    )

  it("serves those who know its authority, and is told from a stranger by the others", async () => {
    const answers = await withTls(false, ({ url }) => {
      expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
      const trusted = { ...none, tlsCa: server.tlsCa }
      return Effect.all([
        ask(url, trusted),
        ask(url, none),
        ask(url, { ...none, tlsCa: join(folder, "theirs.pem") }),
        ask(url.replace("127.0.0.1", "127.0.0.2"), trusted),
        ask(url.replace("https", "http"), none),
      ])
    })
    expect(answers).toEqual(["1000 bytes", "Untrusted", "Untrusted", "Refused", "Broken"])
  })

  it("carries streams and pools as plain HTTP does", async () => {
    const records: Array<string> = []
    await withTls(false, ({ url, connections }) =>
      Effect.gen(function* () {
        const tls = yield* readClientTls(client)
        const stream = yield* openStream({ url: `${url}/stream`, tls })
        yield* stream.run((record) => records.push(record))
        const pool = yield* makeConnectionPool(1, url)
        for (let i = 0; i < 3; i++) yield* request({ url, tls, pool })
        expect(Object.values(pool.freeSockets).flat()).toHaveLength(1)
        expect(connections()).toBeLessThanOrEqual(2)
      }).pipe(Effect.scoped),
    )
    expect(records).toEqual(['{"a":1}'])
  })

  it("may want a certificate of its clients, too", async () => {
    const answers = await withTls(true, ({ url }) =>
      Effect.all([
        ask(url, client),
        ask(url, { ...none, tlsCa: server.tlsCa }),
        ask(url, { ...stranger, tlsCa: server.tlsCa }),
      ]),
    )
    expect(answers[0]).toBe("1000 bytes")
    expect(answers.slice(1).filter((answer) => !["Untrusted", "Broken"].includes(answer))).toEqual([])
  })

  it("reads requests of every form in one burst of many small records, in their order", async () => {
    const plain = (length: number) =>
      `POST / HTTP/1.1\r\nContent-Length: ${length}\r\n\r\n${"x".repeat(length)}`
    const chunked = (length: number) => {
      const chunk = `1f4\r\n${"y".repeat(500)}\r\n`
      return `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(length / 500)}0\r\n\r\n`
    }
    const last = "POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 1\r\n\r\nz"
    const text = await withTls(false, ({ port }) =>
      Effect.async<string>((resume) => {
        const socket = connect({ port, host: "127.0.0.1", ca: readFileSync(server.tlsCa!) })
        let received = ""
        socket.setMaxSendFragment(512)
        socket.on("secureConnect", () =>
          socket.write(plain(3) + plain(20_000) + chunked(50_000) + plain(7) + chunked(200_000) + last),
        )
        socket.on("data", (chunk) => {
          received += chunk.toString("latin1")
        })
        socket.on("close", () => resume(Effect.succeed(received)))
      }),
    )
    expect(text.match(/\d+ bytes/g)).toEqual(
      [3, 20_000, 50_000, 7, 200_000, 1].map((length) => `${length} bytes`),
    )
  })

  it("speaks no TLS before 1.2", async () => {
    const outcome = await withTls(false, ({ port }) =>
      Effect.async<string>((resume) => {
        const socket = connect({
          ...{
            port,
            host: "127.0.0.1",
            maxVersion: "TLSv1.1",
            minVersion: "TLSv1",
            ciphers: "ALL@SECLEVEL=0",
          },
          ca: readFileSync(server.tlsCa!),
        })
        socket.on("secureConnect", () => resume(Effect.succeed("connected")))
        socket.on("error", ({ message }) => resume(Effect.succeed(message)))
      }),
    )
    expect(outcome).toMatch(/protocol version/)
  })

  it("does not wait for those who never come to speak, nor let them take all connections", async () => {
    await withTls(
      false,
      (listener) =>
        Effect.gen(function* () {
          const silent = yield* connectRaw(listener)
          const other = yield* connectRaw(listener)
          const beyond = yield* connectRaw(listener)
          yield* beyond.closed
          yield* silent.closed
          yield* other.closed
          expect(yield* ask(listener.url, client)).toBe("1000 bytes")
        }).pipe(Effect.scoped),
      { headersTimeoutMs: 300, maxStrangersPerAddress: 2 },
    )
  })

  const problem = (files: TlsFiles, isClientCertRequired = false) =>
    Effect.runSync(Effect.flip(readListenerTls(files, isClientCertRequired))).message

  it("refuses files that are open, foreign, missing or nonsense, with the remedy", () => {
    const copy = (from: string, mode: number) => {
      const to = join(folder, "copy")
      copyFileSync(from, to)
      chmodSync(to, mode)
      return to
    }
    expect(problem({ ...server, tlsKey: copy(server.tlsKey!, 0o644) })).toMatch(
      /is open to others \(mode 644\); run `chmod 600/,
    )
    expect(problem({ ...server, tlsCert: copy(server.tlsCert!, 0o666) })).toMatch(/can be changed by others/)
    expect(problem({ ...server, tlsKey: client.tlsKey })).toMatch(/cannot be used for TLS .* belong together/)
    expect(problem({ ...server, tlsKey: null })).toMatch(/is named without its key; name both/)
    expect(problem({ ...server, tlsCert: null })).toMatch(/is named without its certificate/)
    expect(problem({ ...server, tlsCa: join(folder, "nowhere") })).toMatch(/does not exist/)
    const nonsense = join(folder, "nonsense")
    writeFileSync(nonsense, "hello", { mode: 0o600 })
    expect(problem({ ...server, tlsCert: nonsense })).toMatch(/is no PEM file/)
    writeFileSync(nonsense, "-----BEGIN CERTIFICATE-----\nhello\n", { mode: 0o600 })
    expect(problem({ ...server, tlsCert: nonsense })).toMatch(/cannot be used for TLS/)
    expect(problem({ ...server, tlsCa: null }, true)).toMatch(/has no certificates to judge by/)
    expect(Effect.runSync(readListenerTls(none, false))).toBeUndefined()
    expect(Effect.runSync(readClientTls(none))).toBeUndefined()
  })
})
