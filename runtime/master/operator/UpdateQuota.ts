import type { Quota } from "../../../core/allocation/Settings.ts"
import { quotasOf } from "../../../core/master/RoleSettings.ts"
import type { MasterState, QuotaRecord } from "../../../core/master/State.ts"
import { numberOf } from "../../../core/NumberByName.ts"
import {
  amountOf,
  containsQuantities,
  isResourceName,
  quantitiesToText,
  sumOfQuantities,
  toQuantities,
} from "../../../core/resources/Quantities.ts"
import { badRequest } from "../../http/HttpMessage.ts"
import { roleProblem } from "../../mesos/FrameworkInfo.ts"
import type { WireQuotaConfig } from "../../mesos/OperatorCall.ts"
import { unitsToMilli } from "../../mesos/Resources.ts"
import { change } from "./Change.ts"

// UPDATE_QUOTA: what is asked of it in the order of Mesos (spec/mesos.md §1.10). All of a call or nothing.

type Amounts = WireQuotaConfig["limits"]

const amountsText = (amounts: Amounts): string =>
  Object.entries(amounts)
    .map(([name, { value }]) => `${name}: ${value}`)
    .join(", ")

/** An exabyte of MiB, and a trillion of anything else: beyond that Mesos's own sums overflow. */
const largest = (name: string): readonly [most: number, words: string] =>
  name === "mem" || name === "disk" ? [2 ** 40, "1 exabyte"] : [1e12, "1 trillion"]

const sizeProblem = (field: string, amounts: Amounts): string | undefined => {
  for (const [name, { value }] of Object.entries(amounts)) {
    const [most, words] = largest(name)
    if (value > most)
      return `Invalid 'QuotaConfig.${field}': {'${name}': ${value}} is invalid: values greater than ${words} (${most}) are not supported`
  }
  return undefined
}

const amountsProblem = (what: string, amounts: Amounts): string | undefined => {
  for (const [name, { value }] of Object.entries(amounts)) {
    const place = `Invalid ${what} configuration {'${name}': ${value}}`
    if (!isResourceName(name)) return `${place}: not a valid name of a resource`
    if (value < 0) return `${place}: Negative values not supported`
    if (unitsToMilli(value) === undefined) return `${place}: expecting a number`
  }
  return undefined
}

const configProblem = ({ role, guarantees, limits }: WireQuotaConfig): string | undefined => {
  const badRole = roleProblem(role)
  if (badRole !== undefined) return `Invalid 'QuotaConfig.role': ${badRole}`
  return (
    sizeProblem("guarantees", guarantees) ??
    sizeProblem("limits", limits) ??
    amountsProblem("guarantee", guarantees) ??
    amountsProblem("limit", limits)
  )
}

const milliOf = (amounts: Amounts) =>
  Object.entries(amounts).map(([name, { value }]): [string, number] => [name, unitsToMilli(value)!])

/** Reads a quota, or says what is wrong with it whatever the cluster is like. */
const readConfig = (config: WireQuotaConfig): QuotaRecord | string => {
  const { role, guarantees, limits } = config
  if (role.includes("/")) return `Updating quota on nested role '${role}' is not supported yet`
  const problem = configProblem(config)
  if (problem !== undefined) return `Invalid QuotaConfig: ${problem}`
  const quota: Quota = {
    guarantees: toQuantities(milliOf(guarantees)),
    limits: Object.fromEntries(milliOf(limits)),
  }
  const isKept = Object.entries(quota.guarantees).every(
    ([name, milli]) => milli <= numberOf(quota.limits, name, Number.POSITIVE_INFINITY),
  )
  return isKept
    ? { role, quota }
    : `Invalid QuotaConfig: 'QuotaConfig.guarantees' { ${amountsText(guarantees)} } is not contained within the 'QuotaConfig.limits' { ${amountsText(limits)} }`
}

/** Known to every cluster, also to one that has no hosts yet. */
const usualNames = ["cpus", "mem", "disk", "gpus"]

const bypass = "(use 'force' flag to bypass this check)"

/** What does not fit the cluster as it is now; `force` says that it will. */
const clusterProblem = (state: MasterState, records: ReadonlyArray<QuotaRecord>): string | undefined => {
  const total = state.allocator.clusterTotal()
  for (const { role, quota } of records) {
    for (const name of [...Object.keys(quota.guarantees), ...Object.keys(quota.limits)]) {
      if (!usualNames.includes(name) && amountOf(total, name) === 0)
        return `role '${role}': no host has a resource '${name}' that can be counted ${bypass}`
    }
    const consumed = state.allocator.consumedQuotaOf(role)
    const over = Object.keys(quota.limits).find((name) => amountOf(consumed, name) > quota.limits[name]!)
    if (over !== undefined)
      return `role '${role}' is already consuming '${quantitiesToText(consumed)}', more ${over} than the limit ${bypass}`
  }
  const quotas = new Map(quotasOf(state))
  for (const { role, quota } of records) quotas.set(role, quota)
  const guaranteed = sumOfQuantities([...quotas.values()].map(({ guarantees }) => guarantees))
  return containsQuantities(total, guaranteed)
    ? undefined
    : `total quota guarantees '${quantitiesToText(guaranteed)}' exceed cluster capacity '${quantitiesToText(total)}' ${bypass}`
}

export const updateQuota = (configs: ReadonlyArray<WireQuotaConfig>, isForced: boolean) =>
  change((state) => {
    const records: Array<QuotaRecord> = []
    for (const config of configs) {
      const record = readConfig(config)
      if (typeof record === "string") return badRequest(record)
      records.push(record)
    }
    const problem = isForced ? undefined : clusterProblem(state, records)
    return problem === undefined
      ? { type: "QuotasUpdated", quotas: records }
      : badRequest(`Invalid QuotaConfig: ${problem}`)
  })
