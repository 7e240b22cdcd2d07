import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { sweepRunRoot } from "../../../../runtime/agent/launcher/RunFolder.ts"

it("is emptied of what nobody asks about any more", () => {
  const runs = mkdtempSync(join(tmpdir(), "gleaner-runs-"))
  for (const id of ["c1", "c2", "mine"]) {
    mkdirSync(join(runs, id))
    writeFileSync(join(runs, id, "environment"), "export TOKEN=s3cret")
  }
  mkdirSync(join(runs, "c2/a strange/folder"), { recursive: true })
  sweepRunRoot(runs, (id) => id === "mine")
  expect(readdirSync(runs)).toEqual(["c2", "mine"])
  expect(readdirSync(join(runs, "mine"))).toEqual(["environment"])
  expect(readdirSync(join(runs, "c2"))).toEqual(["a strange"])
  rmSync(runs, { recursive: true })
})
