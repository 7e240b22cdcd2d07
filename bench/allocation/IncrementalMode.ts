import { nextBelow, seedPrng } from "../../core/Prng.ts"
import { readAmounts, sameAmounts, subtractAmounts } from "./Amounts.ts"
import {
  type Cluster,
  CycleTimes,
  createFullCluster,
  giveBack,
  type MakeAllocator,
  refuseForEverMs,
  runCycle,
} from "./Cluster.ts"
import { FairBooks } from "./FairBooks.ts"
import { type Figure, type Job, residentMb } from "./Job.ts"
import { OfferList } from "./OfferList.ts"
import {
  type Amounts,
  agentIdOf,
  agentOf,
  amountsToResources,
  clusterWorkload,
  frameworkIdOf,
  frameworkOf,
  toAgent,
  type Workload,
} from "./Workload.ts"
import { wrongResult } from "./WrongResult.ts"

/**
 * Cycles over what changed. First with every host given away: one offer comes back and goes out again. Then with everything refused by
 * everybody: a host grows; who gets it declines; a framework revives. What a cycle over the changed hosts left out must have had nobody
 * to go to, so a cycle over all of them makes no offer afterwards.
 */
export const runIncremental = (job: Job, makeAllocator: MakeAllocator): ReadonlyArray<Figure> => [
  runReturned(job, makeAllocator),
  ...runRefused(job, makeAllocator),
]

const figure = (phase: string, times: CycleTimes, offers: number): Figure => ({
  phase,
  times,
  offers,
  giveBackMsPer1000: [],
  rssMb: residentMb(),
})

const runReturned = (job: Job, makeAllocator: MakeAllocator): Figure => {
  const { agents, frameworks } = job.shape
  const workload = clusterWorkload(job.shape, job.variant, false)
  const cluster = createFullCluster(workload, job.settings, makeAllocator)
  const books = new FairBooks(workload)
  const owners = new Int32Array(agents)
  const offers = new OfferList()
  runCycle(cluster, "all", offers)
  if (offers.count !== agents) wrongResult(`${offers.count} offers of ${agents} hosts`)
  for (let index = 0; index < offers.count; index++) {
    const agent = agentOf(offers.scopeAt(index).agentId, agents)
    owners[agent] = frameworkOf(offers.scopeAt(index).frameworkId, frameworks)
    books.book(owners[agent]!, workload.totalOf(agent), 1)
  }
  const prng = seedPrng("returned")
  const times = new CycleTimes()
  for (let round = 1; round <= job.rounds; round++) {
    const agent = nextBelow(prng, agents)
    const total = workload.totalOf(agent)
    cluster.allocator.release(scopeOf(workload, owners[agent]!, agent), amountsToResources(total))
    books.book(owners[agent]!, total, -1)
    runCycle(cluster, "changed", offers, times)
    owners[agent] = checkOnlyOffer(workload, offers, books, null, { agent, amounts: total })
    books.book(owners[agent]!, total, 1)
  }
  checkNothingLeft(cluster, offers)
  return figure("an offer came back", times, 1)
}

const runRefused = (job: Job, makeAllocator: MakeAllocator): ReadonlyArray<Figure> => {
  const { agents, frameworks } = job.shape
  const workload = clusterWorkload(job.shape, job.variant, true)
  const cluster = createFullCluster(workload, job.settings, makeAllocator)
  const offers = new OfferList()
  refuseEverything(cluster)
  checkNothingLeft(cluster, offers)
  const books = new FairBooks(workload)
  const prng = seedPrng("refused")
  const grown = new CycleTimes()
  const declined = new CycleTimes()
  const sizes = new Map<number, Amounts>()
  while (grown.wallMs.length < job.rounds) {
    const agent = nextBelow(prng, agents)
    const before = sizes.get(agent) ?? workload.totalOf(agent)
    const total = { ...before, mem: before.mem + 1_000_000 }
    sizes.set(agent, total)
    cluster.allocator.putAgent(toAgent(agent, total))
    books.changeTotal(before, total)
    const wanted = { agent, amounts: subtractAmounts(total, workload.usedOf(agent)) }
    const refused = new Set<number>()
    const canHave = (framework: number) => !refused.has(framework)
    runCycle(cluster, "changed", offers, grown)
    refused.add(checkOnlyOffer(workload, offers, books, canHave, wanted))
    // Some of them are shown to the next few, so that they are refused in every way; the last one refuses too.
    for (let turn = 1; turn < Math.min(4, frameworks); turn++) {
      giveBack(cluster, offers, refuseForEverMs)
      runCycle(cluster, "changed", offers, declined)
      refused.add(checkOnlyOffer(workload, offers, books, canHave, wanted))
    }
    giveBack(cluster, offers, refuseForEverMs)
    refuseForAll(cluster, wanted, refused)
  }
  checkNothingLeft(cluster, offers)
  return [
    figure("a host grew", grown, 1),
    ...(declined.wallMs.length > 0 ? [figure("an offer was declined", declined, 1)] : []),
    figure("a framework revived", runRevived(cluster, sizes, offers), agents),
  ]
}

/** A framework takes back all it has refused and is offered every host; each of several, one after the other. */
const runRevived = (cluster: Cluster, sizes: ReadonlyMap<number, Amounts>, offers: OfferList): CycleTimes => {
  const { workload, allocator } = cluster
  const { agents, frameworks } = workload.shape
  const times = new CycleTimes()
  for (let framework = 0; framework < Math.min(10, frameworks); framework++) {
    allocator.dropFilters(frameworkIdOf(framework), null)
    runCycle(cluster, "changed", offers, times)
    const seen = new Set<string>()
    for (let index = 0; index < offers.count; index++) {
      const { frameworkId, agentId } = offers.scopeAt(index)
      if (frameworkId !== frameworkIdOf(framework)) wrongResult(`${frameworkId} got ${agentId}, unrevived`)
      const agent = agentOf(agentId, agents)
      const total = sizes.get(agent) ?? workload.totalOf(agent)
      const amounts = readAmounts(offers.resourcesAt(index), agentId)
      if (!sameAmounts(amounts, subtractAmounts(total, workload.usedOf(agent))))
        wrongResult(`${agentId} was not offered as it is`)
      seen.add(agentId)
    }
    if (offers.count !== agents || seen.size !== agents)
      wrongResult(`a framework revived and was offered ${seen.size} of ${agents} hosts`)
    giveBack(cluster, offers, refuseForEverMs)
  }
  return times
}

const scopeOf = (workload: Workload, framework: number, agent: number) => ({
  frameworkId: frameworkIdOf(framework),
  role: workload.roleOf(framework),
  agentId: agentIdOf(agent),
})

const refuseEverything = (cluster: Cluster): void => {
  const { workload } = cluster
  for (let agent = 0; agent < workload.shape.agents; agent++) {
    const amounts = subtractAmounts(workload.totalOf(agent), workload.usedOf(agent))
    refuseForAll(cluster, { agent, amounts }, new Set())
  }
}

const refuseForAll = (
  { workload, allocator, nowMs }: Cluster,
  { agent, amounts }: { readonly agent: number; readonly amounts: Amounts },
  except: ReadonlySet<number>,
): void => {
  const refusal = { refuseMs: refuseForEverMs, offeredAtMs: nowMs, nowMs, isDecline: true }
  const resources = amountsToResources(amounts)
  for (let framework = 0; framework < workload.shape.frameworks; framework++) {
    if (!except.has(framework)) allocator.refuse(scopeOf(workload, framework, agent), resources, refusal)
  }
}

/** One offer, of this host, whole, to whose turn it is. Returns who got it. */
const checkOnlyOffer = (
  workload: Workload,
  offers: OfferList,
  books: FairBooks,
  canHave: ((framework: number) => boolean) | null,
  wanted: { readonly agent: number; readonly amounts: Amounts },
): number => {
  const { agents, frameworks } = workload.shape
  if (offers.count !== 1) wrongResult(`one host changed, ${offers.count} offers were made`)
  const { frameworkId, role, agentId } = offers.scopeAt(0)
  if (agentOf(agentId, agents) !== wanted.agent) wrongResult(`${agentId} was offered, which did not change`)
  const framework = frameworkOf(frameworkId, frameworks)
  if (role !== workload.roleOf(framework)) wrongResult(`${agentId} went to ${frameworkId} in ${role}`)
  if (canHave !== null && !canHave(framework)) wrongResult(`${agentId} went to who has just declined it`)
  if (!sameAmounts(readAmounts(offers.resourcesAt(0), agentId), wanted.amounts))
    wrongResult(`${agentId} was not offered as it is`)
  books.checkTurn(framework, canHave, agentId)
  return framework
}

const checkNothingLeft = (cluster: Cluster, offers: OfferList): void => {
  runCycle(cluster, "all", offers)
  if (offers.count > 0)
    wrongResult(`a cycle over all hosts found ${offers.count} that should have been offered before`)
}
