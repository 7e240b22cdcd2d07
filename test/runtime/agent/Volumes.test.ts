import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Either, Logger } from "effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { VolumeName } from "../../../core/agent/State.ts"
import type { UnstampedEvent } from "../../../runtime/agent/Agent.ts"
import { makeVolumeKeeper, mountVolumes } from "../../../runtime/agent/Volumes.ts"
import { specOf } from "../../support/MasterHarness.ts"
import { plain, volumeOf } from "../../support/OperationScenes.ts"

let root = ""
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gleaner-volumes-"))
})
afterEach(() => rmSync(root, { recursive: true }))

const v1 = { role: "web", id: "v1" }
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

const apply = async (make: ReadonlyArray<VolumeName>, remove: ReadonlyArray<VolumeName> = []) => {
  const events: Array<UnstampedEvent> = []
  let count = 0
  const keeper = Effect.flatMap(
    makeVolumeKeeper(root, () => `removed-${count++}`),
    ({ apply: act }) =>
      act({ type: "ApplyVolumes", make, remove, operations: [] }, { submit: (event) => events.push(event) }),
  )
  await Effect.runPromise(Effect.provide(keeper, Logger.remove(Logger.defaultLogger)))
  return events
}

const mount = (containerPath: string, sandbox = join(root, "sandbox")) => {
  mkdirSync(sandbox, { recursive: true })
  const spec = specOf("t", "f", "a", plain(volumeOf("v1", "web", 1_000, containerPath)))
  return Effect.runSync(Effect.either(mountVolumes(root, spec, sandbox, owner)))
}

describe("volumes of an agent", () => {
  it("are folders by role and id, kept with what is in them however often they are made", async () => {
    const deep = { role: "web/api", id: "v1" }
    expect(await apply([v1, deep])).toEqual([
      { type: "VolumesApplied", removed: [], operations: [], problem: null },
    ])
    writeFileSync(join(root, "roles/web/v1/file"), "kept")
    await apply([v1, deep])
    expect(readFileSync(join(root, "roles/web/v1/file"), "utf8")).toBe("kept")
    expect(readdirSync(join(root, "roles"))).toEqual(["web", "web api"])
    expect(lstatSync(join(root, "roles/web")).mode & 0o777).toBe(0o711)
  })

  it("are deleted with what is in them, and are new when they are made again", async () => {
    await apply([v1])
    mkdirSync(join(root, "roles/web/v1/folder"))
    const other = { role: "web", id: "never there" }
    expect(await apply([v1], [v1, other])).toEqual([
      { type: "VolumesApplied", removed: [v1, other], operations: [], problem: null },
    ])
    expect(readdirSync(join(root, "roles/web/v1"))).toEqual([])
    expect(readdirSync(join(root, "removed"))).toEqual([])
  })

  it("that cannot be made are told with their place; the others are made", async () => {
    writeFileSync(join(root, "roles"), "in the way")
    const [event] = await apply([v1])
    expect(event).toMatchObject({
      type: "VolumesApplied",
      problem: expect.stringContaining("volume web/v1: "),
    })
    rmSync(join(root, "roles"))
    const [second] = await apply([{ role: "web", id: "../x" }, { role: "..", id: "x" }, v1])
    expect(second).toMatchObject({ problem: expect.stringContaining("contains invalid characters") })
    expect(readdirSync(root)).toEqual(["roles"])
    expect(readdirSync(join(root, "roles/web"))).toEqual(["v1"])
  })

  it("are links in the sandbox, at the path that the task chose", async () => {
    await apply([v1])
    expect(Either.isRight(mount("a/b/data"))).toBe(true)
    expect(readlinkSync(join(root, "sandbox/a/b/data"))).toBe(join(root, "roles/web/v1"))
    // By an agent that died before the launch.
    expect(Either.isRight(mount("a/b/data"))).toBe(true)
  })

  it.each(["../out", "/etc/cron.d", "a/../../b", "", "."])("are not mounted at %j", async (path) => {
    await apply([v1])
    expect(Either.isLeft(mount(path))).toBe(true)
    expect(readdirSync(join(root, "sandbox"))).toEqual([])
    expect(existsSync(join(root, "out"))).toBe(false)
  })

  it("that are not there stop the launch, which says so", () => {
    const mounted = mount("data")
    expect(Either.isLeft(mounted) && mounted.left.message).toContain("volume web/v1: its folder")
  })
})
