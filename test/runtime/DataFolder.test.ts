import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { makeFolder, makePrivateFolder } from "../../runtime/DataFolder.ts"

let root = ""
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gleaner-folder-"))
})
afterEach(() => rmSync(root, { recursive: true }))

const modeOf = (path: string) => statSync(join(root, path)).mode & 0o777

it("closes a private folder to others, new or there already, and lets them enter those above", () => {
  Effect.runSync(makePrivateFolder(join(root, "data/master")))
  expect([modeOf("data"), modeOf("data/master")]).toEqual([0o755, 0o700])
  chmodSync(join(root, "data/master"), 0o755)
  Effect.runSync(makePrivateFolder(join(root, "data/master")))
  expect(modeOf("data/master")).toBe(0o700)
})

it("names the folder that cannot be, and the remedy", () => {
  writeFileSync(join(root, "file"), "")
  for (const make of [makeFolder, makePrivateFolder]) {
    const error = Effect.runSync(Effect.flip(make(join(root, "file/logs"))))
    expect(error.message).toContain(`${root}/file`)
    expect(error.message).toContain("--data")
  }
})
