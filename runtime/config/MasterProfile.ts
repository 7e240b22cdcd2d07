import type { Quota } from "../../core/allocation/Settings.ts"
import { defaultMasterSettings, type MasterSettings, mesosMasterSettings } from "../../core/master/State.ts"
import type { NumberByName } from "../../core/NumberByName.ts"
import { off, type Rate } from "./Kinds.ts"
import type { Named, ValuesOf } from "./Setting.ts"
import type { masterSection } from "./sections/MasterSection.ts"

type MasterValues = ValuesOf<typeof masterSection.settings>

const profiles: { readonly [name in MasterValues["profile"]]: MasterSettings } = {
  gleaner: defaultMasterSettings,
  mesos: mesosMasterSettings,
}

/** Roles may have any name, `__proto__` too, which only a definition and no assignment makes a member. */
const byName = <A>(pairs: ReadonlyArray<Named<A>>): { readonly [name: string]: A } => {
  const found: { [name: string]: A } = {}
  for (const { name, value } of pairs) {
    Object.defineProperty(found, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return found
}

/** What is given, null where it is switched off, and the profile's where nothing is said. */
const orProfile = <A>(given: A | typeof off | null, ofProfile: A | null): A | null =>
  given === null ? ofProfile : given === off ? null : (given as A)

/** Evenly spread, as Mesos's limiter does it. */
const pauseMsOf = (limit: Rate | typeof off | null, ofProfileMs: number): number =>
  limit === null ? ofProfileMs : limit === off ? 0 : Math.ceil(limit.perMs / limit.count)

/** The master's settings: the whole bundle of the profile, and over it what was said. */
export const masterSettingsOf = (values: MasterValues): MasterSettings => {
  const profile = profiles[values.profile]
  const { allocator } = profile
  const intervalMs = orProfile(values.allocationInterval, profile.allocationIntervalMs)
  const weights: NumberByName = byName(values.weight)
  const priorities: NumberByName = byName(values.priority)
  const quotas: { readonly [role: string]: Quota } = byName(values.quota)
  return {
    ...profile,
    completedFrameworksMax: values.maxCompletedFrameworks ?? profile.completedFrameworksMax,
    completedTasksPerFrameworkMax:
      values.maxCompletedTasksPerFramework ?? profile.completedTasksPerFrameworkMax,
    completedTasksMax: values.maxCompletedTasks ?? profile.completedTasksMax,
    unreachableTasksPerFrameworkMax:
      values.maxUnreachableTasksPerFramework ?? profile.unreachableTasksPerFrameworkMax,
    offerTimeoutMs: orProfile(values.offerTimeout, profile.offerTimeoutMs),
    allocationIntervalMs: intervalMs,
    agentTimeoutMs: values.agentTimeout,
    agentForgetMs: values.registryMaxAgentAge,
    awayAgentsMax: values.registryMaxAgentCount,
    agentRemovalPauseMs: pauseMsOf(values.agentRemovalRateLimit, profile.agentRemovalPauseMs),
    allocator: {
      ...allocator,
      weights,
      priorities,
      quotas,
      minAllocatable: orProfile(values.minAllocatable, allocator.minAllocatable) ?? [],
      partMin: orProfile(values.offerPartMin, allocator.partMin),
      backoffMsMax: orProfile(values.declineBackoffMax, allocator.backoffMsMax),
      excludedNames: values.fairSharingExcludedResourceNames ?? [],
      filterGpuResources: values.filterGpuResources,
      // In Mesos no filter is shorter than the interval (spec/mesos.md §1.5).
      refuseMsMin: values.profile === "mesos" ? (intervalMs ?? allocator.refuseMsMin) : allocator.refuseMsMin,
    },
  }
}
