import type { Allocator } from "../../core/allocation/Allocator.ts"
import {
  type AllocatorSettings,
  defaultAllocatorSettings,
  mesosAllocatorSettings,
} from "../../core/allocation/Settings.ts"
import type { OfferList } from "./OfferList.ts"
import {
  agentIdOf,
  amountsToResources,
  frameworkIdOf,
  toAgent,
  toFramework,
  type Workload,
} from "./Workload.ts"

export type MakeAllocator = (settings: AllocatorSettings) => Allocator

/** `mesos` is what was recorded; `default` has gleaner's own behaviour on top. */
export type SettingsName = "mesos" | "default"

/** An allocator that was given a workload, and the clock that goes with it. */
export interface Cluster {
  readonly workload: Workload
  readonly allocator: Allocator
  nowMs: number
}

/** The recorded minimum: 0.01 cpus or 32 MB suffice. */
const minAllocatable = [{ cpus: 10 }, { mem: 32_000 }]

export const settingsOf = (name: SettingsName, workload: Workload): AllocatorSettings => ({
  ...(name === "mesos" ? mesosAllocatorSettings : defaultAllocatorSettings),
  minAllocatable,
  weights: workload.weights,
  quotas: workload.quotas,
})

/** Frameworks first, as recorded; the agents are not yet looked at. */
export const createCluster = (
  workload: Workload,
  settings: SettingsName,
  makeAllocator: MakeAllocator,
): Cluster => {
  const allocator = makeAllocator(settingsOf(settings, workload))
  for (let framework = 0; framework < workload.shape.frameworks; framework++)
    allocator.putFramework(toFramework(framework, workload.roleOf(framework)))
  return { workload, allocator, nowMs: 0 }
}

export const addAgents = ({ workload, allocator }: Cluster): void => {
  const { agents, frameworks } = workload.shape
  for (let agent = 0; agent < agents; agent++) {
    allocator.putAgent(toAgent(agent, workload.totalOf(agent)))
    const used = workload.usedOf(agent)
    if (used === null) continue
    const framework = agent % frameworks
    const scope = {
      frameworkId: frameworkIdOf(framework),
      role: workload.roleOf(framework),
      agentId: agentIdOf(agent),
    }
    allocator.adopt(scope, amountsToResources(used))
  }
}

export const createFullCluster = (
  workload: Workload,
  settings: SettingsName,
  makeAllocator: MakeAllocator,
): Cluster => {
  const cluster = createCluster(workload, settings, makeAllocator)
  addAgents(cluster)
  return cluster
}

/** The timed cycle: candidates, both stages, every offer taken over. */
export const runCycle = (
  cluster: Cluster,
  scope: "all" | "changed",
  offers: OfferList,
  times: CycleTimes = new CycleTimes(),
): void => {
  cluster.nowMs += 1_000
  const { allocator, nowMs } = cluster
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  offers.take(allocator.allocate(nowMs, scope))
  times.wallMs.push(performance.now() - startMs)
  const { user, system } = process.cpuUsage(cpu)
  times.cpuMs.push((user + system) / 1_000)
  // As a master does after each step: which rows to store.
  allocator.takeChanged()
}

/** Wall time of cycles, and CPU time of the whole process meanwhile, the engine's own threads included: far less of it than of wall time
 * means that the machine was busy elsewhere. */
export class CycleTimes {
  readonly wallMs: Array<number> = []
  readonly cpuMs: Array<number> = []
}

/** The timed give-back: one call an offer, in the order in which they came; with `refuseMs` each is refused for so long. Returns ms. */
export const giveBack = (cluster: Cluster, offers: OfferList, refuseMs: number | null): number => {
  const { allocator, nowMs } = cluster
  const refusal = { refuseMs, offeredAtMs: nowMs, nowMs, isDecline: true }
  const startMs = performance.now()
  for (let index = 0; index < offers.count; index++) {
    const scope = offers.scopeAt(index)
    const resources = offers.resourcesAt(index)
    allocator.release(scope, resources)
    if (refuseMs !== null) allocator.refuse(scope, resources, refusal)
  }
  const elapsedMs = performance.now() - startMs
  allocator.takeChanged()
  return elapsedMs
}

/** 2³¹−1 s as in the recorded runs; a filter lives 365 days at most. */
export const refuseForEverMs = 2_147_483_647_000
