import { assert } from "../Assert.ts"
import type { Entity, EntityRef } from "../Machine.ts"
import type { Prng } from "../Prng.ts"
import { completeDeadline, killDeadline, retryDeadline } from "./Context.ts"
import {
  type AgentOperation,
  type AgentSettings,
  type AgentState,
  type AgentTask,
  initialAgentState,
} from "./State.ts"

/** The scalars of the state, as one row. */
interface Self {
  readonly prng: Prng
  readonly nowMs: number
  readonly bootId: string | null
  readonly agentId: string | null
  readonly isConnected: boolean
}

const selfRef: EntityRef = { kind: "agent", key: "self" }
const taskKind = "task"
const operationKind = "operation"

/** What is reserved and made on the host. Absent in checkpoints of 0.2 and before, when nothing could be. */
type Checkpoint = Pick<AgentState, "checkpointed" | "doomed">

const checkpointRef: EntityRef = { kind: "checkpoint", key: "resources" }

const checkpointOf = ({ checkpointed, doomed }: AgentState): Checkpoint => ({ checkpointed, doomed })

const selfOf = (state: AgentState): Self => ({
  prng: [state.prng[0], state.prng[1], state.prng[2], state.prng[3]],
  nowMs: state.nowMs,
  bootId: state.bootId,
  agentId: state.agentId,
  isConnected: state.isConnected,
})

/** The row to store for a changed entity; undefined when it was deleted. */
export const agentEntity = (state: AgentState, ref: EntityRef): unknown => {
  switch (ref.kind) {
    case selfRef.kind:
      return selfOf(state)
    case checkpointRef.kind:
      return checkpointOf(state)
    case operationKind:
      return state.operations.get(ref.key)
    default:
      return state.tasks.get(ref.key)
  }
}

/** The whole state as rows, in a fixed order: equal states give equal bytes. */
export const snapshotAgent = (state: AgentState): ReadonlyArray<Entity> => [
  { ...selfRef, value: selfOf(state) },
  { ...checkpointRef, value: checkpointOf(state) },
  ...Array.from(state.operations.keys())
    .sort()
    .map((key) => ({ kind: operationKind, key, value: state.operations.get(key) })),
  ...Array.from(state.tasks.keys())
    .sort()
    .map((key) => ({ kind: taskKind, key, value: state.tasks.get(key) })),
]

/**
 * The state that goes on exactly as the one that was stored, whatever the order of the rows; undefined when there are
 * none. Rows of other kinds are the shell's own.
 */
export const restoreAgent = (
  entities: ReadonlyArray<Entity>,
  settings: AgentSettings,
): AgentState | undefined => {
  const self = entities.find((entity) => entity.kind === selfRef.kind)
  if (self === undefined) {
    assert(entities.length === 0, "rows of an agent without its own: the checkpoint is incomplete")
    return undefined
  }
  const { prng, nowMs, bootId, agentId, isConnected } = self.value as Self
  const state: AgentState = {
    ...initialAgentState(agentId, "", settings),
    prng: [prng[0], prng[1], prng[2], prng[3]],
    nowMs,
    bootId,
    isConnected,
  }
  for (const entity of entities) {
    if (entity.kind === checkpointRef.kind) Object.assign(state, entity.value as Checkpoint)
    if (entity.kind === operationKind) state.operations.set(entity.key, entity.value as AgentOperation)
    if (entity.kind !== taskKind) continue
    // Until 0.3 hosts could not be drained.
    const stored = entity.value as AgentTask
    const task: AgentTask = "drain" in stored ? stored : { ...(stored as AgentTask), drain: null }
    state.tasks.set(entity.key, task)
    if (task.retryAtMs !== null) state.deadlines.set(retryDeadline(entity.key), task.retryAtMs)
    if (task.completeAtMs !== undefined && task.phase === "running") {
      state.deadlines.set(completeDeadline(entity.key), task.completeAtMs)
    }
    if (task.killAtMs !== null && task.phase === "running") {
      state.deadlines.set(killDeadline(entity.key), task.killAtMs)
    }
  }
  return state
}
