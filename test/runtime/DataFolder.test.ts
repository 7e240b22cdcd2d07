import { spawnSync } from "node:child_process"
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { DataFolderError, makeFolder, makePrivateFolder, replaceFile } from "../../runtime/DataFolder.ts"

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

it("replaces a file as a whole or not at all where the disk takes only a part of it, and leaves nothing behind", ({
  skip,
}) => {
  const disk = join(root, "disk")
  mkdirSync(disk)
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]).status !== 0) skip()
  try {
    const path = join(disk, "script")
    replaceFile(path, "old")
    const { bavail, bsize } = statfsSync(disk)
    writeFileSync(join(disk, "filling"), Buffer.alloc((Number(bavail) - 1) * Number(bsize)))
    expect(() => replaceFile(path, "x".repeat(2 * Number(bsize)))).toThrow("ENOSPC")
    expect(readFileSync(path, "utf8")).toBe("old")
    expect(readdirSync(disk).sort()).toEqual(["filling", "script"])
  } finally {
    spawnSync("umount", [disk])
  }
})

it("tells to free space where that is what is missing", () => {
  const { message } = new DataFolderError({ path: "/data", detail: "ENOSPC: no space left on device, write" })
  expect(message).toContain("/data")
  expect(message).toContain("free space there")
})
