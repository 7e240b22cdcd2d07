import type { AllocatorAgent, AllocatorFramework } from "../../../../core/allocation/Allocator.ts"
import type { AttributeConstraint, OfferConstraints } from "../../../../core/allocation/Constraints.ts"
import type { AllocatorSettings } from "../../../../core/allocation/Settings.ts"
import { isRefined, type Resource } from "../../../../core/resources/Resource.ts"

// Which hosts a client does not see at all, and which resources are taken out of its offers (spec/mesos.md §1.5, §1.12).

export const isHidden = (
  agent: AllocatorAgent,
  framework: AllocatorFramework,
  role: string,
  settings: AllocatorSettings,
): boolean => {
  const frameworkCan = (name: string) => framework.capabilities.includes(name)
  const agentCan = (name: string) => agent.capabilities.includes(name)
  const hasGpus = agent.total.some(({ kind }) => kind.name === "gpus" && kind.type === "scalar")
  const isElsewhere = agent.region !== null && settings.region !== null && agent.region !== settings.region
  const constraints = Object.entries(framework.constraints).find(([name]) => name === role)
  if (settings.filterGpuResources && hasGpus && !frameworkCan("GPU_RESOURCES")) return true
  if (isElsewhere && !frameworkCan("REGION_AWARE")) return true
  if (frameworkCan("MULTI_ROLE") && !agentCan("MULTI_ROLE")) return true
  if (role.includes("/") && !agentCan("HIERARCHICAL_ROLE")) return true
  return constraints !== undefined && !areMet(constraints[1], agent)
}

export const canHandle = (framework: AllocatorFramework, { kind }: Resource): boolean => {
  const frameworkCan = (name: string) => framework.capabilities.includes(name)
  if (kind.revocable && !frameworkCan("REVOCABLE_RESOURCES")) return false
  if (kind.shared && !frameworkCan("SHARED_RESOURCES")) return false
  return !isRefined(kind) || frameworkCan("RESERVATION_REFINEMENT")
}

export const areMet = (constraints: OfferConstraints, agent: AllocatorAgent): boolean =>
  constraints.some((group) => group.every((constraint) => isMet(constraint, agent)))

/**
 * Reading: of several attributes of one name the first counts. One that exists but is no text passes all text predicates
 * (spec/mesos.md §1.12); one that does not exist passes only the predicates that say "not".
 */
const isMet = ({ selector, predicate }: AttributeConstraint, agent: AllocatorAgent): boolean => {
  const value = selected(selector, agent)
  switch (predicate.type) {
    case "exists":
      return value !== undefined
    case "notExists":
      return value === undefined
    case "textEquals":
      return value !== undefined && (value === notText || value === predicate.value)
    case "textNotEquals":
      return value === undefined || value === notText || value !== predicate.value
    case "textMatches":
      return value !== undefined && (value === notText || isMatch(predicate.regex, value))
    case "textNotMatches":
      return value === undefined || value === notText || !isMatch(predicate.regex, value)
  }
}

const notText = Symbol("not a text")

const isMatch = (regex: string, text: string) => new RegExp(`^(?:${regex})$`).test(text)

const selected = (
  selector: AttributeConstraint["selector"],
  agent: AllocatorAgent,
): string | typeof notText | undefined => {
  if (selector.type !== "attribute") return agent[selector.type] ?? undefined
  const attribute = agent.attributes.find(({ name }) => name === selector.name)
  if (attribute === undefined) return undefined
  return attribute.type === "text" ? attribute.value : notText
}
