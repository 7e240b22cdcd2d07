import type { Action } from "./Action.ts"

/** Who sent a request, and what they may do. */
export interface Caller {
  /** The name that has been proven; null = none: authentication is off, or the cluster's secret came without a name. */
  readonly principal: string | null
  /** Has the cluster's secret, or lives in a cluster that asks nobody: no rule stands in their way. */
  readonly isAdministrator: boolean
  /** Whether the rules let them do this to that: a role, a user, a principal. Null means any, and only a rule for ANY allows it. */
  readonly isAllowed: (action: Action, object: string | null) => boolean
}

export const administrator = (principal: string | null): Caller => ({
  principal,
  isAdministrator: true,
  isAllowed: () => true,
})

/** Before anybody has proven anything. Every request starts with it, so that a door that was forgotten stays shut. */
export const nobody: Caller = { principal: null, isAdministrator: false, isAllowed: () => false }
