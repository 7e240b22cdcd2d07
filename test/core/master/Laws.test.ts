import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { MasterAction } from "../../../core/master/Action.ts"
import { completedFrameworks } from "../../../core/master/History.ts"
import { snapshotMaster } from "../../../core/master/Snapshot.ts"
import type { TaskRecord } from "../../../core/master/State.ts"
import { heldScalars } from "../../../core/resources/HeldResources.ts"
import {
  addQuantities,
  amountOf,
  noQuantities,
  type Quantities,
  toQuantities,
} from "../../../core/resources/Quantities.ts"
import { scalarQuantities } from "../../../core/resources/Resources.ts"
import { isTerminal } from "../../../core/Task.ts"
import { actionToEvent } from "../../../runtime/mesos/SchedulerEvent.ts"
import { MasterHarness } from "../../support/MasterHarness.ts"
import {
  checkEndsStay,
  checkExecutors,
  checkIndexes,
  checkMessages,
  firstDifference,
  openEnds,
} from "../../support/MasterLaws.ts"
import { anySettings, play, story } from "../../support/MasterStories.ts"

// Random stories of a small cluster, judged by laws that know nothing of how the master works.

/** Law L1 from first principles: what is offered and what runs, added up, on every host. */
const checkNeverLentTwice = (master: MasterHarness): void => {
  const { state } = master
  for (const agent of state.agents.values()) {
    let offered: Quantities = noQuantities
    for (const offer of state.offers.values()) {
      if (offer.agentId === agent.id) offered = addQuantities(offered, scalarQuantities(offer.resources))
    }
    let held = offered
    const executors = new Set<string>()
    for (const { spec, hasEnded, state: taskState } of state.tasks.values()) {
      const isHeld =
        spec.agentId === agent.id && !hasEnded && !isTerminal(taskState) && taskState !== "TASK_UNREACHABLE"
      if (!isHeld) continue
      held = addQuantities(held, heldScalars(spec.resources))
      // An executor holds its part once, while any of its tasks lives.
      const { executor } = spec
      const name = `${spec.frameworkId} ${executor?.executorId}`
      if (executor === undefined || executors.has(name)) continue
      executors.add(name)
      held = addQuantities(held, heldScalars(executor.resources))
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
    const agent = state.agents.get(offer.agentId)
    expect(agent?.condition, `agent of ${offer.id}`).toBe("connected")
    expect(agent?.isDeactivated, `agent of ${offer.id} is deactivated`).toBe(false)
    const framework = state.frameworks.get(offer.frameworkId)
    expect(framework?.streamId, `framework of ${offer.id}`).toBeTypeOf("string")
    expect(framework?.info.roles, `roles of the framework of ${offer.id}`).toContain(offer.role)
  }
}

/** The past is bounded, and what is found of it by framework is all of it. */
const checkHistory = ({ state, settings }: MasterHarness): void => {
  const byFramework = new Map<string, number>()
  for (const { task } of state.completedTasks.values()) {
    const { frameworkId } = task.spec
    byFramework.set(frameworkId, (byFramework.get(frameworkId) ?? 0) + 1)
    const isKnown = state.frameworks.has(frameworkId) || state.removals.get(frameworkId)?.framework != null
    expect(isKnown, `a framework for the completed task ${task.spec.taskId} of ${frameworkId}`).toBe(true)
  }
  for (const [id, count] of byFramework) {
    expect(count, `completed tasks of ${id}`).toBe(state.completedIndex.countOf(id))
    expect(count, `completed tasks of ${id}`).toBeLessThanOrEqual(settings.completedTasksPerFrameworkMax)
  }
  expect(state.completedTasks.size).toBeLessThanOrEqual(settings.completedTasksMax)
  expect(completedFrameworks(state).length).toBeLessThanOrEqual(settings.completedFrameworksMax)
}

/** Nobody is on a machine that is down; whoever holds something where a window is was asked for it, or has answered. */
const checkMaintenance = ({ state }: MasterHarness): void => {
  for (const agent of state.agents.values()) {
    const machine = [...state.machines.values()].find(({ id }) => id.ip === agent.address.ip)
    if (agent.condition !== "unreachable") {
      expect(machine?.mode, `machine of ${agent.id}`).not.toBe("down")
      expect(state.inverse.windows.has(agent.id), `window of ${agent.id}`).toBe(machine !== undefined)
    }
    if (agent.drain?.stage === "drained") {
      const left = [...state.tasks.values()].filter(({ spec }) => spec.agentId === agent.id)
      expect(left, `tasks of ${agent.id}, which is drained`).toEqual([])
      const under = [...state.operations.values()].filter(
        (record) => record.agentId === agent.id && record.state === "OPERATION_PENDING",
      )
      expect(under, `operations under way on ${agent.id}, which is drained`).toEqual([])
      expect(agent.drain.isGoneAfter, `${agent.id} is drained, and should be gone`).toBe(false)
    }
    if (!state.inverse.windows.has(agent.id) || agent.condition === "unreachable") continue
    const asked = state.inverse.pairs.get(agent.id)
    for (const framework of state.frameworks.values()) {
      const holds = [
        ...state.offers.values(),
        ...[...state.tasks.values()].filter(isHeld).map(({ spec }) => spec),
      ]
      const isHolder = holds.some(
        ({ agentId, frameworkId }) => agentId === agent.id && frameworkId === framework.id,
      )
      const pair = asked?.get(framework.id)
      const isAsked = pair !== undefined && (pair.offerId !== null || pair.filteredUntilMs !== null)
      if (framework.streamId === null) expect(pair?.offerId ?? null).toBe(null)
      else if (isHolder) expect(isAsked, `${framework.id} on ${agent.id} was never asked`).toBe(true)
    }
  }
  for (const id of state.gone.keys()) expect(state.agents.has(id), `${id}, which is gone`).toBe(false)
}

const isHeld = ({ hasEnded, state }: TaskRecord): boolean =>
  !hasEnded && !isTerminal(state) && state !== "TASK_UNREACHABLE"

/** A machine that is busy with others takes its time: a story that breaks a law tells its seed, a test that is cut off tells nothing. */
const timeout = 600_000

describe("the master in random stories", { timeout }, () => {
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
      "OfferInversely",
      "RescindInverseOffer",
      "ShutDownAgent",
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
          checkMaintenance(master)
        }
        checkIndexes(master)
        checkHistory(master)
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

  it("decides what does not change any more, so that it may leave when the state has gone on", () => {
    const identity = {
      masterId: "m",
      version: "1",
      address: { hostname: "here", ip: "127.0.0.1", port: 5050 },
    }
    const said = (action: MasterAction) => JSON.stringify([action, actionToEvent(action, identity) ?? null])
    fc.assert(
      fc.property(story, anySettings, (chapters, settings) => {
        const master = new MasterHarness(settings)
        const atOnce: Array<string> = []
        master.onStep = () => {
          for (const action of master.actions.slice(atOnce.length)) atOnce.push(said(action))
        }
        for (const chapter of chapters) play(master, chapter)
        expect(firstDifference(master.actions.map(said), atOnce)).toBeUndefined()
      }),
      { numRuns: 60 },
    )
  })

  it("keeps each end until it is acknowledged, and nothing for agents that are forgotten (L2)", () => {
    let ends = 0
    let losses = 0
    fc.assert(
      fc.property(story, fc.nat(), anySettings, (chapters, seed, settings) => {
        const master = new MasterHarness(settings, seed)
        for (const chapter of chapters) {
          const open = openEnds(master)
          const [step, agents] = [master.actions.length, master.state.agents.size]
          play(master, chapter)
          if (chapter.do !== "acknowledge") {
            checkEndsStay(master, open)
            ends += open.length
            if (open.length > 0 && master.state.agents.size < agents) losses++
          }
          checkMessages(master, master.actions.slice(step))
          checkExecutors(master)
          master.restart()
          checkExecutors(master)
        }
      }),
      { numRuns: 100 },
    )
    expect(ends, "ends that wait").toBeGreaterThan(200)
    expect(losses, "agents removed while ends wait").toBeGreaterThan(0)
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
