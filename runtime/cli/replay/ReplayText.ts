import { renderTable } from "../Table.ts"
import type { Waits } from "./OfferTally.ts"
import type { Difference } from "./ReplayRecord.ts"
import type { DifferingRow } from "./RowComparison.ts"
import type { ReplayReport } from "./RunReplay.ts"
import type { LostLaunch, WhatIfResult } from "./WhatIf.ts"

const actionsShown = 5
const jsonMax = 2_000

const jsonText = (value: unknown): string => {
  const text = JSON.stringify(value, undefined, 2)
  return text.length > jsonMax
    ? `${text.slice(0, jsonMax)}\n… (${text.length} characters; --json shows all)`
    : text
}

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`

/** What came of a replay, in a few lines. */
export const replayText = ({ replay, rows, differingRow }: ReplayReport): string => {
  const { equal, withActions, skipped, restarts, firstSeq, lastSeq, difference } = replay
  const compared = equal + (difference === null ? 0 : 1)
  const share =
    compared === 0
      ? "nothing compared"
      : `${((100 * equal) / compared).toFixed(compared === equal ? 0 : 4)} % equal`
  const lines = [
    `replayed     events ${firstSeq} to ${lastSeq}: ${equal} of ${compared} with the same actions (${share})`,
    `of them      ${withActions} had actions; ${counted(restarts, "start")} of a master${skipped === 0 ? "" : `; ${skipped} stepped before without comparing`}`,
  ]
  if (rows !== null && differingRow === null)
    lines.push(`state        ${counted(rows, "row")} in the end, the same`)
  if (difference !== null) lines.push("", differenceText(difference))
  if (differingRow !== null) lines.push("", differingRowText(differingRow))
  return lines.join("\n")
}

const differingRowText = ({ kind, key, recorded, replayed }: DifferingRow): string => {
  const shown = (value: unknown) => (value === undefined ? "not there" : jsonText(value))
  return [
    `first difference in the state: ${kind} ${key}`,
    `recorded     ${shown(recorded)}`,
    `today        ${shown(replayed)}`,
  ].join("\n")
}

const differenceText = ({ seq, event, recordedDigest, digest, actions, problem }: Difference): string => {
  const done = recordedDigest === "" ? "nothing was done" : `actions with the digest ${recordedDigest}`
  const today =
    problem !== null
      ? `the step cannot be made: ${problem}`
      : digest === ""
        ? "nothing is done"
        : `${counted(actions.length, "action")} with the digest ${digest}`
  const shown = actions.slice(0, actionsShown).map(jsonText)
  const more =
    actions.length > actionsShown ? [`… and ${actions.length - actionsShown} more (--json shows all)`] : []
  return [
    `first difference at event ${seq}`,
    `recorded     ${done}`,
    `today        ${today}`,
    `event        ${jsonText(event)}`,
    ...(shown.length === 0 ? [] : ["today's actions", ...shown, ...more]),
  ].join("\n")
}

/** What would have been different under other settings. */
export const whatIfText = (result: WhatIfResult, changes: ReadonlyArray<string>): string => {
  const { offers, byFramework, waits, lostLaunches, stopped } = result
  const signed = (number: number) => (number > 0 ? `+${number}` : String(number))
  const rows = byFramework.map(({ framework, role, recorded, changed }) => [
    framework,
    role,
    String(recorded),
    String(changed),
    signed(changed - recorded),
  ])
  const columns = [
    { title: "framework", align: "left" as const },
    { title: "role", align: "left" as const },
    { title: "offers then", align: "right" as const },
    { title: "with the change", align: "right" as const },
    { title: "difference", align: "right" as const },
  ]
  const waitRows = [waitRow("then", waits.recorded), waitRow("with the change", waits.changed)]
  const waitColumns = [
    { title: "end of a task to the next offer of its host", align: "left" as const },
    ...["times", "median", "p90", "longest", "still waiting"].map((title) => ({
      title,
      align: "right" as const,
    })),
  ]
  return [
    `with ${changes.join(", ")}: ${offers.changed} offers instead of ${offers.recorded}`,
    "",
    renderTable(columns, rows),
    "",
    renderTable(waitColumns, waitRows),
    "",
    lostLaunches.calls === 0
      ? "every recorded launch would have found its offer"
      : `${counted(lostLaunches.calls, "launch call")} (${counted(lostLaunches.tasks, "task")}) would have had no offer to use:`,
    ...lostLaunches.first.map(lostLine),
    ...(lostLaunches.calls > lostLaunches.first.length
      ? [`  … and ${lostLaunches.calls - lostLaunches.first.length} more`]
      : []),
    ...(stopped === null
      ? []
      : ["", `only up to event ${stopped.seq}: from there on the record does not fit (${stopped.problem})`]),
  ].join("\n")
}

const msText = (ms: number | null): string => (ms === null ? "-" : `${ms} ms`)

const waitRow = (
  title: string,
  { count, medianMs, p90Ms, maxMs, stillWaiting }: Waits,
): ReadonlyArray<string> => [
  title,
  String(count),
  msText(medianMs),
  msText(p90Ms),
  msText(maxMs),
  String(stillWaiting),
]

const lostLine = ({ seq, framework, tasks, agentId }: LostLaunch): string => {
  const names =
    tasks.length > 3 ? `${tasks.slice(0, 3).join(", ")} and ${tasks.length - 3} more` : tasks.join(", ")
  return `  event ${seq}: ${framework} on ${agentId ?? "?"}: ${names}`
}
