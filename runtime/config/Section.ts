import type { Settings } from "./Setting.ts"

/** The settings of one command: a section of the file, a prefix of variables, a table of flags. */
export interface Section<S extends Settings = Settings> {
  /** Its section in the file; `GLEANER_<NAME>_` in the environment. */
  readonly name: string
  /** The words that start it: `trace record`. */
  readonly command: string
  readonly summary: string
  readonly examples: ReadonlyArray<string>
  readonly settings: S
}

export const section = <S extends Settings>(description: Section<S>): Section<S> => description

/** Of a section: `GLEANER_TRACE_RECORD_`. */
export const variablePrefix = (name: string): string => `GLEANER_${name.toUpperCase().replace(/-/g, "_")}_`
