import { expect } from "vitest"
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

/** Where two lists first differ as bytes: short enough to read when it fails. */
export const firstDifference = (left: ReadonlyArray<unknown>, right: ReadonlyArray<unknown>) => {
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [a, b] = [JSON.stringify(left[index]), JSON.stringify(right[index])]
    if (a !== b) return { index, a, b }
  }
  return undefined
}
