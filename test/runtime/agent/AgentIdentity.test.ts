import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { openIdentityFile } from "../../../runtime/agent/AgentIdentity.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-identity-"))
})
afterEach(() => {
  chmodSync(folder, 0o700)
  rmSync(folder, { recursive: true })
})

const newcomer = { agentId: null, masterId: null, processedId: 0 }
const known = { agentId: "m-S0", masterId: "m", processedId: 7 }
const file = () => join(folder, "identity.json")

describe("an agent's identity", () => {
  it("is nobody's at first, and that of the last write after a restart", () => {
    const identity = openIdentityFile(folder)
    expect(identity.read()).toEqual(newcomer)
    identity.write(known)
    identity.write({ ...known, processedId: 8 })
    expect(identity.read()).toEqual({ ...known, processedId: 8 })
    expect(openIdentityFile(folder).read()).toEqual({ ...known, processedId: 8 })
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(["identity.json"])
  })

  it("is the former one after a crash in the middle of a write", () => {
    openIdentityFile(folder).write(known)
    // What a write that was cut off leaves behind.
    writeFileSync(`${file()}.${process.pid}.new`, '{"agentId":"m-S')
    expect(openIdentityFile(folder).read()).toEqual(known)
    openIdentityFile(folder).write({ ...known, processedId: 9 })
    expect(JSON.parse(readFileSync(file(), "utf8"))).toEqual({ ...known, processedId: 9 })
  })

  it.each([
    "",
    "{",
    "null",
    "[]",
    '"m-S0"',
    '{"agentId":"m-S0","processedId":7}',
    '{"agentId":7,"masterId":"m","processedId":7}',
    '{"agentId":"m-S0","masterId":"m","processedId":"7"}',
    '{"agentId":"m-S0","masterId":"m","processedId":1e999}',
    '{"masterId":"m","processedId":500}',
  ])("is a newcomer's when the file holds %j: no part of it counts alone", (text) => {
    writeFileSync(file(), text)
    expect(openIdentityFile(folder).read()).toEqual(newcomer)
  })

  it("does not change when it cannot be written", () => {
    const identity = openIdentityFile(folder)
    identity.write(known)
    rmSync(folder, { recursive: true })
    expect(() => identity.write({ ...known, processedId: 8 })).toThrow("ENOENT")
    expect(identity.read()).toEqual(known)
    folder = mkdtempSync(join(tmpdir(), "gleaner-identity-"))
  })
})
