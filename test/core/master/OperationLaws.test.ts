import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { checkpointedOn } from "../../../core/master/AgentResources.ts"
import { operationKey } from "../../../core/master/Operation.ts"
import type { ConversionRequest, OperationRequest } from "../../../core/master/OperationRequest.ts"
import { snapshotMaster } from "../../../core/master/Snapshot.ts"
import { announcedOf } from "../../../core/resources/Conversion.ts"
import { heldResources } from "../../../core/resources/HeldResources.ts"
import {
  addResources,
  containsResources,
  noResources,
  type Resources,
  resourcesToText,
  sameResources,
} from "../../../core/resources/Resources.ts"
import { isTerminal, taskKey } from "../../../core/Task.ts"
import { actionsOf, launching, launchOf, MasterHarness } from "../../support/MasterHarness.ts"
import { amounts, operation, plain, reservedFor, volumeOf } from "../../support/OperationScenes.ts"

// Random stories of reservations and volumes, of frameworks and of operators, with agents that come and go and a master that restarts.
// Laws L1 (nothing is lent twice, nothing is lost) and L4 (a restored master goes on as the one that was stored).

const roles = ["web", "batch"] as const
const types: ReadonlyArray<ConversionRequest["type"]> = ["RESERVE", "UNRESERVE", "CREATE", "DESTROY"]

/** What is asked for: sometimes what is there, often not, sometimes for the other role. */
const resourcesOf = (type: ConversionRequest["type"], role: string, size: number) => {
  if (type === "CREATE" || type === "DESTROY") return plain(volumeOf(`v${size % 3}`, role, 50_000))
  const stack = size % 5 === 0 ? [role, `${role}/a`] : [role]
  const text = ["cpus:1", "cpus:0.5;disk:50", "disk:100", "ports:[5-6]", "mem:32;disk:50", "cpus:9"][
    size % 6
  ]!
  return plain(reservedFor(text, stack, size % 7 === 0 ? { principal: "p" } : {}))
}

const chapter = fc.record({
  do: fc.constantFrom(
    "framework",
    "accept",
    "accept",
    "accept",
    "operator",
    "operator",
    "end",
    "away",
    "back",
    "acknowledge",
    "wait",
  ),
  pick: fc.nat({ max: 1_000 }),
  size: fc.nat({ max: 1_000 }),
})
const story = fc.array(chapter, { minLength: 10, maxLength: 80, size: "max" })
type Chapter = typeof chapter extends fc.Arbitrary<infer Each> ? Each : never

/** Takes what the master sends, and reports it at once unless it is away. */
class Actor {
  checkpointed = plain()
  readonly outcomes = new Map<string, { frameworkId: string; operationId: string; problem: null }>()
  isHere = true
}

class Cluster {
  readonly master = new MasterHarness()
  private readonly actors = new Map<string, Actor>()
  private waiting: ReturnType<MasterHarness["step"]> = []

  constructor() {
    for (const text of ["cpus:4;mem:4000;disk:200;ports:[1-9]", "cpus:2;mem:4000;disk:100"]) {
      this.actors.set(this.master.addAgent(plain(amounts(text))), new Actor())
    }
  }

  private step(event: Parameters<MasterHarness["step"]>[0]): void {
    this.waiting = [...this.waiting, ...this.master.step(event)]
  }

  private deliver(): void {
    while (this.waiting.length > 0) {
      const actions = this.waiting
      this.waiting = []
      const later: Array<(typeof actions)[number]> = []
      for (const action of actionsOf(actions, "SendToAgent")) {
        const { agentId, message } = action
        const actor = this.actors.get(agentId)!
        if (!actor.isHere) {
          later.push(action)
        } else if (message.type === "CheckpointResources") {
          actor.checkpointed = message.resources
          if (message.operation !== null) {
            const outcome = { ...message.operation, problem: null }
            actor.outcomes.set(operationKey(outcome), outcome)
            this.step({ type: "OperationReported", agentId, outcome })
          }
        } else if (message.type === "AcknowledgeOperation") actor.outcomes.delete(operationKey(message))
      }
      if (later.length === actions.length || this.waiting.length === 0) {
        this.waiting = later
        return
      }
      this.waiting = [...later, ...this.waiting]
    }
  }

  play({ do: what, pick, size }: Chapter): void {
    const { master } = this
    const agentIds = [...this.actors.keys()]
    const agentId = agentIds[pick % agentIds.length]!
    const actor = this.actors.get(agentId)!
    const role = roles[size % 2]!
    const offers = [...master.state.offers.values()].sort((left, right) => (left.id < right.id ? -1 : 1))
    const offer = offers[pick % Math.max(1, offers.length)]
    switch (what) {
      case "framework":
        if (master.state.frameworks.size < 3) {
          master.subscribe({ roles: [role], capabilities: ["RESERVATION_REFINEMENT"] })
        }
        break
      case "accept": {
        if (offer === undefined) break
        const operations: Array<OperationRequest> = [0, 1, 2].map((index) => {
          const type = types[(size >> index) % 4]!
          return operation(
            type,
            resourcesOf(type, offer.role, size + index),
            size % 3 === 0 ? `o${size % 9}${index}` : null,
          )
        })
        const wanted = [
          plain(reservedFor("cpus:1", [offer.role])),
          plain(volumeOf("v1", offer.role, 50_000), amounts("mem:32")),
        ]
        operations.push(...launching([launchOf(`t${size % 12}`, offer.agentId, wanted[size % 2]!)]))
        this.step({
          type: "OffersAccepted",
          frameworkId: offer.frameworkId,
          offerIds: [offer.id],
          operations,
          refuseMs: size % 2 ? 0 : null,
        })
        break
      }
      case "operator": {
        const type = types[pick % 4]!
        const resources = resourcesOf(type, role, size)
        this.step({ type: "OperationRequested", agentId, operation: type, resources, principal: null })
        break
      }
      case "end": {
        const keys = [...master.state.tasks.keys()].sort()
        const task = master.state.tasks.get(keys[pick % Math.max(1, keys.length)] ?? "")
        if (task === undefined || !this.actors.get(task.spec.agentId)!.isHere) break
        master.report(task.spec.agentId, task.spec.frameworkId, task.spec.taskId, "TASK_FINISHED", `u${size}`)
        break
      }
      case "away":
        if (!actor.isHere) break
        actor.isHere = false
        this.step({
          type: "AgentDisconnected",
          agentId,
          streamId: master.state.agents.get(agentId)!.streamId!,
        })
        break
      case "back":
        if (!actor.isHere) this.comeBack(agentId, actor)
        break
      case "acknowledge": {
        const keys = [...master.state.operations.keys()].sort()
        const record = master.state.operations.get(keys[pick % Math.max(1, keys.length)] ?? "")
        if (record?.uuid == null) break
        const { frameworkId, operationId, uuid } = record
        this.step({ type: "OperationAcknowledged", frameworkId, operationId, agentId: null, uuid })
        break
      }
      case "wait":
        // Not for so long that an agent counts as unreachable for good: its reservations would be forgotten with it.
        this.waiting = [...this.waiting, ...master.advance(size * 20)]
    }
    this.waiting = [...this.waiting, ...master.settle()]
    this.deliver()
  }

  private comeBack(agentId: string, actor: Actor): void {
    const { state } = this.master
    actor.isHere = true
    const messages = actionsOf(this.waiting, "SendToAgent").filter((action) => action.agentId === agentId)
    const own = [...state.tasks.values()].filter(({ spec }) => spec.agentId === agentId)
    this.step({
      type: "AgentRegistered",
      streamId: `r${state.nowMs}`,
      agentId,
      address: state.agents.get(agentId)!.address,
      total: plain(state.agents.get(agentId)!.base),
      reserve: {},
      attributes: [],
      version: "1",
      tasks: own.map(({ spec, status }) => ({ spec, status })),
      launching: own.map(({ spec }) => taskKey(spec.frameworkId, spec.taskId)),
      acknowledging: [],
      checkpointed: actor.checkpointed,
      outcomes: [...actor.outcomes.values()],
      converting: messages.flatMap(({ message }) =>
        message.type === "CheckpointResources" && message.operation !== null
          ? [operationKey(message.operation)]
          : [],
      ),
    })
  }

  /** Everything that waits for agents that are here has been delivered. */
  check(): void {
    const { state } = this.master
    for (const agent of state.agents.values()) {
      const what = `${agent.id}: ${resourcesToText(agent.total)}`
      expect(sameResources(announcedOf(agent.total), agent.base), what).toBe(true)
      let held: Resources = noResources
      for (const offer of state.offers.values()) {
        if (offer.agentId === agent.id) held = addResources(held, offer.resources)
      }
      for (const { spec, hasEnded, state: taskState } of state.tasks.values()) {
        const isHeld =
          spec.agentId === agent.id && !hasEnded && !isTerminal(taskState) && taskState !== "TASK_UNREACHABLE"
        if (isHeld) held = addResources(held, heldResources(spec.resources))
      }
      expect(containsResources(agent.total, held), `${what} holds ${resourcesToText(held)}`).toBe(true)
      if (agent.condition === "unreachable") continue
      expect(sameResources(state.allocator.allocatedOn(agent.id), held), what).toBe(true)
      const actor = this.actors.get(agent.id)!
      if (actor.isHere) expect(actor.checkpointed, what).toEqual(plain(checkpointedOn(agent)))
    }
    for (const record of state.operations.values()) {
      expect(record.uuid === null, operationKey(record)).toBe(record.state === "OPERATION_PENDING")
    }
  }
}

describe("reservations and volumes", () => {
  it("are never lent twice, never lost, and the same at master and agent", () => {
    let done = 0
    fc.assert(
      fc.property(story, (chapters) => {
        const cluster = new Cluster()
        for (const each of chapters) {
          cluster.play(each)
          cluster.check()
        }
        done += [...cluster.master.state.agents.values()].filter(
          (agent) => checkpointedOn(agent).length > 0,
        ).length
      }),
      { numRuns: 80 },
    )
    // The stories are about something.
    expect(done).toBeGreaterThan(20)
  })

  it("go on after a restart exactly as without one", () => {
    fc.assert(
      fc.property(story, fc.nat({ max: 79 }), (chapters, at) => {
        const [plainOne, restarted] = [new Cluster(), new Cluster()]
        chapters.forEach((each, index) => {
          if (index === at % chapters.length) restarted.master.restart()
          plainOne.play(each)
          restarted.play(each)
        })
        expect(restarted.master.actions).toEqual(plainOne.master.actions)
        expect(snapshotMaster(restarted.master.state)).toEqual(snapshotMaster(plainOne.master.state))
      }),
      { numRuns: 50 },
    )
  })
})
