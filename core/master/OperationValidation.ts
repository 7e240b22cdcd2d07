import {
  type ConversionType,
  conversionOf,
  isDynamicallyReserved,
  isVolume,
  overlapIn,
} from "../resources/Conversion.ts"
import { resourceToMesosText } from "../resources/MesosText.ts"
import { isUnreserved, type Resource, reservationRole } from "../resources/Resource.ts"
import { containsResources, isNoResources, type Resources } from "../resources/Resources.ts"
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
    const problem = diskProblem(resource)
    if (problem !== undefined) return `Invalid resources: Invalid DiskInfo: ${problem}`
  }
  for (const resource of resources) {
    const problem = problems[type](resource, asker) || lengthProblem(type, resource)
    if (problem !== undefined) return problem
  }
  if (type === "CREATE") return uniquenessProblem(agent, resources) || creatorProblem(resources, asker)
  if (type === "DESTROY") return destroyedProblem(agent, resources)
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
    return `A reserve operation was attempted for a resource with role '${owner}', but the resource was allocated to role '${role}'`
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

/** A disk that is more than an amount: as Mesos judges it in whatever it stands. */
const diskProblem = ({ kind }: Resource): string | undefined => {
  const { disk } = kind
  if (disk === null) return undefined
  if (disk.persistence === null) {
    if (disk.volume !== null) return "Non-persistent volume not supported"
    return disk.source === null ? "DiskInfo is set but empty" : undefined
  }
  if (kind.revocable) return "Persistent volumes cannot be created from revocable resources"
  if (isUnreserved(kind)) return "Persistent volumes cannot be created from unreserved resources"
  if (disk.volume === null) return "Expecting 'volume' to be set for persistent volume"
  const badId = idProblem(disk.persistence.id)
  return badId === undefined ? undefined : `Invalid persistence ID for persistent volume: ${badId}`
}

const volumeProblem = (resource: Resource): string | undefined => {
  const { disk } = resource.kind
  const none = "Not a persistent volume: "
  if (disk === null) return `${none}Resource ${resourceToMesosText(resource)} does not have DiskInfo`
  if (disk.persistence === null) return `${none}'persistence' is not set in DiskInfo`
  return disk.volume!.mode === "RO" ? `${none}Read-only persistent volume not supported` : undefined
}

const createProblem: Judge = (resource) => {
  const problem = volumeProblem(resource)
  if (problem !== undefined) return problem
  const { disk, shared } = resource.kind
  const badPath = containerPathProblem(disk!.volume!.containerPath)
  if (badPath !== undefined) return badPath
  if (disk!.source !== null) return "Volumes on disks with a source are not supported by this master"
  return shared ? "Shared volumes are not supported by this master" : undefined
}

/** Whoever has proven who they are makes volumes in their own name. */
const creatorProblem = (resources: Resources, { principal }: Asker): string | undefined => {
  if (principal === null) return undefined
  const owners = resources.map(({ kind }) => kind.disk!.persistence!.principal)
  const other = owners.find((owner) => owner !== principal)
  if (other === undefined) return undefined
  return other === null
    ? `Create volume operation attempted by principal '${principal}', but there is a volume in the operation with no principal set in 'disk.persistence'`
    : `Create volume operation attempted by authenticated principal '${principal}', which does not match a volume in the operation with principal '${other}' set in 'disk.persistence'`
}

/** What is there, whoever has it at the moment. */
const destroyedProblem = ({ total }: AgentRecord, resources: Resources): string | undefined =>
  containsResources(total, resources) ? undefined : "Persistent volumes not found"

const problems: { readonly [Type in ConversionType]: Judge } = {
  RESERVE: reserveProblem,
  UNRESERVE: unreserveProblem,
  CREATE: createProblem,
  DESTROY: volumeProblem,
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
