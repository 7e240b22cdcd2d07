import { type SpawnSyncReturns, spawnSync } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { root } from "./SourceFiles.ts"

// bootstrap.mjs in a clone of its own, with an npm and an esbuild that only tell what they were asked.

let clone = ""
const put = (path: string, text: string) => {
  mkdirSync(dirname(join(clone, path)), { recursive: true })
  writeFileSync(join(clone, path), text)
}
const bundleNow = () => readFileSync(join(clone, "dist/gleaner.js"), "utf8")

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "gleaner-bootstrap-"))
  for (const name of ["bootstrap.mjs", "build-facts.mjs"]) copyFileSync(join(root, name), join(clone, name))
  for (const path of ["core/a", "traces/a", "sim/a", "runtime/agent/launch.sh"]) put(path, path)
  put("package.json", '{ "version": "1" }')
  put("package-lock.json", "{}")
  put("bin/npm", `#!/bin/sh\necho "$*" >>"${clone}/npm.log"\n`)
  chmodSync(join(clone, "bin/npm"), 0o755)
  put("node_modules/esbuild/package.json", '{ "type": "module", "main": "main.js" }')
  put(
    "node_modules/esbuild/main.js",
    `import { mkdirSync, readdirSync, writeFileSync, existsSync } from "node:fs"
     export const build = ({ absWorkingDir, outdir }) => {
       const dist = absWorkingDir + "/dist"
       writeFileSync(absWorkingDir + "/during", existsSync(dist) ? readdirSync(dist).sort().join() : "none")
       if (process.env.BUILD_FAILS) throw new Error("no")
       mkdirSync(absWorkingDir + "/" + outdir, { recursive: true })
       writeFileSync(absWorkingDir + "/" + outdir + "/gleaner.js", process.env.BUNDLE)
     }`,
  )
})
afterEach(() => rmSync(clone, { recursive: true }))

const bootstrap = (environment: Record<string, string>): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, [join(clone, "bootstrap.mjs"), "--force"], {
    env: { ...process.env, PATH: `${clone}/bin:${process.env.PATH}`, ...environment },
    encoding: "utf8",
  })

it("installs what the build needs also for production", () => {
  expect(bootstrap({ BUNDLE: "one", NODE_ENV: "production" }).status).toBe(0)
  expect(readFileSync(join(clone, "npm.log"), "utf8")).toContain("--include=dev")
})

it("keeps the old bundle whole until the new one is, and leaves nothing beside it", () => {
  bootstrap({ BUNDLE: "one" })
  const whole = readdirSync(join(clone, "dist")).sort()
  expect(whole).toEqual([".gleaner-built", "gleaner.js", "launch.sh"])
  put("dist/chunk-old.js", "")
  put("dist.new.999999999/gleaner.js", "a build that was killed")
  expect(bootstrap({ BUNDLE: "two" }).status).toBe(0)
  expect(readFileSync(join(clone, "during"), "utf8")).toBe([...whole, "chunk-old.js"].sort().join())
  expect(bundleNow()).toBe("two")
  expect(readdirSync(join(clone, "dist")).sort()).toEqual(whole)
  expect(readdirSync(clone).filter((name) => name.startsWith("dist"))).toEqual(["dist"])
})

it("keeps the old bundle when the build fails", () => {
  bootstrap({ BUNDLE: "one" })
  expect(bootstrap({ BUNDLE: "two", BUILD_FAILS: "1" }).status).not.toBe(0)
  expect(existsSync(join(clone, "dist/launch.sh"))).toBe(true)
  expect(bundleNow()).toBe("one")
})
