// Makes a fresh clone ready: installs the locked dependencies and bundles the command line when either is
// missing or out of date, and does nothing otherwise. `npm start` and `npm test` begin here, so this file may
// use nothing but Node itself until the dependencies are there.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { buildFacts } from "./build-facts.mjs"

const root = dirname(fileURLToPath(import.meta.url))
const installMark = join(root, "node_modules/.gleaner-installed")
const buildMark = join(root, "dist/.gleaner-built")

const say = (text) => process.stderr.write(`gleaner: ${text}\n`)
const contentOf = (path) => (existsSync(path) ? readFileSync(path, "utf8") : "")
const sha256 = (text) => createHash("sha256").update(text).digest("hex")

function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  say(`needs Node 20.19 or newer, this is ${process.version}`)
  process.exit(1)
}

function installDependencies() {
  const wanted = sha256(`${process.version}\n${contentOf(join(root, "package-lock.json"))}`)
  if (contentOf(installMark) === wanted) return
  say("installing the locked dependencies (once; two to three minutes, nearly all of it compiling SQLite)")
  // Node's own npm script environment would make the inner npm believe it runs inside the outer script.
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("npm_lifecycle")),
  )
  // esbuild is among the development dependencies, which npm leaves out under NODE_ENV=production.
  const result = spawnSync("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"], {
    cwd: root,
    env: environment,
    stdio: ["ignore", 2, 2],
  })
  if (result.status !== 0) {
    say("npm ci failed: see its message above; nothing was built")
    process.exit(1)
  }
  writeFileSync(installMark, wanted)
}

/** Name, size and time of everything that goes into the bundle: cheap, and it notices deleted files too. */
function sourcesFingerprint() {
  const lines = []
  const visit = (path) => {
    const entry = statSync(path)
    if (entry.isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name))
    else lines.push(`${path} ${entry.size} ${entry.mtimeMs}`)
  }
  for (const name of ["core", "traces", "sim", "runtime", "package.json", "bootstrap.mjs", "build-facts.mjs"])
    visit(join(root, name))
  return sha256(lines.join("\n") + contentOf(installMark))
}

async function bundle() {
  const wanted = sourcesFingerprint()
  if (contentOf(buildMark) === wanted && !process.argv.includes("--force")) return
  const { build } = await import("esbuild")
  const version = JSON.parse(contentOf(join(root, "package.json"))).version
  removeLeftovers()
  // By process, because two may be at it.
  const draft = `dist.new.${process.pid}`
  await build({
    absWorkingDir: root,
    entryPoints: { gleaner: "runtime/cli/main.ts", "journal-worker": "runtime/journal/SqliteWorker.ts" },
    outdir: draft,
    // Chunks stay beside launch.sh, which code finds relative to itself.
    chunkNames: "chunk-[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    minify: true,
    keepNames: true,
    sourcemap: "linked",
    legalComments: "none",
    logLevel: "warning",
    // A native addon cannot be bundled; it is loaded from node_modules.
    external: ["better-sqlite3"],
    define: {
      "process.env.GLEANER_VERSION": JSON.stringify(version),
      "process.env.GLEANER_BUILD": JSON.stringify(JSON.stringify(buildFacts(root))),
    },
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  })
  copyFileSync(join(root, "runtime/agent/launch.sh"), join(root, draft, "launch.sh"))
  writeFileSync(join(root, draft, basename(buildMark)), wanted)
  replaceDist(join(root, draft))
}

/** By rename, so that `dist` is always whole: the old bundle, for an instant none, then the new one. */
function replaceDist(draft) {
  const dist = join(root, "dist")
  const old = `${dist}.old.${process.pid}`
  while (!renamed(draft, dist, ["ENOTEMPTY", "EEXIST"])) {
    // Gone: another build has just taken it away, and may put its own there.
    renamed(dist, old, ["ENOENT"])
    rmSync(old, { recursive: true, force: true })
  }
}

function renamed(from, to, expectedFailures) {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (!expectedFailures.includes(error.code)) throw error
    return false
  }
}

/** What builds left that were killed. */
function removeLeftovers() {
  for (const name of readdirSync(root)) {
    const pid = /^dist\.(?:new|old)\.(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(join(root, name), { recursive: true, force: true })
  }
}

requireNode()
installDependencies()
await bundle()
