import type { MasterState } from "./State.ts"

/** Why a framework's call is not even taken in; nothing of it is journaled. */
export type CallRefusal =
  | { readonly type: "FrameworkUnknown" }
  | { readonly type: "PrincipalDiffers"; readonly principal: string; readonly owner: string }
  | { readonly type: "FrameworkNotSubscribed" }
  | { readonly type: "StreamIdMissing" }
  | { readonly type: "StreamIdDiffers"; readonly frameworkId: string; readonly streamId: string }

/**
 * Judges a framework's call against the state, in Mesos's order (spec/mesos.md §2.2, rows 12–16). Pure and cheap: the
 * shell asks right before the step, so nothing can change in between. `principal` = who asks; null = nobody knows.
 */
export const refuseCall = (
  state: MasterState,
  frameworkId: string,
  streamId: string | null,
  principal: string | null = null,
): CallRefusal | undefined => {
  const framework = state.frameworks.get(frameworkId)
  if (framework === undefined) return { type: "FrameworkUnknown" }
  const { principal: owner } = framework.info
  if (principal !== null && owner !== null && principal !== owner) {
    return { type: "PrincipalDiffers", principal, owner }
  }
  if (framework.streamId === null) return { type: "FrameworkNotSubscribed" }
  if (streamId === null) return { type: "StreamIdMissing" }
  if (framework.streamId !== streamId) return { type: "StreamIdDiffers", frameworkId, streamId }
  return undefined
}
