import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs"

/** What the storm's framework meant to do, did and heard. Times are `/proc/uptime` in hundredths of a second. */
export type Entry = { readonly at: number; readonly life: number } & (
  | { readonly type: "born"; readonly pid: number }
  | { readonly type: "subscribed"; readonly frameworkId: string }
  | ({ readonly type: "launch" } & LaunchIntent)
  /** The answer to an ACCEPT; status 0 = none came. */
  | { readonly type: "launch-answered"; readonly taskIds: ReadonlyArray<string>; readonly status: number }
  | { readonly type: "kill"; readonly taskId: string }
  | { readonly type: "update"; readonly status: WireStatus }
  | { readonly type: "acknowledge"; readonly taskId: string; readonly uuid: string }
  | { readonly type: "reconcile"; readonly taskIds: ReadonlyArray<string> }
  | ({ readonly type: "operation" } & OperationIntent)
  /** The answer to the ACCEPT with them; status 0 = none came. */
  | {
      readonly type: "operations-answered"
      readonly operationIds: ReadonlyArray<string>
      readonly status: number
    }
  | { readonly type: "operation-update"; readonly status: WireOperationStatus }
  | { readonly type: "reconcile-operations"; readonly operationIds: ReadonlyArray<string> }
  | { readonly type: "refused"; readonly call: string; readonly status: number; readonly body: string }
  | { readonly type: "error"; readonly message: string }
  /** Every launch has ended, and no new one will come. */
  | { readonly type: "settled" }
)

export interface LaunchIntent {
  readonly taskId: string
  readonly agentId: string
  readonly offerId: string
  readonly cpuMilli: number
  readonly memMiB: number
  readonly exitCode: number
  readonly runMs: number
  readonly shape: "plain" | "forking" | "deaf"
}

/** What an operation is to do; each reservation has a label of its own, each volume an id of its own. */
export interface OperationIntent {
  readonly operationId: string
  readonly kind: "RESERVE" | "UNRESERVE" | "CREATE" | "DESTROY"
  /** Label of the reservation, or id of the volume. */
  readonly subject: string
  readonly agentId: string
  readonly cpuMilli: number
  readonly memMiB: number
  readonly diskMiB: number
}

/** An OperationStatus of the v1 API, likewise. */
export interface WireOperationStatus {
  readonly operation_id: { readonly value: string }
  readonly state: string
  readonly message?: string
  readonly uuid?: { readonly value: string }
  readonly agent_id?: { readonly value: string }
}

/** A Resource of the v1 API, likewise. */
export interface WireResource {
  readonly name: string
  readonly scalar?: { readonly value: number }
  readonly reservations?: ReadonlyArray<{
    readonly role: string
    readonly labels?: { readonly labels: ReadonlyArray<{ readonly key: string; readonly value?: string }> }
  }>
  readonly disk?: { readonly persistence?: { readonly id: string } }
}

/** A TaskStatus of the v1 API, as far as the storm looks into it. */
export interface WireStatus {
  readonly task_id: { readonly value: string }
  readonly state: string
  readonly source?: string
  readonly reason?: string
  readonly message?: string
  readonly uuid?: string
  readonly agent_id?: { readonly value: string }
  readonly labels?: { readonly labels: ReadonlyArray<{ readonly key: string; readonly value?: string }> }
  readonly container_status?: { readonly container_id?: { readonly value: string } }
}

/** An entry as it is given; time and life are added. */
export type EntryBody = Entry extends infer One
  ? One extends Entry
    ? Omit<One, "at" | "life">
    : never
  : never

export const readUptimeHundredths = (): number =>
  Math.round(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 100)

/** Whole lines only: the last one of a process that was killed may be torn. */
export const readDiary = (path: string): ReadonlyArray<Entry> => {
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch {
    return [] // nothing was written yet
  }
  return text
    .split("\n")
    .slice(0, -1)
    .filter((line) => line !== "")
    .flatMap((line, index, lines) => {
      try {
        return [JSON.parse(line) as Entry]
      } catch (error) {
        if (lines[index + 1]?.includes('"born"')) return [] // torn, and noticed by the next life
        throw new Error(`${path}:${index + 1}: ${error}`)
      }
    })
}

/** Appends durably: an entry is on the disk before what it announces is done. */
export const openDiary = (path: string, life: number): ((body: EntryBody) => void) => {
  const text = (() => {
    try {
      return readFileSync(path, "utf8")
    } catch {
      return ""
    }
  })()
  const file = openSync(path, "a")
  if (text !== "" && !text.endsWith("\n")) writeSync(file, "\n")
  process.on("exit", () => closeSync(file))
  return (body) => {
    writeSync(file, `${JSON.stringify({ at: readUptimeHundredths(), life, ...body })}\n`)
    fsyncSync(file)
  }
}
