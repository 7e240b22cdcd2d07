import { existsSync, readdirSync, readFileSync } from "node:fs"
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { parseJsonObject } from "../../../runtime/http/JsonRequest.ts"
import { readSchedulerCall, type SchedulerCall } from "../../../runtime/mesos/SchedulerCall.ts"

// What Apache Mesos answered to the calls that gleaner takes, against what gleaner's reader makes of the same bytes.

const folder = new URL("../../../../shared/mesos-transcripts/scheduler/", import.meta.url)
const isThere = existsSync(folder)
if (!isThere) console.warn(`skipped: no transcripts of Apache Mesos in ${folder.pathname}`)

interface Transcript {
  readonly name: string
  readonly request: { readonly method: string; readonly body: string }
  readonly response: {
    readonly status: number
    readonly body?: string
    readonly events?: ReadonlyArray<{ readonly event: { type: string; error?: { message: string } } }>
  }
}

const taken = [
  "SUBSCRIBE",
  "ACCEPT",
  "DECLINE",
  "REVIVE",
  "SUPPRESS",
  "KILL",
  "ACKNOWLEDGE",
  "RECONCILE",
  "REQUEST",
  "MESSAGE",
  "SHUTDOWN",
  "TEARDOWN",
]

/** Where gleaner's answer is another one, and why. */
const differences: { readonly [name: string]: string } = {}

/** Refused by what comes before the reader (method, headers) or after it (the state); tested in runtime/master. */
const judgedElsewhere = [
  "err_PUT",
  "err_accept_html",
  "err_content_type",
  "err_no_content_type",
  "err_no_stream_id",
  "err_subscribe_with_stream_id",
  "err_unknown_framework_id",
  "err_unknown_framework_no_stream_id",
  "err_wrong_stream_id",
  "main_61_after_TEARDOWN",
  "main_62_resubscribe_after_TEARDOWN",
  "resubscribe_old_stream_id_call",
]

const transcripts: ReadonlyArray<Transcript> = !isThere
  ? []
  : readdirSync(folder)
      .filter((file) => file.endsWith(".json"))
      .map((file) => ({
        ...(JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Transcript),
        name: file.replace(/\.json$/, ""),
      }))
      .filter(({ name }) => !judgedElsewhere.includes(name))

const typeOf = ({ request }: Transcript): string | undefined => {
  const json = parseJsonObject(request.body)
  return "type" in json && typeof json.type === "string" ? json.type : undefined
}
const ofTakenCalls = transcripts.filter((transcript) => taken.includes(typeOf(transcript) ?? "SUBSCRIBE"))

const read = ({ request }: Transcript): { status: number; body: string } | SchedulerCall => {
  const json = parseJsonObject(request.body)
  if ("sentence" in json) return { status: json.status as number, body: json.sentence as string }
  const call = readSchedulerCall(json)
  if (Either.isRight(call)) return call.right
  return { status: call.left.status, body: call.left.message }
}

/** Status and text; for a stream, the text of the ERROR that it begins with. */
const recorded = ({ response }: Transcript) => ({
  status: response.status,
  text: response.events === undefined ? response.body : response.events[0]?.event.error?.message,
})

const answered = (transcript: Transcript) => {
  const call = read(transcript)
  if ("status" in call) return { status: call.status, text: call.body }
  return call.type === "Subscribe" ? { status: 200, text: call.problem } : { status: 202, text: "" }
}

describe.skipIf(!isThere)("calls recorded with Apache Mesos", () => {
  it("are many, of every kind that is taken", () => {
    const types = new Set(ofTakenCalls.map(typeOf))
    for (const type of taken) expect(types).toContain(type)
    expect(ofTakenCalls.length).toBeGreaterThan(80)
  })

  it.each(ofTakenCalls.filter(({ name }) => differences[name] === undefined))("$name", (transcript) => {
    expect(answered(transcript)).toEqual(recorded(transcript))
  })

  it.each(Object.entries(differences))("%s differs: %s", (name) => {
    const transcript = transcripts.find((candidate) => candidate.name === name)
    expect(transcript, "it is among the recordings").toBeDefined()
    expect(answered(transcript!)).not.toEqual(recorded(transcript!))
  })

  it("launch what they launched: one request for each task, none of them refused unless Mesos did", () => {
    const problems: { [taskId: string]: string } = {}
    let launches = 0
    for (const transcript of ofTakenCalls) {
      const call = read(transcript)
      if ("status" in call || call.type !== "Call" || call.event?.type !== "OffersAccepted") continue
      const tasks = call.event.operations.flatMap((operation) =>
        operation.type === "LAUNCH" ? operation.tasks : [],
      )
      for (const { taskId, problem } of tasks) {
        launches++
        if (problem !== null) problems[taskId] = problem
      }
    }
    expect(launches).toBeGreaterThan(20)
    expect(problems).toEqual({
      "task-nocmd": "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present",
      // Mesos launches it.
      "task-hc": "Health checks are not supported yet",
    })
  })
})
