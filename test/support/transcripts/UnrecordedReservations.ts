import type { UnrecordedCall } from "./Unrecorded.ts"

// Reservations of the recorded operator that were not recorded themselves: what was answered before and after tells them.

const agent_id = { value: "46c3cb05-14b2-4cc7-aedb-95fdd9b51acc-S0" }

type Owner = { readonly role: string; readonly principal?: string; readonly labels?: object }

const owned = (owner: Owner) => ({ reservations: [{ type: "DYNAMIC", ...owner }] })
const scalar = (name: string, value: number, owner: Owner) => ({
  name,
  type: "SCALAR",
  scalar: { value },
  ...owned(owner),
})

const web = { role: "web" }
const alices = { role: "web", principal: "alice" }
const labelled = { role: "web", labels: { labels: [{ key: "k", value: "v" }] } }
const ports = {
  name: "ports",
  type: "RANGES",
  ranges: { range: [{ begin: 31_000, end: 31_009 }] },
  ...owned(web),
}
const volume = {
  ...scalar("disk", 100, web),
  disk: { persistence: { id: "vol-1" }, volume: { container_path: "data", mode: "RW" } },
}

const call = (atS: number, type: string, member: object): UnrecordedCall => ({
  atS,
  stream: "operator/RESERVE_ok",
  operator: { type, [type.toLowerCase()]: { agent_id, ...member } },
})
const reserve = (atS: number, ...resources: ReadonlyArray<object>) =>
  call(atS, "RESERVE_RESOURCES", { resources })
const unreserve = (atS: number, ...resources: ReadonlyArray<object>) =>
  call(atS, "UNRESERVE_RESOURCES", { resources })

export const unrecordedReservations: ReadonlyArray<UnrecordedCall> = [
  reserve(0.695, scalar("cpus", 1, web)),
  reserve(0.735, scalar("cpus", 0.5, alices)),
  reserve(0.736, ports),
  unreserve(1.2, scalar("mem", 64, labelled)),
  call(1.5, "DESTROY_VOLUMES", { volumes: [volume] }),
  unreserve(1.6, scalar("disk", 100, web), scalar("cpus", 2, web), scalar("mem", 608, web), ports),
  unreserve(1.7, scalar("cpus", 0.5, alices)),
  unreserve(1.8, scalar("cpus", 0.5, { role: "legacy" })),
  unreserve(3.03, scalar("cpus", 1, web)),
  unreserve(3.035, scalar("cpus", 0.5, { role: "web", principal: "ops" })),
]

/** It took the offer of a framework away. */
export const reservationOfOffered: UnrecordedCall = {
  atS: 72.46,
  stream: "scheduler/rescind_stream",
  offered: "7419d42e-544d-4372-ae5e-b336afa21f40-O36",
  operator: {
    type: "RESERVE_RESOURCES",
    reserve_resources: {
      agent_id: { value: "7419d42e-544d-4372-ae5e-b336afa21f40-S0" },
      resources: [scalar("cpus", 1, web)],
    },
  },
}
