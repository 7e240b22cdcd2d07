import { isUnreserved, type Reservation, type Resource, type ResourceKind } from "./Resource.ts"
import type { Resources } from "./Resources.ts"
import { valueToText } from "./ResourceValue.ts"

/**
 * Resources as Apache Mesos writes them in its answers (transcripts operator/RESERVE_over, operator/UNRESERVE_disk_with_volume):
 * `cpus:5; cpus(reservations: [(DYNAMIC,web,alice,{k: v})]):0.5; disk(reservations: [(DYNAMIC,web)])[vol-1:data]:100`. Unreserved ones
 * first, and of those the names that every host has in the order in which Mesos finds them.
 */
export const resourcesToMesosText = (resources: Resources): string =>
  resources
    .map((resource, index) => ({ resource, index, rank: rankOf(resource) }))
    .sort((left, right) => left.rank - right.rank || left.index - right.index)
    .map(({ resource }) => resourceToMesosText(resource))
    .join("; ")

const usualNames = ["cpus", "mem", "disk", "gpus", "ports"]

const rankOf = ({ kind }: Resource): number => {
  const place = usualNames.indexOf(kind.name)
  const rank = place === -1 ? usualNames.length : place
  return isUnreserved(kind) ? rank : usualNames.length + 1 + rank
}

/**
 * The same of resources that an offer gives to a role (transcript scheduler/main_stream): `ports(allocated: web):[31000-32000];
 * cpus(allocated: web)(reservations: [(DYNAMIC,web)]):0.5; cpus(allocated: web):7.9`. In the order of Mesos's offers: ports, what is
 * reserved, the rest.
 */
export const allocatedToMesosText = (resources: Resources, role: string): string =>
  resources
    .map((resource, index) => ({ resource, index, rank: offeredRankOf(resource) }))
    .sort((left, right) => left.rank - right.rank || left.index - right.index)
    .map(({ resource: { kind, value } }) => {
      const name = `${kind.name}(allocated: ${role})`
      return resourceToMesosText({ kind: { ...kind, name }, value })
    })
    .join("; ")

const offeredRankOf = ({ kind }: Resource): number => {
  if (kind.name === "ports") return -1
  const place = usualNames.indexOf(kind.name)
  const rank = place === -1 ? usualNames.length : place
  return isUnreserved(kind) ? usualNames.length + 1 + rank : rank
}

export const resourceToMesosText = ({ kind, value }: Resource): string =>
  `${kindToMesosText(kind)}:${valueToText(kind.type, value)}`

export const kindToMesosText = ({
  name,
  reservations,
  disk,
  revocable,
  shared,
}: Pick<ResourceKind, "name" | "reservations" | "disk" | "revocable" | "shared">): string =>
  [
    name,
    reservations.length === 0 ? "" : `(reservations: [${reservations.map(reservationText).join(",")}])`,
    disk === null || disk.persistence === null
      ? ""
      : `[${disk.persistence.id}:${disk.volume === null ? "" : disk.volume.containerPath}]`,
    revocable ? "{REV}" : "",
    shared ? "<SHARED>" : "",
  ].join("")

const reservationText = ({ type, role, principal, labels }: Reservation): string => {
  const owner = principal === null ? "" : `,${principal}`
  const marks =
    labels.length === 0 ? "" : `,{${labels.map(({ key, value }) => `${key}: ${value}`).join(", ")}}`
  return `(${type === "static" ? "STATIC" : "DYNAMIC"},${role}${owner}${marks})`
}
