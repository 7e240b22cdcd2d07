import { defaultKeepEvents, defaultKeepSize } from "../../journal/LogBounds.ts"
import { size, whole } from "../Kinds.ts"
import type { ValuesOf } from "../Setting.ts"

const mib = 1024 * 1024

/** How much of the journal's log a master keeps, for people and for replays. Its state does not depend on it. */
export const journalSettings = {
  journalEvents: whole(
    1_000,
    1_000_000_000,
  )({
    meaning: "Keep at least so many of the newest events of the journal, for gleaner replay",
    initial: defaultKeepEvents,
  }),
  journalHistory: size({
    meaning: "Or at least so much of their text, if that is less; the oldest go, an eighth at a time",
    initial: defaultKeepSize / mib,
  }),
}

export const journalBoundsOf = (values: ValuesOf<typeof journalSettings>) => ({
  keepEvents: values.journalEvents,
  keepSize: Math.max(1, Math.round(values.journalHistory)) * mib,
})
