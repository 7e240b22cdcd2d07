import { expect } from "vitest"
import type { AgentMessage, MasterAction } from "../../core/master/Action.ts"
import { holdsResources } from "../../core/master/Context.ts"
import type { TaskRecord } from "../../core/master/State.ts"
import { isTerminal, taskKey } from "../../core/Task.ts"
import type { MasterHarness } from "./MasterHarness.ts"

/** What is found by framework and by agent is what one finds by looking at everything. */
export const checkIndexes = ({ state }: MasterHarness): void => {
  const keysWhere = <A>(map: ReadonlyMap<string, A>, matches: (record: A) => boolean) =>
    [...map].flatMap(([key, record]) => (matches(record) ? [key] : [])).sort()
  for (const id of [...state.frameworks.keys(), "nobody"]) {
    expect(state.offersByFramework.of(id)).toEqual(
      keysWhere(state.offers, (offer) => offer.frameworkId === id),
    )
    expect(state.tasksByFramework.of(id)).toEqual(
      keysWhere(state.tasks, (task) => task.spec.frameworkId === id),
    )
    expect(state.unreachableByFramework.of(id)).toEqual(
      keysWhere(state.tasks, (task) => task.spec.frameworkId === id && task.state === "TASK_UNREACHABLE"),
    )
    expect(state.unreachableByFramework.countOf(id)).toBe(state.unreachableByFramework.of(id).length)
  }
  for (const id of [...state.agents.keys(), "none"]) {
    expect(state.offersByAgent.of(id)).toEqual(keysWhere(state.offers, (offer) => offer.agentId === id))
    expect(state.tasksByAgent.of(id)).toEqual(keysWhere(state.tasks, (task) => task.spec.agentId === id))
  }
}

/** Executors are there as long as a task of theirs holds resources, which none does of an agent that is away for good. */
export const checkExecutors = ({ state }: MasterHarness): void => {
  const expected = [...state.tasks].flatMap(([key, task]) => {
    const { executor, agentId, frameworkId } = task.spec
    const condition = state.agents.get(agentId)?.condition
    const isThere = condition !== undefined && condition !== "unreachable" && holdsResources(task)
    return executor !== undefined && isThere
      ? [`${agentId}/${frameworkId}/${executor.executorId} ${key}`]
      : []
  })
  const indexed = state.tasksByExecutor
    .owners()
    .flatMap((owner) => state.tasksByExecutor.of(owner).map((key) => `${owner} ${key}`))
  expect(indexed.sort()).toEqual(expected.sort())
}

/** Ends that frameworks have been told, or will be, and have not acknowledged. */
export const openEnds = ({ state }: MasterHarness): ReadonlyArray<TaskRecord> =>
  [...state.tasks.values()].filter((task) => isTerminal(task.state) && task.unacknowledged)

/** Law L2: an end stays until its framework has acknowledged it or is gone, whatever becomes of the agent. */
export const checkEndsStay = ({ state }: MasterHarness, before: ReadonlyArray<TaskRecord>): void => {
  for (const { spec, status } of before) {
    if (!state.frameworks.has(spec.frameworkId)) continue
    const task = state.tasks.get(taskKey(spec.frameworkId, spec.taskId))
    expect(task?.status?.uuid, `end of ${spec.taskId}`).toBe(status!.uuid)
  }
}

/** Nothing is left waiting for an agent that the master has forgotten, and no task is told to end twice at once. */
export const checkMessages = ({ state }: MasterHarness, actions: ReadonlyArray<MasterAction>): void => {
  const waiting = new Map<string, ReadonlyArray<AgentMessage>>()
  for (const action of actions) {
    if (action.type === "DropMessages") waiting.delete(action.agentId)
    if (action.type !== "SendToAgent") continue
    waiting.set(action.agentId, [...(waiting.get(action.agentId) ?? []), action.message])
  }
  for (const [agentId, messages] of waiting) {
    expect(state.agents.has(agentId), `messages for ${agentId}`).toBe(true)
    const kills = messages.flatMap((message) =>
      message.type === "KillTask" ? [taskKey(message.frameworkId, message.taskId)] : [],
    )
    expect(new Set(kills).size, `kills on ${agentId}: ${kills}`).toBe(kills.length)
  }
}

/** Where two lists first differ as bytes: short enough to read when it fails. */
export const firstDifference = (left: ReadonlyArray<unknown>, right: ReadonlyArray<unknown>) => {
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [a, b] = [JSON.stringify(left[index]), JSON.stringify(right[index])]
    if (a !== b) return { index, a, b }
  }
  return undefined
}
