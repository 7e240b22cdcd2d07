// Fetches a client of Mesos's v1 API that we did not write from npm, once, into node_modules/.cache/gleaner-foreign-client,
// and prints where its packages are. Not part of `npm ci`: it is old, and only the test that uses it should meet it. The
// lock file beside it holds versions and digests; no install script runs.
import { spawnSync } from "node:child_process"
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const here = dirname(fileURLToPath(import.meta.url))
const source = join(here, "foreign-client")
const cache = join(here, "../node_modules/.cache/gleaner-foreign-client")
const lock = "package-lock.json"

/** The folder with its packages; throws where they cannot be had. */
export const fetchForeignClient = () => {
  const { version } = JSON.parse(readFileSync(join(source, lock), "utf8")).packages[
    "node_modules/mesos-framework"
  ]
  const place = join(cache, version)
  const packages = join(place, "node_modules")
  if (existsSync(packages)) return packages
  mkdirSync(cache, { recursive: true })
  // Complete or not there: two may be at it, or one may be interrupted.
  const draft = mkdtempSync(join(cache, "draft-"))
  try {
    for (const name of ["package.json", lock]) copyFileSync(join(source, name), join(draft, name))
    const words = ["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
    const { status } = spawnSync("npm", words, { cwd: draft, stdio: "ignore", timeout: 60_000 })
    if (status !== 0) throw new Error(`npm cannot fetch mesos-framework ${version}`)
    try {
      renameSync(draft, place)
    } catch (error) {
      if (!existsSync(packages)) throw error
    }
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return packages
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${fetchForeignClient()}\n`)
