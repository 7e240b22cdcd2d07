import { quotasOf } from "../../../core/master/RoleSettings.ts"
import type { MasterState } from "../../../core/master/State.ts"
import type { NumberByName } from "../../../core/NumberByName.ts"
import { quantitiesToResources } from "../../../core/resources/Resources.ts"
import { resourcesToWire } from "../../mesos/Resources.ts"

const scalarsByName = (name: string, amounts: NumberByName): object => {
  const entries = Object.entries(amounts)
  if (entries.length === 0) return {}
  return {
    [name]: Object.fromEntries(entries.map(([resource, milli]) => [resource, { value: milli / 1000 }])),
  }
}

/**
 * `/quota`: the roles that somebody has set a quota for, also those that were given none again (mesos-transcripts README, 20). `infos`
 * is the old form, which knows guarantees only.
 */
export const quotaStatus = (state: MasterState) => {
  const quotas = quotasOf(state)
  const roles = [...quotas.keys()].sort()
  if (roles.length === 0) return {}
  return {
    infos: roles.map((role) => {
      const guarantee = resourcesToWire(quantitiesToResources(quotas.get(role)!.guarantees), {
        withRole: false,
        allocatedTo: null,
      })
      return { role, ...(guarantee.length === 0 ? {} : { guarantee }) }
    }),
    configs: roles.map((role) => ({
      role,
      ...scalarsByName("guarantees", quotas.get(role)!.guarantees),
      ...scalarsByName("limits", quotas.get(role)!.limits),
    })),
  }
}

export const getQuota = (state: MasterState) => ({ status: quotaStatus(state) })
