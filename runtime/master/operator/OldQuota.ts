import { quotasOf } from "../../../core/master/RoleSettings.ts"
import type { MasterState, QuotaRecord } from "../../../core/master/State.ts"
import {
  containsQuantities,
  isNoQuantities,
  isResourceName,
  quantitiesToText,
  sumOfQuantities,
  toQuantities,
} from "../../../core/resources/Quantities.ts"
import { badRequest, refuse } from "../../http/HttpMessage.ts"
import { roleProblem } from "../../mesos/FrameworkInfo.ts"
import type { WireQuotaRequest } from "../../mesos/OperatorCall.ts"
import { resourcesProblem } from "../../mesos/ResourceProblem.ts"
import { unitsToMilli } from "../../mesos/Resources.ts"
import { change } from "./Change.ts"

// SET_QUOTA and REMOVE_QUOTA, POST and DELETE of `/quota`: quotas as they were before UPDATE_QUOTA, where a guarantee is the limit,
// too, and none is set for a role that has one (spec/mesos.md §1.10). REMOVE_QUOTA of a role that has none kills Apache Mesos
// (mesos-transcripts README, 27); here it is refused.

const hasQuota = (state: MasterState, role: string): boolean => {
  const quota = quotasOf(state).get(role)
  return quota !== undefined && !(isNoQuantities(quota.guarantees) && Object.keys(quota.limits).length === 0)
}

const guaranteeProblem = (guarantee: WireQuotaRequest["guarantee"]): string | undefined => {
  if (guarantee.length === 0) return "QuotaInfo with empty 'guarantee'"
  const seen = new Set<string>()
  for (const { name, type, role, reservations, disk, revocable } of guarantee) {
    const isReserved = (reservations ?? []).length > 0 || (role !== undefined && role !== "*")
    if (isReserved) return "QuotaInfo must not contain any ReservationInfo"
    if (disk !== undefined) return "QuotaInfo must not contain DiskInfo"
    if (revocable !== undefined) return "QuotaInfo must not contain RevocableInfo"
    if (type !== "SCALAR") return "QuotaInfo must not include non-scalar resources"
    if (!isResourceName(name)) return `QuotaInfo with invalid resource: '${name}': not a valid name`
    if (seen.has(name)) return `QuotaInfo contains duplicate resource name '${name}'`
    seen.add(name)
  }
  return undefined
}

/** In Mesos's order: what is no resource at all, then what quotas know nothing of. */
const requestProblem = ({ role, guarantee }: WireQuotaRequest): string | undefined => {
  const badResource = resourcesProblem(guarantee)
  if (badResource !== undefined) return `QuotaInfo with invalid resource: ${badResource}`
  const badRole = roleProblem(role)
  return badRole === undefined ? guaranteeProblem(guarantee) : `QuotaInfo with invalid role: ${badRole}`
}

/** More than the cluster as it is now can hold, this one among the others. */
const overcommitProblem = (state: MasterState, { role, quota }: QuotaRecord): string | undefined => {
  const others = Array.from(quotasOf(state)).filter(([other]) => other !== role)
  const guaranteed = sumOfQuantities([...others.map(([, { guarantees }]) => guarantees), quota.guarantees])
  const capacity = state.allocator.clusterTotal()
  return containsQuantities(capacity, guaranteed)
    ? undefined
    : `Total quota guarantees '${quantitiesToText(guaranteed)}' exceed cluster capacity '${quantitiesToText(capacity)}'`
}

export const setQuota = (request: WireQuotaRequest) =>
  change((state) => {
    const { role, guarantee, force } = request
    const invalid = "Failed to validate set quota request: "
    const problem = requestProblem(request)
    if (problem !== undefined) return badRequest(invalid + problem)
    if (hasQuota(state, role))
      return badRequest(`${invalid}Cannot set quota for role '${role}' which already has quota`)
    if (role.includes("/")) return badRequest(`Setting quota on nested role '${role}' is not supported yet`)
    const guarantees = toQuantities(
      guarantee.map(({ name, scalar }): [string, number] => [name, unitsToMilli(scalar!.value)!]),
    )
    const record: QuotaRecord = { role, quota: { guarantees, limits: guarantees } }
    const overcommit = force ? undefined : overcommitProblem(state, record)
    return overcommit === undefined
      ? { type: "QuotasUpdated", quotas: [record] }
      : refuse(
          409,
          `Quota guarantees overcommit the cluster (use 'force' to bypass this check): ${overcommit}`,
        )
  })

/** `path` = of the older endpoint, which says it again. */
export const removeQuota = (role: string, path?: string) =>
  change((state) => {
    if (quotasOf(state).has(role)) return { type: "QuotaRemoved", role }
    const where = path === undefined ? "" : ` for path '${path}'`
    return badRequest(`Failed to remove quota${where}: Role '${role}' has no quota set`)
  })
