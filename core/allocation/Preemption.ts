import { assert } from "../Assert.ts"
import type { NumberByName } from "../NumberByName.ts"
import type { Quantities } from "../resources/Quantities.ts"
import type { Resources } from "../resources/Resources.ts"
import { findCheapestCover } from "./Preemption/CheapestCover.ts"
import { type Demand, demandOfAmounts, demandOfResources } from "./Preemption/Demand.ts"
import { comparePriorities } from "./Preemption/Priority.ts"

/** A task that runs and could be stopped. */
export interface PreemptionTask {
  /** Unique on its host. */
  readonly key: string
  readonly role: string
  readonly resources: Resources
  /** What would have to be done again, in whole milli-cpu-ms. */
  readonly lostWork: number
  readonly startedAtMs: number
}

/** A host on which the request may run at all: active, constraints and capabilities met. */
export interface PreemptionHost {
  readonly agentId: string
  /** `total − allocated − reserve` (`Allocator.availableOn`). */
  readonly available: Resources
  /** What the reserve still waits for: it takes freed resources first (`Allocator.missingFromReserveOf`). */
  readonly owed: Quantities
  readonly tasks: ReadonlyArray<PreemptionTask>
}

export interface PreemptionRequest {
  readonly role: string
  /** Amounts by name, ranges and sets by number of items × 1000, from whatever may be offered to the role; or exactly
   * these resources. */
  readonly resources: Quantities | Resources
}

export interface Preemption {
  readonly agentId: string
  /** Whom to stop, in the order in which they were preferred; nobody = it fits already. */
  readonly tasks: ReadonlyArray<PreemptionTask>
  readonly lostWork: number
  /** Whether less lost work is impossible on this host; surely so up to 13 candidates. */
  readonly isBest: boolean
}

/**
 * Whom would one have to stop so that a request fits: for each host on which that can be done at all the tasks of strictly lower priority
 * that lose least work. Never more than needed: without any one of them it would not fit. Of equal choices the fewest
 * tasks, then those that were started last.
 *
 * Ordered by lost work, then number of tasks, then agent id. Quotas and limits are not looked at.
 */
export const findPreemptions = (
  hosts: Iterable<PreemptionHost>,
  request: PreemptionRequest,
  priorities: NumberByName,
): ReadonlyArray<Preemption> => {
  const found: Array<Preemption> = []
  const isLowerByRole = new Map<string, boolean>()
  const isCandidate = ({ role }: PreemptionTask): boolean => {
    const known = isLowerByRole.get(role)
    const isLower = known === undefined ? comparePriorities(priorities, role, request.role) < 0 : known
    isLowerByRole.set(role, isLower)
    return isLower
  }
  for (const host of hosts) {
    const preemption = preemptionOn(host, request, isCandidate)
    if (preemption !== undefined) found.push(preemption)
  }
  return found.sort(
    (left, right) =>
      left.lostWork - right.lostWork ||
      left.tasks.length - right.tasks.length ||
      compareTexts(left.agentId, right.agentId),
  )
}

const preemptionOn = (
  host: PreemptionHost,
  request: PreemptionRequest,
  isCandidate: (task: PreemptionTask) => boolean,
): Preemption | undefined => {
  const demand = demandOf(host, request)
  const candidates = host.tasks.filter(isCandidate).sort(compareTasks)
  const pieces = candidates.map(({ key, lostWork, resources }) => {
    assert(Number.isInteger(lostWork) && lostWork >= 0, () => `task ${key}: lost work ${lostWork}`)
    return { cost: lostWork, gives: demand.yieldOf(resources) }
  })
  const cover = findCheapestCover(demand, pieces)
  if (cover === undefined) return undefined
  const tasks = cover.chosen.map((index) => candidates[index]!)
  const lostWork = tasks.reduce((sum, task) => sum + task.lostWork, 0)
  return { agentId: host.agentId, tasks, lostWork, isBest: cover.isBest }
}

const demandOf = ({ available, owed }: PreemptionHost, { role, resources }: PreemptionRequest): Demand =>
  isExact(resources)
    ? demandOfResources(resources, available, owed)
    : demandOfAmounts(resources, role, available, owed)

const isExact = (resources: Quantities | Resources): resources is Resources => Array.isArray(resources)

/** A total order: least lost work, then started last, then by key. */
const compareTasks = (left: PreemptionTask, right: PreemptionTask): number =>
  left.lostWork - right.lostWork || right.startedAtMs - left.startedAtMs || compareTexts(left.key, right.key)

const compareTexts = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)
