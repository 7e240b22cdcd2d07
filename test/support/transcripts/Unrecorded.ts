import { type Headers, headerOf, type Json, type Response, type Transcript } from "./Transcript.ts"

// The recorded clients made calls that were not recorded; what came back on their streams and in the masters' states tells
// which. They are made here, too, so that what follows from them can be compared.

export type UnrecordedCall = {
  readonly atS: number
  /** On whose behalf; for an operator's call, from whose set-up. */
  readonly stream: string
} & (
  | { readonly launch: Launch }
  | { readonly unreserve: Unreservation }
  | { readonly call: { readonly type: string } }
  | {
      readonly operator: { readonly type: string; readonly [member: string]: unknown }
      /** An offer that had come by then. */
      readonly offered?: string
    }
)

/** Gives back what is offered then: Mesos, which allocates once a second, had not offered it again yet. */
export interface Lull {
  readonly atS: number
  readonly stream: string
  readonly seconds: number
}

/** A task of the recording scripts: all are alike. */
interface Launch {
  readonly taskId: string
  /** As its number stands in the stream. */
  readonly offer: string
  readonly agent: string
  readonly role: string
  /** For what is left of the offer. */
  readonly refuseS: number
}

/** What was reserved for a role, given back from an offer. */
interface Unreservation {
  readonly offer: string
  readonly role: string
  readonly cpus: number
  readonly mem: number
}

const unreserveOf = ({ role, cpus, mem }: Unreservation) => {
  const scalars = { cpus, mem }
  const resources = Object.entries(scalars).map(([name, value]) => ({
    name,
    type: "SCALAR",
    scalar: { value },
    reservations: [{ type: "DYNAMIC", role }],
    allocation_info: { role },
  }))
  return { type: "UNRESERVE", unreserve: { resources } }
}

const launchOf = ({ taskId, role, agent }: Launch, masterId: string) => {
  const task = {
    name: "t",
    task_id: { value: taskId },
    agent_id: { value: `${masterId}-${agent}` },
    resources: [
      { name: "cpus", type: "SCALAR", scalar: { value: 0.1 }, allocation_info: { role } },
      { name: "mem", type: "SCALAR", scalar: { value: 32 }, allocation_info: { role } },
    ],
    command: { value: "sleep 500", shell: true },
  }
  return { type: "LAUNCH", launch: { task_infos: [task] } }
}

type SchedulerCall = Exclude<UnrecordedCall, { readonly operator: unknown }>

const bodyOf = (unrecorded: SchedulerCall, masterId: string): object => {
  if ("call" in unrecorded) return unrecorded.call
  const [offer, operation, refuse_seconds] =
    "unreserve" in unrecorded
      ? [unrecorded.unreserve.offer, unreserveOf(unrecorded.unreserve), 0]
      : [unrecorded.launch.offer, launchOf(unrecorded.launch, masterId), unrecorded.launch.refuseS]
  return {
    type: "ACCEPT",
    accept: {
      offer_ids: [{ value: `${masterId}-${offer}` }],
      operations: [operation],
      filters: { refuse_seconds },
    },
  }
}

const authorizationOf = (credentials: string): Headers => [
  ["Authorization", `Basic ${Buffer.from(credentials).toString("base64")}`],
]

/** As if it had been recorded: with the ids of the recording, and the answer that such a call has. */
export const toTranscript = (unrecorded: UnrecordedCall, stream: Transcript): Transcript => {
  const name = `unrecorded on ${stream.name}`
  const json: Headers = [
    ["Content-Type", "application/json"],
    ["Content-Length", ""],
  ]
  if ("operator" in unrecorded) {
    const headers = [...json, ...authorizationOf("admin:adminpw")]
    const body = JSON.stringify(unrecorded.operator)
    const response = { status: 200, headers: [], body: "" }
    return { name, port: stream.port, request: { method: "POST", path: "/api/v1", headers, body }, response }
  }
  const { headers, events = [] } = stream.response as Response
  const frameworkId: string = events
    .map(({ event }: { event: Json }) => event)
    .find(({ type }) => type === "SUBSCRIBED").subscribed.framework_id.value
  const body = { ...bodyOf(unrecorded, frameworkId.slice(0, 36)), framework_id: { value: frameworkId } }
  const streamId = headerOf(headers, "Mesos-Stream-Id")!
  return {
    name,
    port: stream.port,
    request: {
      method: "POST",
      path: "/api/v1/scheduler",
      headers: [...json, ["Mesos-Stream-Id", streamId]],
      body: JSON.stringify(body),
    },
    response: { status: 202, headers: [], body: "" },
  }
}
