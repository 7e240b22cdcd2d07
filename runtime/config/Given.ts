import { findNearest } from "../../core/policies/Nearest.ts"
import type { Named, Setting } from "./Setting.ts"

/** A value as one source gives it. */
export interface Given {
  readonly key: string
  /** Where it stands, for people: `--port`, `$GLEANER_AGENT_PORT`, `/etc/gleaner/gleaner.json: agent.port`. */
  readonly place: string
  readonly value: unknown
  /** Said to every daemon: in the file's `common`, or in a variable without a daemon's name. */
  readonly isSaidToAll: boolean
}

/** What one source says, and what is wrong with it. Later values count more. */
export interface SourceReading {
  readonly given: ReadonlyArray<Given>
  readonly problems: ReadonlyArray<string>
}

export type ReadValue =
  | { readonly _tag: "Value"; readonly value: unknown }
  | { readonly _tag: "Wrong"; readonly problem: string }

const maxShown = 80

/** As it was written, cut to what fits in a message. */
const shown = (written: unknown): string => {
  const text = typeof written === "string" ? `"${written}"` : String(JSON.stringify(written))
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text
}

export const wrongValue = (place: string, written: unknown, form: string): ReadValue => ({
  _tag: "Wrong",
  problem: `${place}: ${shown(written)} is not ${form}`,
})

/** A value that was written as text. */
export const readText = (setting: Setting<unknown>, place: string, written: string): ReadValue => {
  const value = setting.parse(written.trim())
  return value === undefined ? wrongValue(place, written, setting.form) : { _tag: "Value", value }
}

/** `NAME=VALUE`. */
export const readPair = (setting: Setting<unknown>, place: string, written: string): ReadValue => {
  const equals = written.indexOf("=")
  const name = written.slice(0, Math.max(0, equals)).trim()
  const value = equals === -1 ? undefined : setting.parse(written.slice(equals + 1).trim())
  if (!setting.isName(name) || value === undefined) return wrongValue(place, written, setting.form)
  return { _tag: "Value", value: { name, value } }
}

/** Of one name the last counts. */
export const lastOfEachName = (pairs: ReadonlyArray<Named<unknown>>): ReadonlyArray<Named<unknown>> => {
  const byName = new Map<string, unknown>()
  for (const { name, value } of pairs) byName.set(name, value)
  return Array.from(byName, ([name, value]) => ({ name, value }))
}

/** `; did you mean X?`, or what there is when nothing is near. */
export const suggest = (
  written: string,
  known: ReadonlyArray<string>,
  show: (name: string) => string,
): string => {
  const nearest = findNearest(written, known)
  return nearest === undefined
    ? `; there are ${known.map(show).join(", ")}`
    : `; did you mean ${show(nearest)}?`
}
