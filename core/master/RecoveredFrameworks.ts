import { discardInverseOffersOf } from "../allocation/InverseOffers.ts"
import type { TaskSpec } from "../Task.ts"
import { frameworkDeadline, type MasterContext, putFramework, touchInverse } from "./Context.ts"
import { discardOffersOf } from "./Offers.ts"
import { type FrameworkRecord, recoveredName } from "./State.ts"

// Frameworks of which only tasks are left, as after the loss of this master's journal.

/**
 * A framework that another master knew has done nothing to lose its tasks: it gets time to come back under its id. One of this master
 * that is not there has been removed. Whose it is, its tasks tell: others who ask for its id must not get them.
 */
export const expectFramework = (context: MasterContext, spec: TaskSpec): void => {
  const { state } = context
  const { frameworkId, principal } = spec
  if (frameworkId.startsWith(`${state.masterId}-`) || state.removals.has(frameworkId)) return
  const known = state.frameworks.get(frameworkId)
  if (known === undefined) return recoverFramework(context, spec)
  if (principal === undefined || known.isOwnerKnown === true) return
  if (known.isRecovered || known.info.principal === principal) {
    return putFramework(context, { ...known, info: { ...known.info, principal }, isOwnerKnown: true })
  }
  disown(context, known)
  recoverFramework(context, spec)
}

/** It came before the first task that could tell that the id is another's. */
const disown = (context: MasterContext, { id, streamId }: FrameworkRecord): void => {
  const { state, turn } = context
  discardOffersOf(context, id)
  discardInverseOffersOf(state.inverse, id, touchInverse(context))
  if (streamId === null) return
  turn.emit({ type: "RefuseSubscription", streamId, message: "Framework ID belongs to another principal" })
}

const recoverFramework = (
  context: MasterContext,
  { frameworkId, frameworkUser, role, principal }: TaskSpec,
): void => {
  const { state, nowMs, wallMs } = context
  const removeAtMs = nowMs + state.settings.strangerWaitMs
  putFramework(context, {
    id: frameworkId,
    info: {
      name: recoveredName,
      user: frameworkUser,
      roles: [role],
      principal: principal ?? null,
      hostname: "",
      webuiUrl: null,
      checkpoint: true,
      failoverTimeoutMs: state.settings.strangerWaitMs,
      labels: [],
      capabilities: [],
      minAllocatable: {},
      constraints: {},
    },
    streamId: null,
    suppressedRoles: [],
    registeredWallMs: wallMs,
    reregisteredWallMs: null,
    isRecovered: true,
    ...(principal === undefined ? {} : { isOwnerKnown: true }),
    sinceMs: nowMs,
    removeAtMs,
  })
  state.deadlines.set(frameworkDeadline(frameworkId), removeAtMs)
}
