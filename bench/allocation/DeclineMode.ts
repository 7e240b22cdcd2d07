import { amountsToText, readAmounts, sameAmounts, subtractAmounts } from "./Amounts.ts"
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
import { checkAt, wrongResult } from "./WrongResult.ts"

/**
 * Table 2: a part of each host is in use, every offer of the rest is refused for ever, until everybody has refused everything; then
 * cycles that can make no offer. Since nothing changes in those, they are measured once more with every host changed before each: a
 * little of it taken away or given back, which no filter may let through.
 */
export const runDecline = (job: Job, makeAllocator: MakeAllocator): ReadonlyArray<Figure> => {
  const told = Array.from({ length: stories }, () => runStory(job, makeAllocator))
  const { agents, frameworks } = job.shape
  const { rssMb } = told[0]!
  const figure = (phase: string, offers: number, timesOf: (story: Story) => CycleTimes): Figure => ({
    phase,
    times: joinTimes(told.map(timesOf)),
    offers,
    giveBackMsPer1000: phase === "first" ? told.flatMap((story) => story.giveBackMsPer1000) : [],
    rssMb,
  })
  const cycle = (phase: string, round: number) =>
    figure(phase, agents, ({ declined }) => timesAt(declined, round - 1))
  return [
    cycle("first", 1),
    cycle("half", Math.max(1, Math.floor(frameworks / 2))),
    cycle("last", frameworks),
    figure("saturated", 0, ({ saturated }) => saturated),
    figure("saturated, all hosts changed", 0, ({ changed }) => changed),
  ]
}

/** The first, the middle and the last cycle happen once a story. */
const stories = 3

interface Story {
  readonly declined: CycleTimes
  readonly giveBackMsPer1000: ReadonlyArray<number>
  readonly saturated: CycleTimes
  readonly changed: CycleTimes
  /** At saturation. */
  readonly rssMb: number
}

const runStory = (job: Job, makeAllocator: MakeAllocator): Story => {
  const workload = clusterWorkload(job.shape, job.variant, true)
  const cluster = createFullCluster(workload, job.settings, makeAllocator)
  const offers = new OfferList()
  const checker = new DeclineChecker(workload)
  const { agents, frameworks } = job.shape
  const declined = new CycleTimes()
  const giveBackMsPer1000: Array<number> = []
  for (let round = 1; round <= frameworks; round++) {
    runCycle(cluster, "all", offers, declined)
    checkAt(`round ${round}`, () => checker.check(offers))
    giveBackMsPer1000.push((giveBack(cluster, offers, refuseForEverMs) * 1_000) / agents)
  }
  const saturated = runSaturated(cluster, offers, job.rounds, () => undefined)
  const rssMb = residentMb()
  const changed = runSaturated(cluster, offers, job.rounds, (round) => touchAll(cluster, round))
  // An odd last round gives back.
  if (job.rounds % 2 === 1) touchAll(cluster, 1)
  probe(cluster, offers)
  return { declined, giveBackMsPer1000, saturated, changed, rssMb }
}

const timesAt = ({ wallMs, cpuMs }: CycleTimes, index: number): CycleTimes => ({
  wallMs: [wallMs[index]!],
  cpuMs: [cpuMs[index]!],
})

const joinTimes = (times: ReadonlyArray<CycleTimes>): CycleTimes => ({
  wallMs: times.flatMap(({ wallMs }) => wallMs),
  cpuMs: times.flatMap(({ cpuMs }) => cpuMs),
})

/** What is left of each host, offered whole, each time to one who has not refused it yet and whose turn it is. */
export class DeclineChecker {
  private readonly workload: Workload
  private readonly refused: Uint8Array
  private readonly inUse: FairBooks

  constructor(workload: Workload) {
    this.workload = workload
    this.refused = new Uint8Array(workload.shape.agents * workload.shape.frameworks)
    this.inUse = new FairBooks(workload)
  }

  check(offers: OfferList): void {
    const { agents, frameworks } = this.workload.shape
    const taken: Array<readonly [framework: number, amounts: Amounts]> = []
    const seen = new Uint8Array(agents)
    for (let index = 0; index < offers.count; index++) {
      const { frameworkId, role, agentId } = offers.scopeAt(index)
      const agent = agentOf(agentId, agents)
      const framework = frameworkOf(frameworkId, frameworks)
      if (role !== "*") wrongResult(`${agentId} went to ${frameworkId} in ${role}`)
      if (seen[agent] === 1) wrongResult(`${agentId} was offered twice`)
      if (this.hasRefused(agent, framework))
        wrongResult(`${agentId} went to ${frameworkId}, which has refused it`)
      const amounts = readAmounts(offers.resourcesAt(index), agentId)
      const rest = restOf(this.workload, agent)
      if (!sameAmounts(amounts, rest))
        wrongResult(`${agentId}: ${amountsToText(amounts)} was offered of ${amountsToText(rest)}`)
      this.inUse.checkTurn(framework, (other) => !this.hasRefused(agent, other), agentId)
      this.inUse.book(framework, amounts, 1)
      taken.push([framework, amounts])
      seen[agent] = 1
      this.refused[agent * frameworks + framework] = 1
    }
    for (const [framework, amounts] of taken) this.inUse.book(framework, amounts, -1)
    if (offers.count !== agents) wrongResult(`${offers.count} offers, there are ${agents} agents`)
  }

  private hasRefused(agent: number, framework: number): boolean {
    return this.refused[agent * this.workload.shape.frameworks + framework] === 1
  }
}

const restOf = (workload: Workload, agent: number): Amounts =>
  subtractAmounts(workload.totalOf(agent), workload.usedOf(agent))

const runSaturated = (
  cluster: Cluster,
  offers: OfferList,
  rounds: number,
  change: (round: number) => void,
): CycleTimes => {
  const times = new CycleTimes()
  for (let round = 0; round < rounds; round++) {
    change(round)
    runCycle(cluster, "all", offers, times)
    if (offers.count > 0)
      wrongResult(`saturated: ${offers.count} offers although everything has been refused by everybody`)
  }
  return times
}

const touch = amountsToResources({ cpus: 100, mem: 1_000, disk: 1_000, ports: [] })

/** Even rounds take a little of each host, odd ones give it back: less than was refused, and as much. */
export const touchAll = ({ workload, allocator }: Cluster, round: number): void => {
  const { agents, frameworks } = workload.shape
  for (let agent = 0; agent < agents; agent++) {
    const framework = agent % frameworks
    const scope = {
      frameworkId: frameworkIdOf(framework),
      role: workload.roleOf(framework),
      agentId: agentIdOf(agent),
    }
    if (round % 2 === 0) allocator.charge(scope, touch)
    else allocator.release(scope, touch)
  }
}

/** That nothing is offered must be the filters' doing: without those of one framework it gets everything, and a host that grew comes. */
const probe = (cluster: Cluster, offers: OfferList): void => {
  const { workload, allocator } = cluster
  const { agents, frameworks } = workload.shape
  const revived = frameworks - 1
  allocator.dropFilters(frameworkIdOf(revived), null)
  runCycle(cluster, "changed", offers)
  const seen = new Set<string>()
  for (let index = 0; index < offers.count; index++) {
    const { frameworkId, agentId } = offers.scopeAt(index)
    if (frameworkId !== frameworkIdOf(revived)) wrongResult(`after a revival ${frameworkId} got ${agentId}`)
    seen.add(agentId)
  }
  if (seen.size !== agents) wrongResult(`after a revival ${seen.size} of ${agents} hosts were offered`)
  giveBack(cluster, offers, refuseForEverMs)
  const total = workload.totalOf(0)
  const grown = { ...total, cpus: total.cpus + 1_000 }
  allocator.putAgent(toAgent(0, grown))
  runCycle(cluster, "changed", offers)
  const isOffered =
    offers.count === 1 &&
    sameAmounts(readAmounts(offers.resourcesAt(0), "grown"), subtractAmounts(grown, workload.usedOf(0)))
  if (!isOffered) wrongResult("a host that grew was not offered with what it has now")
}
