import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { fetchColdFile } from "../../../runtime/journal/ColdFile.ts"

const folder = mkdtempSync(join(tmpdir(), "gleaner-cold-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const bytes = 3 * 1024 * 1024 + 5

it("reads a file through once when it is not in memory, and not when it is", (context) => {
  const path = join(folder, "file")
  writeFileSync(path, Buffer.alloc(bytes, 7))
  spawnSync("sync", [path])
  expect(fetchColdFile(path)).toBe(0)
  // Makes the kernel forget this one file.
  spawnSync("dd", [`if=${path}`, "iflag=nocache", "count=0"])
  const read = fetchColdFile(path)
  if (read === 0) return context.skip("this file system keeps files in memory")
  expect(read).toBe(bytes)
  expect(fetchColdFile(path)).toBe(0)
})

it("leaves it to others to say that there is no such file", () => {
  expect(fetchColdFile(join(folder, "nowhere"))).toBe(0)
  expect(fetchColdFile(folder)).toBe(0)
})
