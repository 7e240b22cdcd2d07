// Bundles what runs on legacy hosts (agent, monitor, doctor, trace record) into one file for Node 10, beside the launcher
// that tasks are started with and the program that init scripts start. `--out DIR` puts them elsewhere; `--metafile FILE` also writes what went into it.
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { buildFacts } from "./build-facts.mjs"

const root = dirname(fileURLToPath(import.meta.url))
const target = "node10.24"
const wordAfter = (flag) =>
  process.argv.includes(flag) ? process.argv[process.argv.indexOf(flag) + 1] : undefined
const folder = wordAfter("--out") ?? join(root, "dist-legacy")
const metafilePath = wordAfter("--metafile")

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target,
  minify: true,
  write: false,
  legalComments: "none",
  logLevel: "warning",
}
const prelude = await build({ ...common, entryPoints: ["runtime/cli/legacy/Prelude.ts"], format: "iife" })
const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version
const bundle = await build({
  ...common,
  entryPoints: ["runtime/cli/legacy/main.ts"],
  outfile: "gleaner-legacy.js",
  format: "cjs",
  keepNames: true,
  metafile: true,
  define: {
    "process.env.GLEANER_VERSION": JSON.stringify(version),
    "process.env.GLEANER_BUILD": JSON.stringify(JSON.stringify(buildFacts(root))),
    "import.meta.url": "__ownUrl",
  },
  banner: {
    js: `${prelude.outputFiles[0].text.trimEnd()}\nconst __ownUrl=require("url").pathToFileURL(__filename).href;`,
  },
})
mkdirSync(folder, { recursive: true })
const draft = join(folder, `.new.${process.pid}`)
writeFileSync(draft, bundle.outputFiles[0].text)
renameSync(draft, join(folder, "gleaner-legacy.js"))
copyFileSync(join(root, "runtime/agent/launch.sh"), join(folder, "launch.sh"))
copyFileSync(join(root, "runtime/init/gleaner"), join(folder, "gleaner"))
if (metafilePath !== undefined) writeFileSync(metafilePath, JSON.stringify(bundle.metafile))
