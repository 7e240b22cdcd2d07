import { closeSync, fstatSync, openSync, readFileSync } from "node:fs"

export interface OpenedFile {
  readonly mode: number
  readonly text: string
}

/** Mode and content come from one open file: nobody can exchange it in between. Throws what the system says. */
export const readOpenFile = (path: string): OpenedFile => {
  const file = openSync(path, "r")
  try {
    return { mode: fstatSync(file).mode, text: readFileSync(file, "utf8") }
  } finally {
    closeSync(file)
  }
}

/** For what others may not even read. */
export const isOpenToOthers = ({ mode }: OpenedFile): boolean => (mode & 0o077) !== 0

/** For what others may read, but not change. */
export const isChangeableByOthers = ({ mode }: OpenedFile): boolean => (mode & 0o022) !== 0

export const modeText = ({ mode }: OpenedFile): string => (mode & 0o777).toString(8)

export const errorCode = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)
