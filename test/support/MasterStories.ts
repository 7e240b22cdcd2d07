import fc from "fast-check"
import type { Quota } from "../../core/allocation/Settings.ts"
import type { OperationRequest } from "../../core/master/OperationRequest.ts"
import { defaultMasterSettings, type MasterSettings, mesosMasterSettings } from "../../core/master/State.ts"
import { resourcesToPlain } from "../../core/resources/PlainForm.ts"
import { type Quantities, toQuantities } from "../../core/resources/Quantities.ts"
import { type TaskStatus, taskKey } from "../../core/Task.ts"
import { launching, launchOf, type MasterHarness, statusOf } from "./MasterHarness.ts"

// Random stories of a small cluster. Each chapter is an event or two, with what follows from them at once; chapters that make no sense
// where they come are left out.

const choice = fc.nat({ max: 1_000 })
export const story = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ do: fc.constant("agent" as const), pick: choice }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("subscribe" as const), pick: choice }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("accept" as const), pick: choice, size: choice }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("decline" as const), pick: choice, size: choice }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("report" as const), pick: choice, size: choice }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("acknowledge" as const), pick: choice }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("loseAgent" as const), pick: choice }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("returnAgent" as const), pick: choice, size: choice }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("loseFramework" as const), pick: choice }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("teardown" as const), pick: choice }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const), pick: choice }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("suppress" as const), pick: choice, size: choice }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("reserve" as const), pick: choice, size: choice }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("weigh" as const), pick: choice, size: choice }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("limit" as const), pick: choice, size: choice }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("hosts" as const), pick: choice, size: choice }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("machines" as const), size: choice }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("answer" as const), pick: choice, size: choice }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("update" as const), pick: choice, size: choice }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const), size: choice }) },
  ),
  { minLength: 20, maxLength: 200, size: "max" },
)
export type Chapter = typeof story extends fc.Arbitrary<ReadonlyArray<infer Each>> ? Each : never

const reportedStates = ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED", "TASK_FAILED"] as const

const roleLists = [["web"], ["batch"], ["web/api"], ["batch", "web"], ["*"]]

/** With everything that settings can say of roles, and hosts offered in parts. */
const elaborate: MasterSettings = {
  ...defaultMasterSettings,
  allocator: {
    ...defaultMasterSettings.allocator,
    weights: { web: 2, "web/api": 0.5 },
    priorities: { "*": 1 },
    quotas: {
      batch: { guarantees: { cpus: 1_000 }, limits: { cpus: 3_000, mem: 128_000 } },
      web: { guarantees: { mem: 64_000 }, limits: {} },
    },
    partMin: { cpus: 500 },
  },
  // Little is remembered, so that something is forgotten.
  completedFrameworksMax: 1,
  completedTasksPerFrameworkMax: 2,
  completedTasksMax: 3,
  unreachableTasksPerFrameworkMax: 1,
}
export const anySettings = fc.constantFrom(defaultMasterSettings, mesosMasterSettings, elaborate)

/** By sorted key: a restored map has another order of insertion. */
const pickOf = <A>(map: ReadonlyMap<string, A>, pick: number): A | undefined => {
  const keys = [...map.keys()].sort()
  const key = keys[pick % Math.max(1, keys.length)]
  return key === undefined ? undefined : map.get(key)
}

/** One chapter, and what follows from it at once. */
export const play = (master: MasterHarness, chapter: Chapter): void => {
  act(master, chapter)
  master.settle()
}

/** From nothing to more than any host has, sometimes of what no host has. */
const reserveOf = (size: number): Quantities =>
  toQuantities([
    ["cpus", (size % 11) * 500],
    ["mem", (size % 3) * 24_000],
    ["gpus", size % 2],
  ])

/** None, a guarantee, a limit (of nothing, too), both. */
const quotaOf = (size: number): Quota => ({
  guarantees: size % 2 === 0 ? {} : { cpus: 500 },
  limits: (size >> 1) % 2 === 0 ? {} : { cpus: 500 * ((size >> 2) % 4) + (size % 2) * 500 },
})

/** Two tasks, now and then as a group, of one of three executors. */
const launchesOf = (size: number, agentId: string): ReadonlyArray<OperationRequest> => {
  const tasks = [0, 1].map((number) => {
    const resources = { cpus: 1 + ((size * 7) % 1_500), mem: 1_000 }
    return launchOf(`t${(size + number) % 20}`, agentId, resources)
  })
  if (size % 4 > 0) return launching(tasks)
  const resources = { cpus: 10, mem: 32_000, disk: 1_000 }
  const executor = { executorId: `e${size % 3}`, resources, role: null, problem: null }
  return [{ type: "LAUNCH_GROUP", executor, tasks, problem: null }]
}

const act = (master: MasterHarness, chapter: Chapter): void => {
  const { state } = master
  const agent = "pick" in chapter ? pickOf(state.agents, chapter.pick) : undefined
  const framework = "pick" in chapter ? pickOf(state.frameworks, chapter.pick) : undefined
  const task = "pick" in chapter ? pickOf(state.tasks, chapter.pick) : undefined
  const offer = "pick" in chapter ? pickOf(state.offers, chapter.pick) : undefined
  switch (chapter.do) {
    case "agent":
      if (state.agents.size < 4) {
        const total = { cpus: 1_000 * (1 + (chapter.pick % 4)), mem: 64_000, disk: 10_000 }
        master.addAgent(total, null, {}, machines[chapter.pick % 2]!.ip)
      }
      return
    case "subscribe":
      master.subscribe(
        {
          roles: roleLists[chapter.pick % roleLists.length]!,
          capabilities: ["MULTI_ROLE"],
          failoverTimeoutMs: (chapter.pick % 3) * 10_000,
          checkpoint: chapter.pick % 2 === 0,
        },
        chapter.pick % 3 === 0 && framework !== undefined ? framework.id : null,
      )
      return
    case "accept":
      if (offer === undefined) return
      master.step({
        type: "OffersAccepted",
        frameworkId: offer.frameworkId,
        offerIds: [offer.id],
        operations: launchesOf(chapter.size, offer.agentId),
        refuseMs: chapter.size % 2 ? null : chapter.size,
      })
      return
    case "decline":
      if (offer === undefined) return
      master.step({
        type: "OffersDeclined",
        frameworkId: offer.frameworkId,
        offerIds: [offer.id],
        refuseMs: chapter.size * 20,
      })
      return
    case "report":
      if (task === undefined) return
      master.step({
        type: "StatusReported",
        agentId: task.spec.agentId,
        status: statusOf(
          task.spec.agentId,
          task.spec.frameworkId,
          task.spec.taskId,
          reportedStates[chapter.size % 4]!,
          `u${chapter.size}`,
        ),
        // Sometimes later than the status, sometimes what makes no sense at all.
        latestState: reportedStates[(chapter.size % 9 === 0 ? chapter.size >> 2 : chapter.size) % 4]!,
      })
      return
    case "acknowledge":
      if (task?.status?.uuid == null) return
      master.step({
        type: "StatusAcknowledged",
        frameworkId: task.spec.frameworkId,
        agentId: task.spec.agentId,
        taskId: task.spec.taskId,
        uuid: task.status.uuid,
      })
      return
    case "update": {
      if (framework === undefined) return
      const roles = roleLists[chapter.size % roleLists.length]!
      master.step({
        type: "FrameworkUpdated",
        frameworkId: framework.id,
        info: { ...framework.info, roles, name: `n${chapter.size}` },
        suppressedRoles: chapter.size % 3 === 0 ? roles : [],
      })
      return
    }
    case "weigh": {
      const role = ["web", "batch", "web/api", "*"][chapter.pick % 4]!
      master.step({ type: "WeightsUpdated", weights: [{ role, weight: [0.5, 1, 2, 3][chapter.size % 4]! }] })
      return
    }
    case "limit": {
      const role = ["web", "batch", "*"][chapter.pick % 3]!
      if (chapter.size % 5 === 0) master.step({ type: "QuotaRemoved", role })
      else master.step({ type: "QuotasUpdated", quotas: [{ role, quota: quotaOf(chapter.size) }] })
      return
    }
    case "loseAgent":
      if (agent?.streamId == null) return
      master.step({ type: "AgentDisconnected", agentId: agent.id, streamId: agent.streamId })
      return
    case "returnAgent": {
      if (agent === undefined) return
      const own = [...state.tasks.keys()]
        .sort()
        .map((key) => state.tasks.get(key)!)
        .filter(({ spec }) => spec.agentId === agent.id)
      const isReported = (index: number) => (chapter.size >> index) % 2 === 0
      // Of what it does not have, some may still be on its way to it.
      const isLaunching = (status: TaskStatus | null) => status === null && chapter.size % 3 > 0
      master.step({
        type: "AgentRegistered",
        streamId: `r${chapter.size}`,
        agentId: agent.id,
        address: agent.address,
        // Now and then with other hardware, or with another wish of its monitor.
        total:
          chapter.size % 5 === 0
            ? { cpus: 500 + chapter.size, mem: 64_000 }
            : (resourcesToPlain(agent.total) as Quantities),
        reserve: chapter.size % 4 === 0 ? reserveOf(chapter.size) : agent.reserve,
        attributes: [],
        version: "1",
        tasks: own.filter((_, index) => isReported(index)).map(({ spec, status }) => ({ spec, status })),
        launching: own
          .filter(({ status }, index) => !isReported(index) && isLaunching(status))
          .map(({ spec }) => taskKey(spec.frameworkId, spec.taskId)),
        ...{ acknowledging: [], killing: [], checkpointed: {}, outcomes: [], converting: [] },
      })
      return
    }
    case "loseFramework":
      if (framework?.streamId == null) return
      master.step({
        type: "FrameworkDisconnected",
        frameworkId: framework.id,
        streamId: framework.streamId,
      })
      return
    case "teardown":
      if (framework !== undefined) master.step({ type: "TeardownRequested", frameworkId: framework.id })
      return
    case "kill":
      if (task === undefined) return
      master.step({
        type: "KillRequested",
        frameworkId: task.spec.frameworkId,
        taskId: task.spec.taskId,
        agentId: null,
        graceMs: null,
      })
      return
    case "suppress":
      if (framework === undefined) return
      master.step({
        type: chapter.size % 2 ? "OffersSuppressed" : "OffersRevived",
        frameworkId: framework.id,
        roles: [],
      })
      return
    case "reserve": {
      if (agent === undefined) return
      // Sometimes on a stream that is over, or for an agent that is away: such a word must change nothing.
      const isStale = chapter.size % 7 === 0
      master.reserve(agent.id, reserveOf(chapter.size), isStale ? "over" : undefined)
      return
    }
    case "hosts":
      if (agent !== undefined) orderHost(master, agent.id, chapter.size)
      return
    case "machines":
      return orderMachines(master, chapter.size)
    case "answer": {
      const inverseOfferIds = [...state.inverse.agentOfOffer.keys()].sort().slice(chapter.pick % 3)
      if (framework === undefined) return
      master.step({
        type: "InverseOffersAnswered",
        frameworkId: framework.id,
        inverseOfferIds,
        answer: chapter.size % 2 ? "accept" : "decline",
        refuseMs: chapter.size % 3 ? null : chapter.size * 10 + 1,
      })
      return
    }
    case "wait":
      master.advance(chapter.size * chapter.size)
  }
}

const machines = ["127.0.0.1", "127.0.0.2"].map((ip) => ({ hostname: "host", ip }))

/** What an operator does with one host. Being gone is rare, or there would be none left. */
const orderHost = (master: MasterHarness, agentId: string, size: number): void => {
  if (size % 8 === 7) master.step({ type: "AgentGone", agentId })
  else if (size % 8 >= 5) master.step({ type: "AgentDeactivated", agentId })
  else if (size % 8 >= 3) master.step({ type: "AgentReactivated", agentId })
  else {
    const graceMaxMs = size % 3 ? size * 100 : null
    master.step({ type: "DrainRequested", agentId, graceMaxMs, isGoneAfter: size % 5 === 0 })
  }
}

const orderMachines = (master: MasterHarness, size: number): void => {
  const some = machines.filter((_, index) => (size >> index) % 2 === 0)
  const unavailability = { startNanos: (size % 3) * 1e9, durationNanos: size % 2 ? null : 1e9 }
  const windows = some.map((machine) => ({ machines: [machine], unavailability }))
  switch ((size >> 2) % 4) {
    case 0:
      return void master.step({ type: "MachinesBroughtDown", machines: some })
    case 1:
      return void master.step({ type: "MachinesBroughtUp", machines: some })
    default:
      return void master.step({ type: "MaintenanceScheduled", windows })
  }
}
