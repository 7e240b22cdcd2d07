import { headerOf, type Json, type Response, type Transcript } from "./Transcript.ts"

// The recorded clients made calls that were not recorded; what came back on their streams and in the masters' states tells
// which. They are made here, too, so that what follows from them can be compared.

export type UnrecordedCall = {
  readonly atS: number
  /** On whose behalf. */
  readonly stream: string
} & ({ readonly launch: Launch } | { readonly call: { readonly type: string } })

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
}

const taskOf = ({ taskId, role }: Launch, masterId: string, agent: string) => ({
  name: "t",
  task_id: { value: taskId },
  agent_id: { value: `${masterId}-${agent}` },
  resources: [
    { name: "cpus", type: "SCALAR", scalar: { value: 0.1 }, allocation_info: { role } },
    { name: "mem", type: "SCALAR", scalar: { value: 32 }, allocation_info: { role } },
  ],
  command: { value: "sleep 500", shell: true },
})

const bodyOf = (unrecorded: UnrecordedCall, masterId: string): object => {
  if ("call" in unrecorded) return unrecorded.call
  const { launch } = unrecorded
  return {
    type: "ACCEPT",
    accept: {
      offer_ids: [{ value: `${masterId}-${launch.offer}` }],
      operations: [{ type: "LAUNCH", launch: { task_infos: [taskOf(launch, masterId, launch.agent)] } }],
      filters: { refuse_seconds: 3_600 },
    },
  }
}

/** As if it had been recorded: with the ids of the recording, and the answer that such a call has. */
export const toTranscript = (unrecorded: UnrecordedCall, stream: Transcript): Transcript => {
  const { headers, events = [] } = stream.response as Response
  const frameworkId: string = events
    .map(({ event }: { event: Json }) => event)
    .find(({ type }) => type === "SUBSCRIBED").subscribed.framework_id.value
  const body = {
    ...bodyOf(unrecorded, frameworkId.slice(0, 36)),
    framework_id: { value: frameworkId },
  }
  const authorization = headerOf(stream.request.headers, "Authorization")
  return {
    name: `unrecorded on ${stream.name}`,
    port: stream.port,
    request: {
      method: "POST",
      path: "/api/v1/scheduler",
      headers: [
        ["Content-Type", "application/json"],
        ["Content-Length", ""],
        ["Mesos-Stream-Id", headerOf(headers, "Mesos-Stream-Id")!],
        ...(authorization === undefined ? [] : [["Authorization", authorization] as const]),
      ],
      body: JSON.stringify(body),
    },
    response: { status: 202, headers: [], body: "" },
  }
}
