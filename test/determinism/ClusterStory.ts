import type { MasterAction } from "../../core/master/Action.ts"
import { snapshotMaster } from "../../core/master/Snapshot.ts"
import { defaultMasterSettings, type MasterSettings, mesosMasterSettings } from "../../core/master/State.ts"
import { nextBelow, type Prng, seedPrng } from "../../core/Prng.ts"
import { type TaskStatus, taskKey } from "../../core/Task.ts"
import { actionsOf, launching, launchOf, MasterHarness } from "../support/MasterHarness.ts"
import { AgentActor } from "./AgentActor.ts"
import type { Transcript } from "./Transcript.ts"

const roles = ["web", "batch", "*", "web/api", "batch/night"]
// More than ten of each: up to ten even old sorts are stable.
const hosts = 24
const frameworks = 13
/** In each profile. */
const deeds = 600

/** A master with weights, priorities and quotas, agents of all sizes and frameworks that do what they please, with cuts and
 * restarts. */
class Cluster {
  readonly prng: Prng
  readonly master: MasterHarness
  readonly agents: Array<AgentActor> = []
  readonly frameworkIds: Array<string> = []
  private readonly unacknowledged: Array<TaskStatus> = []
  private streams = 0
  private tasks = 0

  constructor(
    seed: string,
    profile: MasterSettings,
    private readonly transcript: Transcript,
  ) {
    this.prng = seedPrng(seed)
    this.master = new MasterHarness(this.settings(profile), this.below(1_000_000))
    for (let host = 0; host < hosts; host++) {
      const total = { cpus: 1_000 * (1 + this.below(16)), mem: 1_000_000 * (1 + this.below(64)) }
      this.agents.push(new AgentActor(`agent${host}`, total, transcript, () => this.master.nowMs))
      this.connect(host)
    }
    for (let index = 0; index < frameworks; index++) {
      const { id } = this.master.subscribe({
        roles: [roles[index % roles.length]!],
        failoverTimeoutMs: 3_600_000,
        capabilities: index % 2 === 0 ? ["PARTITION_AWARE"] : [],
      })
      this.frameworkIds.push(id)
    }
    this.follow(this.master.settle())
  }

  private settings(profile: MasterSettings): MasterSettings {
    const quotas = {
      batch: { guarantees: { cpus: 1_000 * this.below(40) }, limits: { cpus: 60_000, mem: 200_000_000 } },
    }
    const weights = { web: 2, "web/api": 3, batch: 0.5 + this.below(5) }
    const priorities = { "batch/night": this.below(3) - 1 }
    return { ...profile, allocator: { ...profile.allocator, weights, priorities, quotas } }
  }

  below(bound: number): number {
    return nextBelow(this.prng, bound)
  }

  private pickAgent(): AgentActor {
    return this.agents[this.below(this.agents.length)]!
  }

  private pickFramework(): string {
    return this.frameworkIds[this.below(this.frameworkIds.length)]!
  }

  follow(actions: ReadonlyArray<MasterAction>): void {
    if (actions.length > 0) this.transcript.note("master", actions)
    for (const action of actions) {
      const agent =
        "agentId" in action ? this.agents.find(({ agentId }) => agentId === action.agentId) : undefined
      if (action.type === "SendToAgent" && agent !== undefined) agent.wire = [...agent.wire, action.message]
      if (action.type === "DropMessages" && agent !== undefined) agent.wire = []
      if (action.type === "SendStatus" && action.status.uuid !== null) this.unacknowledged.push(action.status)
    }
  }

  /** Everything that is on a wire arrives, and what follows of it. */
  exchange(): void {
    for (let round = 0; round < 20; round++) {
      let moved = 0
      for (const agent of this.agents) {
        moved += agent.isConnected ? agent.wire.length : 0
        agent.receive()
        const reports = agent.reports
        agent.reports = []
        if (!agent.isConnected || agent.agentId === null) continue
        moved += reports.length
        for (const report of reports) {
          this.follow(this.master.step({ type: "StatusReported", agentId: agent.agentId, ...report }))
        }
      }
      if (moved === 0) return
    }
  }

  connect(host: number): void {
    const agent = this.agents[host]!
    if (agent.isConnected) return
    const actions = this.master.step({
      type: "AgentRegistered",
      streamId: `w${this.streams++}`,
      agentId: agent.agentId,
      address: { hostname: agent.name, ip: "127.0.0.1", port: 5051 },
      total: agent.total,
      reserve: agent.reserve,
      attributes: [],
      version: "1",
      tasks: agent.reported(),
      launching: agent.wire.reduce<Array<string>>((keys, message) => {
        if (message.type === "LaunchTask") keys.push(taskKey(message.spec.frameworkId, message.spec.taskId))
        return keys
      }, []),
      checkpointed: agent.checkpointed(),
      outcomes: [],
      converting: [],
      acknowledging: agent.wire.reduce<Array<string>>((uuids, message) => {
        if (message.type === "AcknowledgeStatus") uuids.push(message.uuid)
        return uuids
      }, []),
    })
    const [confirmed] = actionsOf(actions, "ConfirmRegistration")
    if (confirmed !== undefined) {
      agent.agentId = confirmed.agentId
      agent.isConnected = true
    }
    this.follow(actions)
    if (confirmed !== undefined) agent.step({ type: "Registered", agentId: confirmed.agentId })
  }

  cut(agent: AgentActor): void {
    if (!agent.isConnected || agent.agentId === null) return
    agent.isConnected = false
    const streamId = this.master.state.agents.get(agent.agentId)!.streamId
    if (streamId !== null) {
      this.follow(this.master.step({ type: "AgentDisconnected", agentId: agent.agentId, streamId }))
    }
    agent.step({ type: "Disconnected" })
  }

  private launch(): void {
    const frameworkId = this.pickFramework()
    const offerIds = this.master.offersOf(frameworkId)
    if (offerIds.length === 0) return
    const offerId = offerIds[this.below(offerIds.length)]!
    const offer = this.master.state.offers.get(offerId)!
    const launches = []
    for (let left = 1 + this.below(3); left > 0; left--) {
      const resources = { cpus: 10 + this.below(900), mem: 1_000 * (1 + this.below(600)) }
      launches.push(launchOf(`t${this.tasks++}`, offer.agentId, resources))
    }
    const refuseMs = this.below(2) === 0 ? null : this.below(20_000)
    this.follow(
      this.master.step({
        type: "OffersAccepted",
        frameworkId,
        offerIds: [offerId],
        operations: launching(launches),
        refuseMs,
      }),
    )
  }

  private answerOffers(): void {
    const frameworkId = this.pickFramework()
    const roll = this.below(6)
    const offerIds = this.master.offersOf(frameworkId)
    if (roll === 0) this.follow(this.master.step({ type: "OffersRevived", frameworkId, roles: [] }))
    else if (roll === 1) this.follow(this.master.step({ type: "OffersSuppressed", frameworkId, roles: [] }))
    else {
      const refuseMs = this.below(60_000)
      this.follow(this.master.step({ type: "OffersDeclined", frameworkId, offerIds, refuseMs }))
    }
  }

  private acknowledge(): void {
    for (let left = this.below(12); left > 0; left--) {
      const status = this.unacknowledged.shift()
      if (status === undefined || status.uuid === null || status.agentId === null) return
      const { frameworkId, taskId, agentId, uuid } = status
      this.follow(this.master.step({ type: "StatusAcknowledged", frameworkId, taskId, agentId, uuid }))
    }
  }

  private kill(): void {
    const taskId = `t${this.below(Math.max(1, this.tasks))}`
    const frameworkId = this.pickFramework()
    const graceMs = this.below(5_000)
    this.follow(this.master.step({ type: "KillRequested", frameworkId, taskId, agentId: null, graceMs }))
  }

  private reconcile(): void {
    const frameworkId = this.pickFramework()
    const tasks = this.below(2) === 0 ? [] : [{ taskId: `t${this.below(this.tasks + 1)}`, agentId: null }]
    this.follow(this.master.step({ type: "ReconciliationRequested", frameworkId, tasks }))
  }

  private hold(): void {
    const agent = this.pickAgent()
    agent.reserve = { cpus: this.below(8_000), mem: this.below(32_000_000) }
    if (agent.agentId !== null) this.follow(this.master.reserve(agent.agentId, agent.reserve))
  }

  private restartMaster(): void {
    for (const agent of this.agents) this.cut(agent)
    this.transcript.note("rows", snapshotMaster(this.master.state))
    this.master.restart()
    this.follow(this.master.step({ type: "MasterStarted" }))
    for (const id of this.frameworkIds) {
      const framework = this.master.state.frameworks.get(id)
      if (framework !== undefined) this.master.subscribe({ ...framework.info }, id)
    }
    for (let host = 0; host < this.agents.length; host++) this.connect(host)
  }

  pass(ms: number): void {
    this.follow(this.master.advance(ms))
    for (const agent of this.agents) agent.wake()
  }

  deed(): void {
    const roll = this.below(100)
    if (roll < 30) this.launch()
    else if (roll < 50) this.pickAgent().finish(this.below(50), this.below(12))
    else if (roll < 65) this.acknowledge()
    else if (roll < 75) this.answerOffers()
    else if (roll < 80) this.kill()
    else if (roll < 83) this.reconcile()
    else if (roll < 87) this.hold()
    else if (roll < 90) this.cut(this.pickAgent())
    else if (roll < 96) this.connect(this.below(this.agents.length))
    else if (roll < 98) this.pickAgent().restart()
    else if (roll < 99) this.restartMaster()
    else this.pass(this.below(120_000))
    this.pass(this.below(400))
    this.exchange()
  }
}

export const tellClusterStory = (seed: string, transcript: Transcript): void => {
  for (const profile of [defaultMasterSettings, mesosMasterSettings]) {
    const cluster = new Cluster(seed, profile, transcript)
    for (let index = 0; index < deeds; index++) cluster.deed()
    transcript.note("rows", snapshotMaster(cluster.master.state))
  }
}
