import { spawnSync } from "node:child_process"
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, expect, it } from "vitest"
import {
  coveredDescriptorMax,
  coverInherited,
} from "../../../../runtime/agent/launcher/InheritedDescriptors.ts"
import { root as repository } from "../../../structure/SourceFiles.ts"
import { bundleForNode } from "../../journal/WorkerBundle.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-inherited-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

it("gives a task nothing that somebody left open for the agent, but /dev/null in its place", async () => {
  const program = fileURLToPath(await bundleForNode("test/runtime/agent/launcher/LaunchOnce.ts"))
  const script = join(repository, "runtime/agent/launch.sh")
  writeFileSync(join(folder, "leaked"), "secret")
  const file = openSync(join(folder, "leaked"), "r")
  const stdio: Array<"ignore" | "inherit" | number> = ["ignore", "inherit", "inherit"]
  for (let fd = 3; fd <= 300; fd++) stdio.push([7, 40, 300].includes(fd) ? file : "ignore")
  const { status } = spawnSync(process.execPath, [program, script, folder, "exec ls -l /proc/self/fd"], {
    stdio,
  })
  closeSync(file)
  expect(status).toBe(0)
  const targets = [...readFileSync(join(folder, "sandbox/stdout"), "utf8").matchAll(/ (\d+) -> (.+)$/gm)]
    .map(([, fd, target]) => `${fd} ${target}`)
    // Its own stdio, and the folder that ls reads.
    .filter((line) => !/^[012] | \/proc\//.test(line))
  expect(targets).toEqual(expect.arrayContaining(["40 /dev/null", "300 /dev/null"]))
  // Whoever runs this test may have left something open, too.
  expect(targets.filter((line) => !line.endsWith(" /dev/null"))).toEqual([])
})

it("covers nothing that is given, and nothing above its bound", () => {
  expect(coverInherited(["ignore", 20, 21], [1, 2, 3, 5], 9)).toEqual(["ignore", 20, 21, 9, "ignore", 9])
  expect(coverInherited(["ignore"], [coveredDescriptorMax + 1], 9)).toEqual(["ignore"])
  expect(coverInherited(["ignore"], [coveredDescriptorMax], 9)).toHaveLength(coveredDescriptorMax + 1)
})
