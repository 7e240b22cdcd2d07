import { endsOf, type StormRecord, tellStories } from "./Checker.ts"
import { labelOf, tellOperations } from "./Ledger.ts"
import type { StormCounts } from "./Storm.ts"
import type { Supervised } from "./Supervised.ts"

const count = <A>(items: ReadonlyArray<A>, nameOf: (item: A) => string): ReadonlyArray<[string, number]> => {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** What a storm was, as lines of `what  count`. */
export const tellStorm = (
  seed: number,
  processes: ReadonlyArray<Supervised>,
  counts: StormCounts,
  record: StormRecord,
): string => {
  const { diary } = record
  const stories = tellStories(record)
  const ends = stories.flatMap((story) => {
    const [end] = endsOf(story)
    return end === undefined ? [] : [{ story, state: end.status.state }]
  })
  const operations = tellOperations(diary)
  const lost = ends.filter(({ state }) => /LOST|DROPPED|GONE|UNKNOWN/.test(state))
  const rows: ReadonlyArray<readonly [string, number]> = [
    ["seed", seed],
    ...processes.map(({ options, kills }) => [`kill -9 of the ${options.name}`, kills] as const),
    ["kill -9 of launchers", counts.launcherKills],
    ["all killed at once", counts.blackouts],
    ...processes.map(({ options, pauses }) => [`pauses of the ${options.name}`, pauses] as const),
    ["pauses of launchers", counts.launcherPauses],
    ...processes.map(
      ({ options, cleanStops }) => [`clean restarts of the ${options.name}`, cleanStops] as const,
    ),
    ["subscriptions", diary.filter(({ type }) => type === "subscribed").length],
    ["reconciliations", diary.filter(({ type }) => type === "reconcile").length],
    ["kill calls", diary.filter(({ type }) => type === "kill").length],
    ["launches meant", stories.length],
    ["launches accepted", stories.filter(({ answer }) => answer === 202).length],
    ["launches never answered", stories.filter(({ answer }) => answer === 0).length],
    ["tasks that ran", stories.filter(({ starts }) => starts.length > 0).length],
    ...count(ends, ({ state }) => `ended ${state}`),
    ["lost before they started", lost.length],
    ["  of them accepted", lost.filter(({ story }) => story.answer === 202).length],
    ...count(operations, ({ intent }) => `${intent.kind} meant`),
    ...count(
      operations.flatMap(({ updates }) => updates.slice(0, 1)),
      ({ state }) => `operations told ${state} first`,
    ),
    ["reservations left", new Set(record.end.reserved.map(labelOf)).size],
    ["statuses heard", diary.filter(({ type }) => type === "update").length],
    ["statuses heard again", repeated(record)],
  ]
  const width = Math.max(...rows.map(([what]) => what.length))
  return rows.map(([what, number]) => `${what.padEnd(width)}  ${String(number).padStart(6)}`).join("\n")
}

const repeated = ({ diary }: StormRecord): number => {
  const uuids = diary.flatMap((entry) => (entry.type === "update" ? (entry.status.uuid ?? []) : []))
  return uuids.length - new Set(uuids).size
}
