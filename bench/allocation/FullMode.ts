import { readAmounts, sameAmounts } from "./Amounts.ts"
import {
  type Cluster,
  CycleTimes,
  createFullCluster,
  giveBack,
  type MakeAllocator,
  runCycle,
} from "./Cluster.ts"
import { FairBooks } from "./FairBooks.ts"
import { type Figure, type Job, residentMb } from "./Job.ts"
import { OfferList } from "./OfferList.ts"
import { agentOf, clusterWorkload, frameworkOf, type Workload } from "./Workload.ts"
import { checkAt, wrongResult } from "./WrongResult.ts"

/**
 * Table 1: all hosts are free, one cycle offers all of them, every offer is handed back without a filter. The offers of all rounds are kept
 * and checked at the end: a check between two cycles would leave them cold caches, which the recorded rounds did not have.
 */
export const runFull = (job: Job, makeAllocator: MakeAllocator): ReadonlyArray<Figure> => {
  const workload = clusterWorkload(job.shape, job.variant, false)
  const cluster: Cluster = createFullCluster(workload, job.settings, makeAllocator)
  const offers = new OfferList()
  const times = new CycleTimes()
  const giveBackMsPer1000: Array<number> = []
  const offersOf: Array<OfferList> = []
  for (let round = 0; round < job.rounds; round++) {
    runCycle(cluster, "all", offers, times)
    giveBackMsPer1000.push((giveBack(cluster, offers, null) * 1_000) / offers.count)
    offersOf.push(offers.copy())
  }
  const rssMb = residentMb()
  offersOf.forEach((made, round) => {
    checkAt(`round ${round + 1}`, () => checkFullCycle(workload, made))
  })
  return [{ phase: "cycle", times, offers: job.shape.agents, giveBackMsPer1000, rssMb }]
}

/** Each host once, exactly what it has, and each to whose turn it was. */
const checkFullCycle = (workload: Workload, offers: OfferList): void => {
  const { agents, frameworks } = workload.shape
  const seen = new Uint8Array(agents)
  const books = new FairBooks(workload)
  for (let index = 0; index < offers.count; index++) {
    const { frameworkId, role, agentId } = offers.scopeAt(index)
    const agent = agentOf(agentId, agents)
    const framework = frameworkOf(frameworkId, frameworks)
    if (role !== workload.roleOf(framework)) wrongResult(`${agentId} went to ${frameworkId} in ${role}`)
    if (seen[agent] === 1) wrongResult(`${agentId} was offered twice`)
    seen[agent] = 1
    const amounts = readAmounts(offers.resourcesAt(index), agentId)
    if (!sameAmounts(amounts, workload.totalOf(agent))) wrongResult(`${agentId} was not offered as it is`)
    books.checkTurn(framework, null, agentId)
    books.book(framework, amounts, 1)
  }
  if (offers.count !== agents) wrongResult(`${offers.count} offers, there are ${agents} agents`)
}
