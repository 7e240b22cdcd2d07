import type { Difference } from "./Comparison.ts"
import type { Outcome } from "./Replay.ts"

/** Why some exchanges answer something else here. Texts are patterns: `*` stands for anything. */
export interface Reason {
  readonly exchanges: string | ReadonlyArray<string>
  /** Paths of the differences; all, when nothing is said. */
  readonly at?: string | ReadonlyArray<string>
  /** What we answer there; anything, when nothing is said. */
  readonly ours?: string
  readonly reason: string
  /** Differs only now and then, so its absence is no news. */
  readonly isByChance?: boolean
}

const toArray = (given: string | ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  given === undefined ? ["*"] : typeof given === "string" ? [given] : given

export const fits = (patterns: string | ReadonlyArray<string> | undefined, text: string): boolean =>
  toArray(patterns).some((pattern) => {
    const escaped = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
    return new RegExp(`^${escaped.join(".*")}$`, "s").test(text)
  })

const covers = (reason: Reason, { name }: Outcome, difference: Difference): boolean =>
  fits(reason.exchanges, name) && fits(reason.at, difference.path) && fits(reason.ours, difference.ours)

/** Reasons without those for exchanges that could not be played on this host, if some could not: nobody can say whether they still hold. */
export const reasonsAbout = (
  reasons: ReadonlyArray<Reason>,
  played: ReadonlySet<string>,
  whySomeAreNot: string | undefined,
): ReadonlyArray<Reason> =>
  whySomeAreNot === undefined
    ? reasons
    : reasons.flatMap((reason) => {
        const exchanges = toArray(reason.exchanges).filter((pattern) =>
          [...played].some((name) => fits(pattern, name)),
        )
        return exchanges.length === 0 ? [] : [{ ...reason, exchanges }]
      })

export interface Verdict {
  /** Differences without a reason, and reasons without a difference, as sentences. */
  readonly problems: ReadonlyArray<string>
  readonly table: string
}

const shownDifferences = 4

/** Of each exchange: matches, differs with reason, or differs without; of each reason: whether it is still one. */
export const judge = (
  outcomes: ReadonlyArray<Outcome>,
  reasons: ReadonlyArray<Reason>,
  notReplayed: ReadonlyArray<{ readonly name: string; readonly reason: string }> = [],
): Verdict => {
  const problems: Array<string> = []
  for (const outcome of outcomes) {
    const open = outcome.differences.filter(
      (difference) => !reasons.some((reason) => covers(reason, outcome, difference)),
    )
    const listed = open
      .slice(0, shownDifferences)
      .map(
        ({ path, recorded, ours }) =>
          `\n    at ${path || "(the reply)"}\n      Mesos: ${recorded}\n      ours:  ${ours}`,
      )
    const more = open.length > shownDifferences ? `\n    and ${open.length - shownDifferences} more` : ""
    if (open.length > 0) problems.push(`${outcome.name} differs without a reason:${listed.join("")}${more}`)
  }
  for (const reason of reasons) problems.push(...staleness(reason, outcomes))
  return { problems, table: toTable(outcomes, reasons, notReplayed) }
}

/** A reason must have a difference, and one for each exchange that it names in full. */
const staleness = (reason: Reason, outcomes: ReadonlyArray<Outcome>): ReadonlyArray<string> =>
  toArray(reason.exchanges).flatMap((pattern) => {
    const isUsed = outcomes.some((outcome) =>
      outcome.differences.some((difference) =>
        covers({ ...reason, exchanges: pattern }, outcome, difference),
      ),
    )
    if (isUsed || reason.isByChance === true) return []
    const place = reason.at === undefined ? "" : ` at ${toArray(reason.at).join(", ")}`
    return [`${pattern} no longer differs${place}: delete the reason "${reason.reason}"`]
  })

const toTable = (
  outcomes: ReadonlyArray<Outcome>,
  reasons: ReadonlyArray<Reason>,
  notReplayed: ReadonlyArray<{ readonly name: string; readonly reason: string }>,
): string => {
  const folderOf = ({ name }: { readonly name: string }) => name.split("/")[0]!
  const folders = [...new Set([...outcomes, ...notReplayed].map(folderOf))].sort()
  const countIn = (folder: string, items: ReadonlyArray<{ readonly name: string }>) =>
    String(items.filter((item) => folder === "all" || folderOf(item) === folder).length)
  const matching = outcomes.filter(({ differences }) => differences.length === 0)
  const differing = outcomes.filter(({ differences }) => differences.length > 0)
  const columns = [matching, differing, notReplayed]
  const rows = [...folders, "all"].map((folder) => [
    folder,
    ...columns.map((items) => countIn(folder, items)),
  ])
  const header = ["folder", "match", "differ", "not replayed"]
  const counts = [header, ...rows].map(([folder = "", ...cells]) =>
    [folder.padEnd(10), ...cells.map((cell) => cell.padStart(13))].join(""),
  )
  const byReason = reasons.map((reason) => {
    const names = differing.filter((outcome) =>
      outcome.differences.some((each) => covers(reason, outcome, each)),
    )
    return { text: reason.reason, names: names.map(({ name }) => name) }
  })
  const others = [...new Set(notReplayed.map(({ reason }) => reason))].map((text) => ({
    text: `not replayed: ${text}`,
    names: notReplayed.filter(({ reason }) => reason === text).map(({ name }) => name),
  }))
  const list = [...byReason, ...others].map(
    ({ text, names }) => `${names.length} × ${text}\n    ${shorten(names)}`,
  )
  return [...counts, "", ...list].join("\n")
}

const shorten = (names: ReadonlyArray<string>): string => {
  const shown = names.slice(0, 6).join(" ")
  return names.length > 6 ? `${shown} … (${names.length - 6} more)` : shown
}
