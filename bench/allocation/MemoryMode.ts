import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { AllocatorAgent } from "../../core/allocation/Allocator.ts"
import {
  addAgents,
  type Cluster,
  CycleTimes,
  createCluster,
  createFullCluster,
  giveBack,
  type MakeAllocator,
  refuseForEverMs,
  runCycle,
} from "./Cluster.ts"
import { type Figure, type Job, residentMb } from "./Job.ts"
import { OfferList } from "./OfferList.ts"
import { clusterWorkload, toAgent, type Workload } from "./Workload.ts"
import { wrongResult } from "./WrongResult.ts"

/**
 * What the allocator's books weigh: all that is still reachable with them after garbage collection, heap and array buffers, less what
 * there was before. Ids, names and resources that were handed in count as far as the allocator keeps them.
 */
export const runMemory = (job: Job, makeAllocator: MakeAllocator): ReadonlyArray<Figure> => [
  ...weighAgents(job, makeAllocator),
  ...weighFilters(job, makeAllocator),
]

const weighed = (phase: string, bytes: Pick<Figure, "bytesPerAgent" | "bytesPerFilter">): Figure => ({
  phase,
  times: new CycleTimes(),
  offers: 0,
  giveBackMsPer1000: [],
  rssMb: residentMb(),
  ...bytes,
})

const weighAgents = (job: Job, makeAllocator: MakeAllocator): ReadonlyArray<Figure> => {
  const { agents } = job.shape
  const workload = clusterWorkload(job.shape, job.variant, false)
  const handedIn = weighHandedIn(workload) / agents
  const cluster = createCluster(workload, job.settings, makeAllocator)
  const emptyBytes = reachableBytes()
  addAgents(cluster)
  const idle = (reachableBytes() - emptyBytes) / agents
  runDroppedCycle(cluster, agents)
  const offered = (reachableBytes() - emptyBytes) / agents
  // All of it must have been reachable until here.
  runDroppedCycle(cluster, 0)
  return [
    weighed("what is handed in", { bytesPerAgent: handedIn }),
    weighed("idle", { bytesPerAgent: idle }),
    weighed("all offered", { bytesPerAgent: offered }),
  ]
}

/** The descriptions of the agents alone. */
const weighHandedIn = (workload: Workload): number => {
  const agents: Array<AllocatorAgent> = []
  const emptyBytes = reachableBytes()
  for (let agent = 0; agent < workload.shape.agents; agent++)
    agents.push(toAgent(agent, workload.totalOf(agent)))
  const bytes = reachableBytes() - emptyBytes
  // Without a look at them afterwards they need not be kept until here.
  return agents.length === workload.shape.agents ? bytes : 0
}

/** Before and after are alike, all hosts free and one cycle behind them, but for the filters. */
const weighFilters = (job: Job, makeAllocator: MakeAllocator): ReadonlyArray<Figure> => {
  const { agents, frameworks } = job.shape
  const cluster = createFullCluster(
    clusterWorkload(job.shape, job.variant, true),
    job.settings,
    makeAllocator,
  )
  declineAll(cluster, null)
  const freeBytes = reachableBytes()
  for (let round = 0; round < frameworks; round++) declineAll(cluster, refuseForEverMs)
  runDroppedCycle(cluster, 0)
  const filteredBytes = reachableBytes()
  // In a year and a day all of them have expired.
  cluster.nowMs += 366 * 24 * 3_600_000
  declineAll(cluster, null)
  const expiredBytes = reachableBytes()
  if (cluster.allocator.nextExpiryMs() !== null) wrongResult("there are filters after a year and a day")
  const perFilter = (bytes: number) => bytes / (agents * frameworks)
  return [
    weighed("filters", { bytesPerFilter: perFilter(filteredBytes - freeBytes) }),
    weighed("left of them when expired", { bytesPerFilter: perFilter(expiredBytes - freeBytes) }),
  ]
}

/** The offers themselves belong to the driver and go with this function. */
const runDroppedCycle = (cluster: Cluster, expected: number): void => {
  const offers = new OfferList()
  runCycle(cluster, "all", offers)
  if (offers.count !== expected) wrongResult(`${offers.count} offers instead of ${expected}`)
}

const declineAll = (cluster: Cluster, refuseMs: number | null): void => {
  const offers = new OfferList()
  runCycle(cluster, "all", offers)
  const { agents } = cluster.workload.shape
  if (offers.count !== agents) wrongResult(`${offers.count} offers of ${agents} hosts`)
  giveBack(cluster, offers, refuseMs)
}

/** Array buffers are a part of what Node calls external. */
const reachableBytes = (): number => {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
