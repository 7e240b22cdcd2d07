import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { build } from "esbuild"
import { root } from "../../structure/SourceFiles.ts"

/**
 * Bundles a TypeScript file into something that Node runs by itself, as a worker or as a process. It lies below
 * node_modules so that better-sqlite3, a native addon that cannot be bundled, is found from there.
 */
export const bundleForNode = async (source: string): Promise<URL> => {
  const folder = join(root, "node_modules/.cache/gleaner-test")
  mkdirSync(folder, { recursive: true })
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [source],
    write: false,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "error",
    external: ["better-sqlite3"],
    // prom-client is CommonJS and asks for Node's own modules at run time.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  })
  const path = join(folder, `${source.replace(/\W+/g, "-")}.mjs`)
  // By rename: another test process may be starting the same bundle.
  writeFileSync(`${path}.${process.pid}`, outputFiles[0]!.contents)
  renameSync(`${path}.${process.pid}`, path)
  return pathToFileURL(path)
}
