import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ensureSecret, readProof, readSecret } from "../../../runtime/access/SecretFile.ts"

const secret = "0123456789abcdef0123456789abcdef"
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

  it("of a client may also hold a token, or a principal as Mesos's agents read it", () => {
    const path = join(folder, "proof")
    const read = (content: string) => {
      writeFileSync(path, content, { mode: 0o600 })
      return Effect.runSync(Effect.either(readProof(path)))
    }
    expect(read(`${secret}\n`)).toMatchObject({ right: secret })
    const credential = { principal: "host-7", secret: "pw with blanks" }
    expect(read(`${JSON.stringify(credential, undefined, 2)}\n`)).toMatchObject({ right: credential })
    const long = { principal: "a", secret: "b".repeat(40) }
    expect(read(JSON.stringify(long))).toMatchObject({ right: long })
    expect(read('{"principal":"a","secret":"b"}')).toMatchObject({ right: { principal: "a", secret: "b" } })
    for (const wrong of [
      '{"principal":"a"}',
      `{"principle":"${secret}"}`,
      '{"principal":"a","secret":""}',
      "{",
      "short",
    ]) {
      expect(read(wrong), wrong).toMatchObject({ left: { _tag: "SecretError" } })
    }
    chmodSync(path, 0o644)
    expect(read('{"principal":"a","secret":"b"}')).toMatchObject({ left: { reason: "Exposed" } })
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
