import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeSecretCheck, requireSecret, unauthorized } from "../../../runtime/http/Authentication.ts"
import { request } from "../../../runtime/http/Client.ts"
import { emptyReply } from "../../../runtime/http/HttpMessage.ts"
import { ensureSecret, readSecret } from "../../../runtime/http/SecretFile.ts"
import { withListener } from "./ListenerFixture.ts"

const secret = "0123456789abcdef0123456789abcdef"
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`

describe("the secret of a request", () => {
  const isAuthentic = makeSecretCheck(secret)

  it.each([
    [`Bearer ${secret}`, true],
    [`bearer  ${secret}`, true],
    [basic(`anyone:${secret}`), true],
    [basic(`:${secret}`), true],
    [`Bearer ${secret}x`, false],
    [`Bearer ${secret.slice(1)}`, false],
    [`Bearer`, false],
    [`Bearer ${secret} ${secret}`, false],
    [secret, false],
    [basic(secret), false],
    [basic(`${secret}:`), false],
    [basic(`a:b:${secret}`), false],
    [`Digest ${secret}`, false],
    ["", false],
  ])("%s", (authorization, isRight) => {
    expect(isAuthentic({ authorization })).toBe(isRight)
  })

  it("is missing without the header", () => {
    expect(isAuthentic({})).toBe(false)
  })

  it("is asked for over the wire, with realm and remedy", async () => {
    const handler = requireSecret(isAuthentic, () => Effect.succeed(emptyReply(202)))
    const [without, wrong, right] = await withListener(handler, ({ url }) =>
      Effect.all([request({ url }), request({ url, secret: "wrong" }), request({ url, secret })]),
    )
    for (const reply of [without, wrong]) {
      expect(reply.status).toBe(401)
      expect(reply.headers["www-authenticate"]).toBe('Basic realm="gleaner-master"')
      expect(reply.headers["content-type"]).toBe("text/plain; charset=utf-8")
      expect(reply.body).toBe(unauthorized().sentence)
      expect(reply.body).toContain("Authorization: Bearer <secret>")
    }
    expect(right.status).toBe(202)
  })
})

describe("the secret's file", () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "gleaner-secret-"))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const failureOf = (path: string) => Effect.runSync(Effect.flip(readSecret(path)))

  it("is made once, whole, for its owner only", async () => {
    const path = join(folder, "made")
    const [first, ...others] = await Effect.runPromise(
      Effect.all(
        Array.from({ length: 5 }, () => ensureSecret(path)),
        { concurrency: "unbounded" },
      ),
    )
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(new Set(others)).toEqual(new Set([first]))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, "utf8")).toBe(`${first}\n`)
    expect(readdirSync(folder)).toEqual(["made"])
    expect(Effect.runSync(readSecret(path))).toBe(first)
  })

  it("is refused while others may read or write it", () => {
    const path = join(folder, "exposed")
    writeFileSync(path, secret)
    for (const mode of [0o644, 0o640, 0o602]) {
      chmodSync(path, mode)
      const error = failureOf(path)
      expect(error.reason).toBe("Exposed")
      expect(error.message).toContain(`chmod 600 ${path}`)
      expect(error.message).not.toContain(secret)
    }
    expect(Effect.runSync(Effect.flip(ensureSecret(path))).reason).toBe("Exposed")
    chmodSync(path, 0o400)
    expect(Effect.runSync(readSecret(path))).toBe(secret)
  })

  it.each([
    ["", "Empty"],
    [" \n", "Empty"],
    ["short", "TooShort"],
    [`${secret} ${secret}`, "Malformed"],
    [`${secret}é`, "Malformed"],
  ])("holding %j is refused as %s", (content, reason) => {
    const path = join(folder, "bad")
    writeFileSync(path, content, { mode: 0o600 })
    expect(failureOf(path).reason).toBe(reason)
  })

  it("is missed, unreadable or impossible to make with a remedy", () => {
    expect(failureOf(join(folder, "nowhere")).message).toContain(
      "does not exist; copy the secret file of the master",
    )
    expect(failureOf(folder).reason).toBe("Unreadable")
    expect(Effect.runSync(Effect.flip(ensureSecret(join(folder, "no/where"))))).toMatchObject({
      reason: "CannotCreate",
    })
  })
})
