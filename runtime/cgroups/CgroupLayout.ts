import type { CgroupFacts, ControllerName } from "./CgroupFacts.ts"
import { CgroupsUnavailable } from "./Cgroups.ts"

export { isContainerId } from "./ContainerId.ts"

/** A container's folders: one per hierarchy, and which of them (if any) freezes. */
export interface ContainerGroups {
  readonly all: ReadonlyArray<string>
  readonly freezer: string | undefined
}

/** Where everything lies on this host; a folder is absent where the kernel or the administrator does not offer it. */
export interface CgroupLayout {
  /** The parent's folder in each hierarchy, once each, in joining order. */
  readonly parents: ReadonlyArray<string>
  readonly parentOf: Partial<Readonly<Record<ControllerName, string>>>
  /** The parent's folder with `cpu.cfs_quota_us`. */
  readonly quotaParent: string | undefined
  readonly groupsOf: (containerId: string) => ContainerGroups
}

export const makeCgroupLayout = (facts: CgroupFacts, parent: string): CgroupLayout => {
  const parents = facts.hierarchies.map((hierarchy) => `${hierarchy.mountPoint}/${parent}`)
  const parentOf: Partial<Record<ControllerName, string>> = {}
  for (const hierarchy of facts.hierarchies)
    for (const name of hierarchy.controllers) parentOf[name] = `${hierarchy.mountPoint}/${parent}`
  const { freezer } = parentOf
  return {
    parents,
    parentOf,
    quotaParent: facts.hasCpuQuota ? parentOf.cpu : undefined,
    groupsOf: (containerId) => ({
      all: parents.map((folder) => `${folder}/${containerId}`),
      freezer: freezer === undefined ? undefined : `${freezer}/${containerId}`,
    }),
  }
}

/** Isolation that was asked for and cannot be given refuses the task (design §7); undefined when all is there. */
export const reasonsAgainst = (
  facts: CgroupFacts,
  cpuQuota: "required" | "if-present",
): CgroupsUnavailable | undefined => {
  const isNeeded = (feature: string) =>
    feature === "cgroup v1" ||
    feature === "cpu controller" ||
    feature === "memory controller" ||
    feature.startsWith("write access") ||
    (feature === "CFS quota" && cpuQuota === "required")
  const lacking = facts.missing.filter((one) => isNeeded(one.feature))
  if (lacking.length === 0) return undefined
  return new CgroupsUnavailable({
    reasons: lacking.map((one) => `${one.feature} is missing: ${one.means}`),
    remedy: `Remedy: ${[...new Set(lacking.map((one) => one.remedy))].join("; ")}.`,
  })
}
