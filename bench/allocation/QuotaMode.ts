import { readAmounts } from "./Amounts.ts"
import { CycleTimes, createFullCluster, type MakeAllocator, runCycle } from "./Cluster.ts"
import { type Figure, type Job, residentMb } from "./Job.ts"
import { recordedQuota } from "./MesosRecorded.ts"
import { OfferList } from "./OfferList.ts"
import { agentOf, frameworkOf, quotaOf, quotaWorkload, type Variant, type Workload } from "./Workload.ts"
import { checkAt, wrongResult } from "./WrongResult.ts"

/** Table 3: one cycle that brings every role to its quota, and one more that can make no offer. A new allocator each round. */
export const runQuota = (job: Job, makeAllocator: MakeAllocator): ReadonlyArray<Figure> => {
  const workload = quotaWorkload(job.shape, job.variant)
  const offers = new OfferList()
  const first = new CycleTimes()
  const second = new CycleTimes()
  let made = 0
  for (let round = 1; round <= job.rounds; round++) {
    const cluster = createFullCluster(workload, job.settings, makeAllocator)
    runCycle(cluster, "all", offers, first)
    checkAt(`round ${round}`, () => checkQuotaCycle(workload, job.variant, offers))
    made = offers.count
    runCycle(cluster, "all", offers, second)
    if (offers.count > 0) wrongResult(`round ${round}: the second cycle made ${offers.count} offers`)
    const { role, quota } = largerQuota(workload)
    cluster.allocator.setQuota(role, quota)
    runCycle(cluster, "changed", offers)
    if (offers.count === 0) wrongResult(`round ${round}: ${role} may have more, and gets nothing`)
  }
  const rssMb = residentMb()
  return [
    { phase: "first", times: first, offers: made, giveBackMsPer1000: [], rssMb },
    { phase: "second", times: second, offers: 0, giveBackMsPer1000: [], rssMb },
  ]
}

const largerQuota = (workload: Workload) => {
  const role = workload.roleOf(0)
  const { guarantees, limits } = workload.quotas[role]!
  return { role, quota: { guarantees, limits: { ...limits, cpus: limits.cpus! + 500 } } }
}

const names = ["cpus", "mem", "disk"] as const

/** No host gives more than it has; no role gets more than its limit nor, as far as an offer may be made of it, less than is guaranteed. */
const checkQuotaCycle = (workload: Workload, variant: Variant, offers: OfferList): void => {
  const { agents, frameworks, roles } = workload.shape
  const given = {
    cpus: new Float64Array(agents),
    mem: new Float64Array(agents),
    disk: new Float64Array(agents),
  }
  const got = { cpus: new Float64Array(roles), mem: new Float64Array(roles), disk: new Float64Array(roles) }
  const scopes = new Set<string>()
  for (let index = 0; index < offers.count; index++) {
    const { frameworkId, role, agentId } = offers.scopeAt(index)
    const agent = agentOf(agentId, agents)
    const framework = frameworkOf(frameworkId, frameworks)
    if (role !== workload.roleOf(framework)) wrongResult(`${agentId} went to ${frameworkId} in ${role}`)
    const scope = `${frameworkId} ${agentId}`
    if (scopes.has(scope)) wrongResult(`${agentId} was offered twice to ${frameworkId}`)
    scopes.add(scope)
    const amounts = readAmounts(offers.resourcesAt(index), agentId)
    if (amounts.ports.length > 0) wrongResult(`${agentId} has no ports`)
    for (const name of names) {
      given[name][agent]! += amounts[name]
      got[name][framework % roles]! += amounts[name]
      if (given[name][agent]! > workload.totalOf(agent)[name])
        wrongResult(`${agentId}: more ${name} than it has`)
    }
  }
  for (let role = 0; role < roles; role++) {
    const quota = quotaOf(role, variant)
    for (const name of names) {
      const amount = `${workload.roleOf(role)} got ${got[name][role]} of ${name}`
      if (got[name][role]! > quota[name]) wrongResult(`${amount}, above its limit ${quota[name]}`)
      // What is too little for an offer may stay missing: 0.01 cpus, 32 MB; disk alone never makes one.
      const spare = { cpus: 9, mem: 31_999, disk: variant === "alike" ? 0 : quota.disk }[name]
      if (got[name][role]! < quota[name] - spare) wrongResult(`${amount}, below its guarantee ${quota[name]}`)
    }
  }
  const recorded = recordedQuota.find((row) => row.shape.roles === roles && row.shape.agents === agents)
  if (variant === "alike" && recorded !== undefined && offers.count !== recorded.offers)
    wrongResult(`${offers.count} offers, Mesos makes ${recorded.offers}`)
}
