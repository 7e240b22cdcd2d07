import type { Chance } from "./Chance.ts"
import type { OperationIntent, WireResource } from "./Diary.ts"
import { labelKey, labelOf } from "./Ledger.ts"

// What the storm's framework does with reservations: each has cpus, memory and disk under a label of its own; on some of
// the disks a volume is made. Tasks do not use them, so that each stays whole.

/** An operation of an ACCEPT, and what it is for. */
export interface PlannedOperation {
  readonly intent: OperationIntent
  readonly wire: object
}

/** So many reservations at a time. */
const reservationsMax = 5

export const isUnreserved = ({ reservations = [] }: WireResource): boolean => reservations.length === 0

const amountOf = (resources: ReadonlyArray<WireResource>, wanted: string): number =>
  resources.reduce((sum, { name, scalar }) => sum + (name === wanted ? (scalar?.value ?? 0) : 0), 0)

const amountsOf = (resources: ReadonlyArray<WireResource>) => ({
  cpuMilli: Math.round(amountOf(resources, "cpus") * 1_000),
  memMiB: Math.round(amountOf(resources, "mem")),
  diskMiB: Math.round(amountOf(resources, "disk")),
})

const scalar = (name: string, value: number) => ({ name, type: "SCALAR", scalar: { value } })

export interface OperationPlan {
  readonly offer: {
    readonly agent_id: { readonly value: string }
    readonly resources: ReadonlyArray<WireResource>
  }
  readonly role: string
  /** Begins the names of what is made. */
  readonly prefix: string
  readonly chance: Chance
}

/** At most one operation for each reservation in the offer, and perhaps a new one. */
export const planOperations = ({
  offer,
  role,
  prefix,
  chance,
}: OperationPlan): ReadonlyArray<PlannedOperation> => {
  const planned: Array<PlannedOperation> = []
  const add = (
    kind: OperationIntent["kind"],
    subject: string,
    resources: ReadonlyArray<WireResource>,
    field: "resources" | "volumes",
  ) => {
    const operationId = `${prefix}-${planned.length}`
    const body = { [kind.toLowerCase()]: { [field]: resources } }
    const agentId = offer.agent_id.value
    planned.push({
      intent: { operationId, kind, subject, agentId, ...amountsOf(resources) },
      wire: { type: kind, id: { value: operationId }, ...body },
    })
  }
  const labels = new Set(offer.resources.flatMap((resource) => labelOf(resource) ?? []))
  for (const label of labels) {
    if (chance.fraction() < 0.6) continue
    const held = offer.resources.filter((resource) => labelOf(resource) === label)
    const volume = held.find(({ disk }) => disk?.persistence !== undefined)
    const disk = held.find(({ name }) => name === "disk")
    if (volume !== undefined) add("DESTROY", volume.disk!.persistence!.id, [volume], "volumes")
    else if (disk !== undefined && chance.fraction() < 0.5) {
      const id = `v${prefix}-${planned.length}`
      const made = {
        ...disk,
        disk: { persistence: { id }, volume: { container_path: "data", mode: "RW" } },
      }
      add("CREATE", id, [made], "volumes")
    } else add("UNRESERVE", label, held, "resources")
  }
  const free = amountsOf(offer.resources.filter(isUnreserved))
  const wanted = {
    cpuMilli: chance.between(1, 5) * 10,
    memMiB: chance.between(8, 16),
    diskMiB: chance.between(8, 16),
  }
  const fits = free.cpuMilli > wanted.cpuMilli && free.memMiB > wanted.memMiB && free.diskMiB > wanted.diskMiB
  if (labels.size < reservationsMax && fits && chance.fraction() < 0.5) {
    const label = `r${prefix}`
    const reservations = [{ type: "DYNAMIC", role, labels: { labels: [{ key: labelKey, value: label }] } }]
    const pieces = [
      scalar("cpus", wanted.cpuMilli / 1_000),
      scalar("mem", wanted.memMiB),
      scalar("disk", wanted.diskMiB),
    ].map((resource) => ({ ...resource, reservations }))
    add("RESERVE", label, pieces, "resources")
  }
  return planned
}
