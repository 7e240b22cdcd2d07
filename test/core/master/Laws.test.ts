import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Quota } from "../../../core/allocation/Settings.ts"
import { snapshotMaster } from "../../../core/master/Snapshot.ts"
import {
  defaultMasterSettings,
  type MasterSettings,
  mesosMasterSettings,
} from "../../../core/master/State.ts"
import { heldScalars } from "../../../core/resources/HeldResources.ts"
import { resourcesToPlain } from "../../../core/resources/PlainForm.ts"
import {
  addQuantities,
  amountOf,
  noQuantities,
  type Quantities,
  toQuantities,
} from "../../../core/resources/Quantities.ts"
import { scalarQuantities } from "../../../core/resources/Resources.ts"
import { isTerminal, type TaskStatus, taskKey } from "../../../core/Task.ts"
import { launching, launchOf, MasterHarness, statusOf } from "../../support/MasterHarness.ts"

// Random stories of a small cluster, judged by laws that know nothing of how the master works.

const choice = fc.nat({ max: 1_000 })
const story = fc.array(
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
    { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const), size: choice }) },
  ),
  { minLength: 20, maxLength: 200, size: "max" },
)
type Chapter = typeof story extends fc.Arbitrary<ReadonlyArray<infer Each>> ? Each : never

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
}
const anySettings = fc.constantFrom(defaultMasterSettings, mesosMasterSettings, elaborate)

/** By sorted key: a restored map has another order of insertion. */
const pickOf = <A>(map: ReadonlyMap<string, A>, pick: number): A | undefined => {
  const keys = [...map.keys()].sort()
  const key = keys[pick % Math.max(1, keys.length)]
  return key === undefined ? undefined : map.get(key)
}

/** One chapter, and what follows from it at once. */
const play = (master: MasterHarness, chapter: Chapter): void => {
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

const act = (master: MasterHarness, chapter: Chapter): void => {
  const { state } = master
  const agent = "pick" in chapter ? pickOf(state.agents, chapter.pick) : undefined
  const framework = "pick" in chapter ? pickOf(state.frameworks, chapter.pick) : undefined
  const task = "pick" in chapter ? pickOf(state.tasks, chapter.pick) : undefined
  const offer = "pick" in chapter ? pickOf(state.offers, chapter.pick) : undefined
  switch (chapter.do) {
    case "agent":
      if (state.agents.size < 4) master.addAgent({ cpus: 1_000 * (1 + (chapter.pick % 4)), mem: 64_000 })
      return
    case "subscribe":
      master.subscribe(
        {
          roles: roleLists[chapter.pick % roleLists.length]!,
          capabilities: ["MULTI_ROLE"],
          failoverTimeoutMs: (chapter.pick % 3) * 10_000,
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
        operations: launching(
          [0, 1].map((number) => {
            const resources = { cpus: 1 + ((chapter.size * 7) % 1_500), mem: 1_000 }
            return launchOf(`t${(chapter.size + number) % 20}`, offer.agentId, resources)
          }),
        ),
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
    case "weigh": {
      const role = ["web", "batch", "web/api", "*"][chapter.pick % 4]!
      master.step({ type: "WeightsUpdated", weights: [{ role, weight: [0.5, 1, 2, 3][chapter.size % 4]! }] })
      return
    }
    case "limit": {
      const role = ["web", "batch", "*"][chapter.pick % 3]!
      master.step({ type: "QuotasUpdated", quotas: [{ role, quota: quotaOf(chapter.size) }] })
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
        ...{ acknowledging: [], checkpointed: {}, outcomes: [], converting: [] },
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
    case "wait":
      master.advance(chapter.size * chapter.size)
  }
}

/** Law L1 from first principles: what is offered and what runs, added up, on every host. */
const checkNeverLentTwice = (master: MasterHarness): void => {
  const { state } = master
  for (const agent of state.agents.values()) {
    let offered: Quantities = noQuantities
    for (const offer of state.offers.values()) {
      if (offer.agentId === agent.id) offered = addQuantities(offered, scalarQuantities(offer.resources))
    }
    let held = offered
    for (const { spec, hasEnded, state: taskState } of state.tasks.values()) {
      const isHeld =
        spec.agentId === agent.id && !hasEnded && !isTerminal(taskState) && taskState !== "TASK_UNREACHABLE"
      if (isHeld) held = addQuantities(held, heldScalars(spec.resources))
    }
    expect(master.allocatedOn(agent.id)).toEqual(agent.condition === "unreachable" ? {} : held)
    if (agent.condition === "unreachable") continue
    const totals = scalarQuantities(agent.total)
    // What the reserve can have by now: all that it wants of what nobody else holds.
    const reserved = new Map(
      Object.entries(totals).map(([name, milli]): [string, number] => [
        name,
        Math.min(amountOf(agent.reserve, name), Math.max(0, milli - amountOf(held, name))),
      ]),
    )
    expect(state.allocator.heldOn(agent.id), `reserve of ${agent.id}`).toEqual(toQuantities(reserved))
    for (const name of ["cpus", "mem", "gpus"]) {
      const total = amountOf(totals, name)
      const [lent, kept] = [amountOf(held, name), reserved.get(name) ?? 0]
      const what = `${name} of agent ${agent.id}: ${lent} lent, ${kept} kept, ${total} there`
      // Tasks that came back to a smaller host are all that may exceed it, and then nothing is kept.
      if (lent > total) expect([kept, amountOf(offered, name)], what).toEqual([0, 0])
      else expect(lent + kept, what).toBeLessThanOrEqual(total)
      // Nobody is offered what the reserve still lacks.
      if (amountOf(offered, name) > 0) expect(kept, what).toBe(Math.min(amountOf(agent.reserve, name), total))
    }
  }
}

const checkOffersHaveTheirPlaces = ({ state }: MasterHarness): void => {
  for (const offer of state.offers.values()) {
    expect(state.agents.get(offer.agentId)?.condition, `agent of ${offer.id}`).toBe("connected")
    expect(state.frameworks.get(offer.frameworkId)?.streamId, `framework of ${offer.id}`).toBeTypeOf("string")
  }
}

/** What is found by framework and by agent is what one finds by looking at everything. */
const checkIndexes = ({ state }: MasterHarness): void => {
  const keysWhere = <A>(map: ReadonlyMap<string, A>, matches: (record: A) => boolean) =>
    [...map].flatMap(([key, record]) => (matches(record) ? [key] : [])).sort()
  for (const id of [...state.frameworks.keys(), "nobody"]) {
    expect(state.offersByFramework.of(id)).toEqual(
      keysWhere(state.offers, (offer) => offer.frameworkId === id),
    )
    expect(state.tasksByFramework.of(id)).toEqual(
      keysWhere(state.tasks, (task) => task.spec.frameworkId === id),
    )
  }
  for (const id of [...state.agents.keys(), "none"]) {
    expect(state.offersByAgent.of(id)).toEqual(keysWhere(state.offers, (offer) => offer.agentId === id))
    expect(state.tasksByAgent.of(id)).toEqual(keysWhere(state.tasks, (task) => task.spec.agentId === id))
  }
}

/** Where two lists first differ as bytes: short enough to read when it fails. */
const firstDifference = (left: ReadonlyArray<unknown>, right: ReadonlyArray<unknown>) => {
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [a, b] = [JSON.stringify(left[index]), JSON.stringify(right[index])]
    if (a !== b) return { index, a, b }
  }
  return undefined
}

describe("the master in random stories", () => {
  it("has stories worth telling: tasks run, end, get lost, offers are made and rescinded", () => {
    const told = new Map<string, number>()
    for (const chapters of fc.sample(story, { numRuns: 150, seed: 1 })) {
      const master = new MasterHarness()
      for (const chapter of chapters) play(master, chapter)
      for (const action of master.actions) {
        const name = action.type === "SendStatus" ? action.status.state : action.type
        told.set(name, (told.get(name) ?? 0) + 1)
      }
    }
    for (const name of [
      "OfferResources",
      "SendToAgent",
      "TASK_FINISHED",
      "TASK_LOST",
      "RescindOffer",
      "TASK_ERROR",
    ]) {
      expect(told.get(name) ?? 0, name).toBeGreaterThan(30)
    }
  })

  it("never lends twice, and offers only between the living (L1)", () => {
    fc.assert(
      fc.property(story, fc.nat(), anySettings, (chapters, seed, settings) => {
        const master = new MasterHarness(settings, seed)
        for (const chapter of chapters) {
          play(master, chapter)
          checkNeverLentTwice(master)
          checkOffersHaveTheirPlaces(master)
        }
        checkIndexes(master)
      }),
      { numRuns: 100 },
    )
  })

  it("decides the same after being stored and restored at every step (L4)", () => {
    fc.assert(
      fc.property(story, fc.nat(), anySettings, (chapters, seed, settings) => {
        const straight = new MasterHarness(settings, seed)
        const restarted = new MasterHarness(settings, seed)
        for (const chapter of chapters) {
          play(straight, chapter)
          restarted.restart()
          play(restarted, chapter)
        }
        expect(firstDifference(restarted.actions, straight.actions)).toBeUndefined()
        const [rows, expected] = [snapshotMaster(restarted.state), snapshotMaster(straight.state)]
        expect(firstDifference(rows, expected)).toBeUndefined()
      }),
      { numRuns: 60 },
    )
  })

  it("names every entity that it changed, so that stored rows never lag behind", () => {
    fc.assert(
      fc.property(story, anySettings, (chapters, settings) => {
        const master = new MasterHarness(settings)
        const rows = new Map<string, string>()
        master.onChanged = (kind, key, value) => {
          if (value === undefined) rows.delete(`${kind} ${key}`)
          else rows.set(`${kind} ${key}`, JSON.stringify(value))
        }
        for (const chapter of chapters) play(master, chapter)
        const whole = snapshotMaster(master.state)
          .filter(({ kind }) => kind !== "master" || rows.size > 0)
          .map(({ kind, key, value }) => [`${kind} ${key}`, JSON.stringify(value)] as const)
        expect([...rows.entries()].sort()).toEqual([...whole].sort())
      }),
      { numRuns: 60 },
    )
  })
})
