import { quotasOf } from "../../../core/master/RoleSettings.ts"
import type { MasterState, QuotaRecord } from "../../../core/master/State.ts"
import {
  addQuantities,
  containsQuantities,
  isNoQuantities,
  isResourceName,
  toQuantities,
} from "../../../core/resources/Quantities.ts"
import { badRequest, type HttpRefusal } from "../../http/HttpMessage.ts"
import { roleProblem } from "../../mesos/FrameworkInfo.ts"
import type { WireQuotaRequest } from "../../mesos/OperatorCall.ts"
import { unitsToMilli } from "../../mesos/Resources.ts"
import { change } from "./Change.ts"

// SET_QUOTA and REMOVE_QUOTA, POST and DELETE of `/quota`: quotas as they were before UPDATE_QUOTA, where a guarantee is the limit,
// too, and none is set for a role that has one (spec/mesos.md §1.10). REMOVE_QUOTA of a role that has none kills Apache Mesos
// (mesos-transcripts README, 27); here it is refused.

const hasQuota = (state: MasterState, role: string): boolean => {
  const quota = quotasOf(state).get(role)
  return quota !== undefined && !(isNoQuantities(quota.guarantees) && Object.keys(quota.limits).length === 0)
}

const resourceProblem = (
  resources: WireQuotaRequest["guarantee"],
  seen: Set<string> = new Set(),
): string | undefined => {
  if (resources.length === 0) return "QuotaInfo with empty 'guarantee'"
  for (const { name, type, scalar, role, reservation, reservations, disk, revocable } of resources) {
    const invalid = `QuotaInfo with invalid resource: '${name}'`
    if (!isResourceName(name)) return `${invalid}: not a valid name of a resource`
    if (type !== "SCALAR") return "QuotaInfo includes non-scalar resources"
    if (unitsToMilli(scalar?.value ?? Number.NaN) === undefined)
      return `${invalid}: expecting a scalar from 0 to ${Number.MAX_SAFE_INTEGER / 1000}`
    if (reservation !== undefined || (reservations ?? []).length > 0)
      return "QuotaInfo must not contain any ReservationInfo"
    if (disk !== undefined) return "QuotaInfo must not contain any DiskInfo"
    if (revocable !== undefined) return "QuotaInfo must not contain any RevocableInfo"
    if (role !== undefined && role !== "*") return "QuotaInfo resources must not have a role set"
    if (seen.has(name)) return `QuotaInfo contains duplicate resource name '${name}'`
    seen.add(name)
  }
  return undefined
}

const requestProblem = ({ role, guarantee }: WireQuotaRequest): string | undefined => {
  if (role === "") return "QuotaInfo must specify a role"
  const problem = roleProblem(role)
  if (problem !== undefined) return `QuotaInfo with invalid role: ${problem}`
  if (role.includes("/")) return `Setting quota on nested role '${role}' is not supported yet`
  return role === "*" ? "setting quota for the default '*' role is not supported" : resourceProblem(guarantee)
}

/** Whether the cluster as it is now can hold all guarantees, this one among them. */
const fitsCluster = (state: MasterState, { role, quota }: QuotaRecord): boolean => {
  let guaranteed = quota.guarantees
  quotasOf(state).forEach(({ guarantees }, other) => {
    if (other !== role) guaranteed = addQuantities(guaranteed, guarantees)
  })
  return containsQuantities(state.allocator.clusterTotal(), guaranteed)
}

export const setQuota = (request: WireQuotaRequest) =>
  change((state) => {
    const problem = requestProblem(request)
    if (problem !== undefined) return badRequest(`Failed to validate set quota request: ${problem}`)
    const { role, guarantee, force } = request
    if (hasQuota(state, role)) {
      return badRequest(
        "Failed to validate set quota request: Quota cannot be set for a role that already has quota",
      )
    }
    const guarantees = toQuantities(
      guarantee.map(({ name, scalar }): [string, number] => [name, unitsToMilli(scalar!.value)!]),
    )
    const record: QuotaRecord = { role, quota: { guarantees, limits: guarantees } }
    return force || fitsCluster(state, record)
      ? { type: "QuotasUpdated", quotas: [record] }
      : badRequest(
          "Heuristic capacity check for set quota request failed: Not enough available cluster capacity to reasonably satisfy quota request; the force flag can be used to override this check",
        )
  })

const noQuota = (role: string): HttpRefusal =>
  badRequest(`Failed to remove quota: Role '${role}' has no quota set`)

export const removeQuota = (role: string) =>
  change((state) => (quotasOf(state).has(role) ? { type: "QuotaRemoved", role } : noQuota(role)))
