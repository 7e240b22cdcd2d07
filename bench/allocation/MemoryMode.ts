import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
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
import type { Figure, Job } from "./Job.ts"
import { OfferList } from "./OfferList.ts"
import { clusterWorkload } from "./Workload.ts"
import { wrongResult } from "./WrongResult.ts"

/**
 * What the allocator's books weigh: all that is still reachable with them after garbage collection, heap and array buffers, less what
 * there was before. Ids, names and resources that were handed in count as far as the allocator keeps them.
 */
export const runMemory = (job: Job, makeAllocator: MakeAllocator): ReadonlyArray<Figure> => [
  ...weighAgents(job, makeAllocator),
  ...weighFilters(job, makeAllocator),
]

const none = { times: new CycleTimes(), offers: 0, giveBackMsPer1000: [] }

const weighAgents = (job: Job, makeAllocator: MakeAllocator): ReadonlyArray<Figure> => {
  const { agents } = job.shape
  const cluster = createCluster(clusterWorkload(job.shape, job.variant, false), job.settings, makeAllocator)
  const emptyBytes = reachableBytes()
  addAgents(cluster)
  const idle = (reachableBytes() - emptyBytes) / agents
  runDroppedCycle(cluster, agents)
  const offered = (reachableBytes() - emptyBytes) / agents
  // All of it must have been reachable until here.
  runDroppedCycle(cluster, 0)
  return [
    { phase: "idle", ...none, bytesPerAgent: idle },
    { phase: "all offered", ...none, bytesPerAgent: offered },
  ]
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
    { phase: "filters", ...none, bytesPerFilter: perFilter(filteredBytes - freeBytes) },
    { phase: "left of them when expired", ...none, bytesPerFilter: perFilter(expiredBytes - freeBytes) },
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
