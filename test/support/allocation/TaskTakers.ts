import type { Allocator } from "../../../core/allocation/Allocator.ts"
import type { Quantities } from "../../../core/resources/Quantities.ts"
import {
  containsResources,
  quantitiesToResources,
  subtractResources,
} from "../../../core/resources/Resources.ts"
import { listOf, scopeOf } from "./Fixtures.ts"

/** A framework that runs as many tasks of one size as it is given. */
export interface TaskTaker {
  readonly frameworkId: string
  readonly task: Quantities
}

/**
 * Cycle after cycle, each offer is used for one task, and the rest given back without a filter; what holds no task is refused for good.
 * Ends when nothing is offered any more. Says who launched, in order.
 */
export const launchInTurns = (
  allocator: Allocator,
  takers: ReadonlyArray<TaskTaker>,
): ReadonlyArray<string> => {
  const launches: Array<string> = []
  for (let nowMs = 0; ; nowMs++) {
    const offers = listOf(allocator.allocate(nowMs, "changed"))
    if (offers.length === 0) return launches
    for (const { frameworkId, role, agentId, resources } of offers) {
      const scope = scopeOf(frameworkId, role, agentId)
      const task = quantitiesToResources(takers.find((taker) => taker.frameworkId === frameworkId)!.task)
      if (containsResources(resources, task)) {
        allocator.release(scope, subtractResources(resources, task))
        launches.push(frameworkId)
      } else {
        allocator.release(scope, resources)
        const refusal = { refuseMs: 1e9, offeredAtMs: nowMs, nowMs, isDecline: true }
        allocator.refuse(scope, resources, refusal)
      }
    }
  }
}
