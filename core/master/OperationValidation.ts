import {
  type ConversionType,
  conversionOf,
  isDynamicallyReserved,
  isVolume,
  overlapIn,
} from "../resources/Conversion.ts"
import { resourceToMesosText } from "../resources/MesosText.ts"
import { isUnreserved, type Resource, reservationRole } from "../resources/Resource.ts"
import { isNoResources, type Resources } from "../resources/Resources.ts"
import { containerPathProblem } from "../resources/VolumePath.ts"
import { idProblem } from "../Task.ts"
import type { AgentRecord } from "./State.ts"

/** Who wants an operation. */
export interface Asker {
  /** Proven by authentication; null = nobody knows. */
  readonly principal: string | null
  /** The role a framework was offered the resources for; null = an operator asks. */
  readonly role: string | null
}

/**
 * Why an operation makes no sense on this agent, whoever has the resources at the moment; undefined when it does. The order is Mesos's,
 * and so are the texts as far as they were recorded (spec/mesos.md §1.8).
 */
export const operationProblem = (
  agent: AgentRecord,
  type: ConversionType,
  resources: Resources,
  asker: Asker,
): string | undefined => {
  if (isNoResources(resources)) {
    return "Invalid resources: The resources have multiple resource providers: "
  }
  for (const resource of resources) {
    const problem = problems[type](resource, asker) || lengthProblem(type, resource)
    if (problem !== undefined) return problem
  }
  if (type === "CREATE") return uniquenessProblem(agent, resources)
  const { consumed, converted } = conversionOf(type, resources)
  const name = type === "RESERVE" ? overlapIn(converted, consumed) : overlapIn(consumed, converted)
  return name === null
    ? undefined
    : `Invalid resources: The same part of '${name}' is in more than one reservation`
}

/**
 * Characters of a reservation with its labels and of a volume, as JSON: what is reserved on an agent is stored and sent whole with each
 * operation. Labels are names for people and programs, not a store of data.
 */
export const kindLengthMax = 4_000

/** Only of what is to be: what is there already, from before this bound, can be taken apart. */
const lengthProblem = (type: ConversionType, { kind }: Resource): string | undefined => {
  if (type === "UNRESERVE" || type === "DESTROY") return undefined
  const { length } = JSON.stringify([kind.reservations, kind.disk])
  return length > kindLengthMax
    ? `Invalid resources: The reservations of ${kind.name}, with their labels, are ${length} characters long, more than ${kindLengthMax}`
    : undefined
}

type Judge = (resource: Resource, asker: Asker) => string | undefined

const reserveProblem: Judge = (resource, { principal, role }) => {
  const { kind } = resource
  if (!isDynamicallyReserved(kind)) return notReserved(resource)
  const owner = reservationRole(kind)
  if (role !== null && owner !== role) {
    return `A reserve operation was attempted for a resource with role '${owner}', but the framework can only reserve resources with role '${role}'`
  }
  const top = kind.reservations[kind.reservations.length - 1]!
  if (principal !== null && top.principal === null) {
    return `A reserve operation was attempted by principal '${principal}', but there is a reserved resource in the request with no principal set`
  }
  if (principal !== null && top.principal !== principal) {
    return `A reserve operation was attempted by authenticated principal '${principal}', which does not match a reserved resource in the request with principal '${top.principal}'`
  }
  return isVolume(kind)
    ? `A persistent volume ${resourceToMesosText(resource)} must already be reserved`
    : undefined
}

const notReserved = (resource: Resource): string =>
  `Resource ${resourceToMesosText(resource)} is not dynamically reserved`

const unreserveProblem: Judge = (resource) => {
  if (!isDynamicallyReserved(resource.kind)) return notReserved(resource)
  return isVolume(resource.kind)
    ? `A dynamically reserved persistent volume ${resourceToMesosText(resource)} cannot be unreserved directly. Please destroy the persistent volume first then unreserve the resource`
    : undefined
}

const createProblem: Judge = (resource, { principal }) => {
  const { kind } = resource
  const { disk } = kind
  const text = resourceToMesosText(resource)
  if (disk === null) return `Resource ${text} does not have DiskInfo`
  if (disk.persistence === null) return `Resource ${text} has no 'persistence' in its DiskInfo`
  if (disk.volume === null) return `Expecting 'volume' to be set for persistent volume ${text}`
  const badId = idProblem(disk.persistence.id)
  if (badId !== undefined) return `Persistence ID ${badId}`
  const badPath = containerPathProblem(disk.volume.containerPath)
  if (badPath !== undefined) return badPath
  if (disk.volume.mode === "RO") return "Read-only persistent volume not supported"
  if (isUnreserved(kind)) return `Persistent volume ${text} cannot be created from unreserved resources`
  if (disk.source !== null) return "Volumes on disks with a source are not supported by this master"
  if (kind.shared) return "Shared volumes are not supported by this master"
  const owner = disk.persistence.principal
  return principal !== null && owner !== null && owner !== principal
    ? `A create operation was attempted by authenticated principal '${principal}', which does not match a volume in the request with principal '${owner}'`
    : undefined
}

const destroyProblem: Judge = (resource) =>
  isVolume(resource.kind) ? undefined : `Resource ${resourceToMesosText(resource)} is not a persistent volume`

const problems: { readonly [Type in ConversionType]: Judge } = {
  RESERVE: reserveProblem,
  UNRESERVE: unreserveProblem,
  CREATE: createProblem,
  DESTROY: destroyProblem,
}

/** An id names one volume of a role on an agent: it becomes a folder. */
const uniquenessProblem = ({ total }: AgentRecord, resources: Resources): string | undefined => {
  const taken = new Set(total.filter(({ kind }) => isVolume(kind)).map(volumeName))
  for (const resource of resources) {
    const name = volumeName(resource)
    if (taken.has(name)) return `Persistence ID '${resource.kind.disk!.persistence!.id}' is not unique`
    taken.add(name)
  }
  return undefined
}

const volumeName = ({ kind }: Resource): string => `${reservationRole(kind)} ${kind.disk!.persistence!.id}`
