import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** One file of the repository as the structure rules see it. */
export interface SourceFile {
  /** Path from the repository's root, with forward slashes. */
  readonly path: string
  readonly text: string
  /** The same text with comments blanked, line for line; what the rules search. Strings stay: imports are among them. */
  readonly code: string
}

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..")

/** Tracked and new files, without what git ignores. */
export const listFiles = (): ReadonlyArray<string> =>
  execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  })
    .split("\n")
    .filter((path) => path !== "")

export const readSources = (): ReadonlyArray<SourceFile> =>
  listFiles()
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => {
      try {
        const text = readFileSync(join(root, path), "utf8")
        return [{ path, text, code: blankComments(text) }]
      } catch {
        return [] // deleted in the working tree, not yet in the index
      }
    })

/** Replaces comments by spaces, so that a word in prose is not taken for a call. */
export const blankComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\/|(?<![:"'`\\])\/\/[^\n]*/g, (comment) => comment.replace(/[^\n]/g, " "))

/** Every module specifier that a file imports or re-exports, statically or not. */
export const importsOf = (file: SourceFile): ReadonlyArray<string> =>
  [...file.code.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map((match) => match[1]!)
