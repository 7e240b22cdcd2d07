import type { UnrecordedCall } from "./Unrecorded.ts"

// What the recorded operator reserved and gave back besides: what the agent is told to have, in answers and refusals, tells which.

const stream = "operator/RESERVE_ok"
const agentId = { value: "46c3cb05-14b2-4cc7-aedb-95fdd9b51acc-S0" }

const level = (role: string, more: object = {}) => [{ type: "DYNAMIC", role, ...more }]
const web = level("web")
const byAlice = level("web", { principal: "alice" })
const byOps = level("web", { principal: "ops" })
const labelled = level("web", { labels: { labels: [{ key: "k", value: "v" }] } })

const scalar = (name: string, value: number, reservations: object) => ({
  name,
  type: "SCALAR",
  scalar: { value },
  reservations,
})
const ports = {
  name: "ports",
  type: "RANGES",
  ranges: { range: [{ begin: 31_000, end: 31_009 }] },
  reservations: web,
}
const volume = {
  ...scalar("disk", 100, web),
  disk: { persistence: { id: "vol-1" }, volume: { container_path: "data", mode: "RW" } },
}

const reserve = (atS: number, ...resources: ReadonlyArray<object>): UnrecordedCall => ({
  ...{ atS, stream },
  operator: { type: "RESERVE_RESOURCES", reserve_resources: { agent_id: agentId, resources } },
})
const unreserve = (atS: number, ...resources: ReadonlyArray<object>): UnrecordedCall => ({
  ...{ atS, stream },
  operator: { type: "UNRESERVE_RESOURCES", unreserve_resources: { agent_id: agentId, resources } },
})

/** Takes the offer of `scheduler/rescind_stream` away. */
export const unrecordedRescind: UnrecordedCall = {
  atS: 72.45,
  stream: "operator/UNRESERVE_while_offered",
  operator: {
    type: "RESERVE_RESOURCES",
    reserve_resources: {
      agent_id: { value: "7419d42e-544d-4372-ae5e-b336afa21f40-S0" },
      resources: [scalar("cpus", 1, web)],
    },
  },
}

/** The framework of `scheduler/main_stream` gives all back that it had reserved. */
export const unrecordedUnreserve: UnrecordedCall = {
  atS: 27,
  stream: "scheduler/main_stream",
  call: {
    type: "ACCEPT",
    accept: {
      offer_ids: [{ value: "7419d42e-544d-4372-ae5e-b336afa21f40-O15" }],
      operations: [
        {
          type: "UNRESERVE",
          unreserve: { resources: [scalar("cpus", 3.5, web), scalar("mem", 192, web)] },
        },
      ],
      filters: { refuse_seconds: 0 },
    },
  },
}

export const unrecordedReservations: ReadonlyArray<UnrecordedCall> = [
  reserve(0.698, scalar("cpus", 1, web)),
  reserve(0.715, scalar("cpus", 0.5, byAlice)),
  reserve(0.735, ports),
  unreserve(1.084, scalar("mem", 64, labelled)),
  {
    ...{ atS: 1.5, stream },
    operator: { type: "DESTROY_VOLUMES", destroy_volumes: { agent_id: agentId, volumes: [volume] } },
  },
  unreserve(1.6, scalar("cpus", 2, web), scalar("mem", 608, web), scalar("disk", 100, web), ports),
  unreserve(1.7, scalar("cpus", 0.5, byAlice), scalar("cpus", 0.5, level("legacy"))),
  unreserve(3.03, scalar("cpus", 1, web), scalar("cpus", 0.5, byOps)),
]
