import { type OperationRef, operationKey } from "../master/Operation.ts"
import { volumesIn } from "../resources/Conversion.ts"
import { heldResources } from "../resources/HeldResources.ts"
import type { PlainResources } from "../resources/PlainForm.ts"
import { reservationRole } from "../resources/Resource.ts"
import type { AgentContext } from "./Context.ts"
import type { AgentEventOf } from "./Event.ts"
import type { AgentOperation, VolumeName } from "./State.ts"

// What is reserved and made on this host (spec/mesos.md §1.8): remembered over all restarts, for a master that might lose its journal.
// Volumes are folders; which are to be is part of the state, so that a crash in between leaves nothing half done.

/** Which volumes are among resources. */
export const volumeNamesOf = (resources: PlainResources): ReadonlyArray<VolumeName> =>
  volumesIn(heldResources(resources)).map(({ kind }) => ({
    role: reservationRole(kind) || "*",
    id: kind.disk!.persistence!.id,
  }))

const nameText = ({ role, id }: VolumeName): string => `${role}/${id}`

/** Those of `left` that are not in `right`. */
const without = (
  left: ReadonlyArray<VolumeName>,
  right: ReadonlyArray<VolumeName>,
): ReadonlyArray<VolumeName> => {
  const names = new Set(right.map(nameText))
  return left.filter((name) => !names.has(nameText(name)))
}

const has = (names: ReadonlyArray<VolumeName>, name: VolumeName): boolean =>
  names.some((other) => nameText(other) === nameText(name))

export const onCheckpointRequested = (
  context: AgentContext,
  event: AgentEventOf<"CheckpointRequested">,
): void => {
  const { state, turn } = context
  const present = volumeNamesOf(event.resources)
  const destroyed = volumeNamesOf(event.destroyed)
  const before = without(volumeNamesOf(state.checkpointed), destroyed)
  const made = without(present, before)
  // Each removal is asked for once: a volume of its name that is made later must not go with it. Of one that is made again now, what
  // is left of the old one goes before the making, and from then on its folder is the new one's.
  const again = made.filter((name) => has(state.doomed, name))
  const remove = without(again, destroyed).concat(destroyed)
  state.checkpointed = event.resources
  state.doomed = without(without(state.doomed, destroyed).concat(destroyed), present)
  turn.touch("checkpoint", "resources")
  const told =
    event.operations || (event.operation === null ? [] : [{ ...event.operation, hasVolumes: true }])
  const hasWork = made.length > 0 || remove.length > 0
  const waiting = told.filter(({ hasVolumes }) => hasWork && hasVolumes)
  for (const { frameworkId, operationId } of told) {
    putOperation(context, { frameworkId, operationId, outcome: null })
  }
  for (const operation of told) if (!waiting.includes(operation)) conclude(context, operation, null)
  if (hasWork) applyVolumes(context, made, remove, waiting)
}

/** After a restart what is to be is made to be, whatever was done of it; also removals that failed are tried again. */
export const takeUpCheckpoint = (context: AgentContext): void => {
  const { state, turn } = context
  const volumes = volumeNamesOf(state.checkpointed)
  const open = sortedOperations(context).filter(({ outcome }) => outcome === null)
  // Earlier releases went on counting one as doomed that was made again; it may hold data by now.
  if (volumes.some((name) => has(state.doomed, name))) {
    state.doomed = without(state.doomed, volumes)
    turn.touch("checkpoint", "resources")
  }
  if (volumes.length > 0 || state.doomed.length > 0) {
    return applyVolumes(context, volumes, state.doomed, open)
  }
  for (const operation of open) conclude(context, operation, null)
}

const applyVolumes = (
  { turn }: AgentContext,
  make: ReadonlyArray<VolumeName>,
  remove: ReadonlyArray<VolumeName>,
  operations: ReadonlyArray<OperationRef>,
): void => {
  turn.emit({
    type: "ApplyVolumes",
    make,
    remove,
    operations: operations.map(({ frameworkId, operationId }) => ({ frameworkId, operationId })),
  })
}

export const onVolumesApplied = (context: AgentContext, event: AgentEventOf<"VolumesApplied">): void => {
  const { state, turn } = context
  state.doomed = without(state.doomed, event.removed)
  turn.touch("checkpoint", "resources")
  for (const operation of event.operations) conclude(context, operation, event.problem)
}

/** Tells the master how it ended, until it has heard. */
const conclude = (context: AgentContext, operation: OperationRef, problem: string | null): void => {
  const known = context.state.operations.get(operationKey(operation))
  if (known === undefined || known.outcome !== null) return
  const { frameworkId, operationId } = operation
  putOperation(context, { frameworkId, operationId, outcome: { problem } })
  if (context.state.isConnected) {
    context.turn.emit({ type: "SendOutcome", outcome: { frameworkId, operationId, problem } })
  }
}

/** After a registration, in which they stood: one may have ended since it was written. */
export const sendOutcomes = (context: AgentContext): void => {
  for (const { frameworkId, operationId, outcome } of sortedOperations(context)) {
    if (outcome === null) continue
    context.turn.emit({ type: "SendOutcome", outcome: { frameworkId, operationId, ...outcome } })
  }
}

export const onOperationAcknowledged = (
  { state, turn }: AgentContext,
  event: AgentEventOf<"OperationAcknowledged">,
): void => {
  const key = operationKey(event)
  if (!state.operations.delete(key)) return
  turn.touch("operation", key)
}

const putOperation = ({ state, turn }: AgentContext, operation: AgentOperation): void => {
  const key = operationKey(operation)
  state.operations.set(key, operation)
  turn.touch("operation", key)
}

const sortedOperations = ({ state }: AgentContext): ReadonlyArray<AgentOperation> =>
  Array.from(state.operations.keys())
    .sort()
    .map((key) => state.operations.get(key)!)
