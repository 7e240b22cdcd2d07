import { type MasterContext, offersOfFramework, putFramework } from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import { rescindOffer, wantAllocation } from "./Offers.ts"
import type { FrameworkInfo } from "./State.ts"

// How a framework may change its description: with UPDATE_FRAMEWORK, and when it subscribes again (spec/mesos.md §1.12).

/** Whoever else it is, it may not take over a framework. The former principal is nobody's business. */
export const principalProblem = (before: FrameworkInfo, after: FrameworkInfo): string | undefined =>
  before.principal === after.principal ? undefined : "Changing framework's principal is not allowed."

/** Why UPDATE_FRAMEWORK may not replace one description by the other; undefined when it may. */
export const updateProblem = (before: FrameworkInfo, after: FrameworkInfo): string | undefined => {
  const quoted = (value: unknown) => `'${value}'`
  const fixed = (field: string, from: unknown, to: unknown) =>
    `Updating 'FrameworkInfo.${field}' is unsupported; attempted to update from ${quoted(from)} to ${quoted(to)}`
  const stranger = principalProblem(before, after)
  if (stranger !== undefined) return stranger
  if (before.user !== after.user) return fixed("user", before.user, after.user)
  if (before.checkpoint !== after.checkpoint) return fixed("checkpoint", before.checkpoint, after.checkpoint)
  return undefined
}

/** What SUBSCRIBE makes of a description that is known already: user and checkpoint stay, without a word. */
export const withFixedFields = (before: FrameworkInfo, after: FrameworkInfo): FrameworkInfo => ({
  ...after,
  user: before.user,
  checkpoint: before.checkpoint,
})

/**
 * UPDATE_FRAMEWORK: the whole description and the whole set of suppressed roles are replaced, or nothing is. Offers for a
 * role that it leaves are taken back; tasks of that role go on.
 */
export const onFrameworkUpdated = (
  context: MasterContext,
  event: MasterEventOf<"FrameworkUpdated">,
): void => {
  const { state } = context
  const { frameworkId, info, suppressedRoles } = event
  const framework = state.frameworks.get(frameworkId)
  if (framework === undefined || updateProblem(framework.info, info) !== undefined) return
  for (const offer of offersOfFramework(state, frameworkId)) {
    if (!info.roles.includes(offer.role)) rescindOffer(context, offer)
  }
  putFramework(context, { ...framework, info, suppressedRoles })
  wantAllocation(context)
}
