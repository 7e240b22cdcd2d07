import { execFileSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import {
  closedFolders,
  makeSandbox,
  readSandboxFile,
  type SandboxFileError,
  sandboxPath,
} from "../../../runtime/agent/Sandbox.ts"

let root = ""
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gleaner-sandbox-"))
})
afterEach(() => rmSync(root, { recursive: true }))

const place = { frameworkId: "f", taskId: "t", containerId: "c1" }
const isRoot = process.getuid?.() === 0
const owner = isRoot ? { uid: 65_534, gid: 65_534 } : { uid: process.getuid!(), gid: process.getgid!() }
const make = (change: Partial<typeof place> = {}) =>
  Effect.runSync(Effect.either(makeSandbox(root, { ...place, ...change }, owner)))
const made = (change: Partial<typeof place> = {}) => {
  make(change)
  return sandboxPath(root, { ...place, ...change })
}
const read = (path: string, offset = 0, length = 100): string | SandboxFileError =>
  Effect.runSync(
    Effect.merge(Effect.map(readSandboxFile(root, path, offset, length), (bytes) => bytes.toString("utf8"))),
  )
const virtual = (file: string) => `/frameworks/f/executors/t/runs/latest/${file}`
const noSuch = (file: string) => expect.objectContaining({ isMissing: true, path: virtual(file) })
const refused = expect.objectContaining({ _tag: "SandboxFileError", isMissing: false })

describe("a sandbox", () => {
  it("belongs to the task's user and is closed to others; folders above let it pass", () => {
    const path = made()
    const stats = statSync(path)
    expect(stats.mode & 0o777).toBe(0o750)
    expect([stats.uid, stats.gid]).toEqual([owner.uid, owner.gid])
    expect(statSync(join(root, "frameworks")).mode & 0o777).toBe(0o711)
    expect(closedFolders(join(path, "..")).filter((folder) => folder.startsWith(`${root}/`))).toEqual([])
  })

  it("can be reached by its user whatever the daemon's umask is", () => {
    const before = process.umask(0o077)
    try {
      made()
    } finally {
      process.umask(before)
    }
    expect(statSync(join(root, "frameworks/f/executors/t/runs")).mode & 0o777).toBe(0o711)
    expect(statSync(sandboxPath(root, place)).mode & 0o777).toBe(0o750)
  })

  it("is the latest of its task, also after a crash between the link's two steps", () => {
    made()
    const latest = join(root, "frameworks/f/executors/t/runs/latest")
    expect(readlinkSync(latest)).toBe("c1")
    symlinkSync("c1", `${latest}.new`)
    made({ containerId: "c2" })
    expect(readlinkSync(latest)).toBe("c2")
  })

  it("is never one that is there already", () => {
    made()
    expect(make()).toMatchObject({ _tag: "Left", left: { message: expect.stringContaining("EEXIST") } })
  })

  it.each([
    { frameworkId: "../../../etc" },
    { frameworkId: ".." },
    { taskId: "a/b" },
    { taskId: "" },
    { containerId: "." },
    { taskId: "a\0b" },
  ])("is not made outside its root: %j", (change) => {
    expect(make(change)).toMatchObject({ _tag: "Left", left: { _tag: "SandboxError" } })
  })
})

describe("reading a sandbox", () => {
  it("gives the part that was asked for, as it is", () => {
    writeFileSync(join(made(), "stdout"), "0123456789")
    expect(read(virtual("stdout"))).toBe("0123456789")
    expect(read(virtual("stdout"), 3, 4)).toBe("3456")
    expect(read(virtual("stdout"), 8, 4)).toBe("89")
    expect(read(virtual("stdout"), 10)).toBe("")
    expect(read(virtual("stdout"), 999_999_999_999_999)).toBe("")
    expect(read(virtual("stdout"), 0, 0)).toBe("")
    expect(read("/frameworks/f/executors/t/runs/c1/stdout")).toBe("0123456789")
  })

  it("says what is not there yet", () => {
    expect(read(virtual("stdout"))).toEqual(noSuch("stdout"))
    made()
    expect(read(virtual("stdout"))).toEqual(noSuch("stdout"))
    expect(read(virtual("a\0b"))).toEqual(noSuch("a\0b"))
  })

  it("follows links within sandboxes, and no link out of them", () => {
    const path = made()
    writeFileSync(join(path, "stdout"), "mine")
    symlinkSync("stdout", join(path, "inside"))
    symlinkSync("/etc/passwd", join(path, "passwd"))
    symlinkSync("/etc", join(path, "etc"))
    symlinkSync("../../../../../../../../etc/passwd", join(path, "up"))
    symlinkSync("loop", join(path, "loop"))
    expect(read(virtual("inside"))).toBe("mine")
    for (const file of ["passwd", "etc/passwd", "up"]) expect(read(virtual(file))).toEqual(refused)
    expect(read(virtual("loop"))).toEqual(noSuch("loop"))
  })

  it.each(["/etc/passwd", "", "frameworks/f", "/frameworks/../secret", "/frameworks/f/../../secret"])(
    "knows no path such as %j",
    (path) => {
      writeFileSync(join(root, "secret"), "s")
      expect(read(path)).toEqual(refused)
    },
  )

  it("takes plain files only, and does not wait for anybody", () => {
    const path = made()
    mkdirSync(join(path, "folder"))
    execFileSync("mkfifo", [join(path, "fifo")])
    expect(read(virtual("folder"))).toEqual(refused)
    expect(read(virtual(""))).toEqual(refused)
    expect(read(virtual("fifo"))).toEqual(refused)
  })

  it.runIf(isRoot)("takes a hard link only to what the task's user owns", () => {
    const path = made()
    const foreign = join(root, "shadow")
    writeFileSync(foreign, "secret")
    chmodSync(foreign, 0o600)
    linkSync(foreign, join(path, "shadow"))
    writeFileSync(join(path, "own"), "own")
    chownSync(join(path, "own"), owner.uid, owner.gid)
    linkSync(join(path, "own"), join(path, "twin"))
    // Written by the agent for the task: not its own, but under one name only.
    writeFileSync(join(path, "stdout"), "out")
    expect(read(virtual("shadow"))).toEqual(refused)
    expect(read(virtual("twin"))).toBe("own")
    expect(read(virtual("stdout"))).toBe("out")
  })
})
