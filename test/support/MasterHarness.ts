import type { EntityRef, Unstamped } from "../../core/Machine.ts"
import type { MasterAction } from "../../core/master/Action.ts"
import type { MasterEvent, MasterEventOf } from "../../core/master/Event.ts"
import type { OperationRequest, TaskRequest } from "../../core/master/OperationRequest.ts"
import { masterEntity, restoreMaster, snapshotMaster } from "../../core/master/Snapshot.ts"
import {
  defaultMasterSettings,
  type FrameworkInfo,
  initialMasterState,
  type MasterSettings,
  type MasterState,
} from "../../core/master/State.ts"
import { stepMaster } from "../../core/master/Step.ts"
import { type PlainResources, resourcesToPlain } from "../../core/resources/PlainForm.ts"
import type { Quantities } from "../../core/resources/Quantities.ts"
import type { TaskSpec, TaskState, TaskStatus } from "../../core/Task.ts"

/** A refusal for 0 s is none: what is refused comes back at once. */
export const settingsWithoutPause: MasterSettings = {
  ...defaultMasterSettings,
  allocator: { ...defaultMasterSettings.allocator, refuseMsMin: 0, canRefuseForZero: true },
}

/** Drives the master machine by hand and remembers what it wanted done. */
export class MasterHarness {
  state: MasterState
  nowMs = 0
  wakeAtMs: number | null = null
  readonly actions: Array<MasterAction> = []
  /** Told of every changed row, as a shell that stores rows would be. */
  onChanged: (kind: string, key: string, value: unknown) => void = () => {}
  /** Told of every step, with all that it has changed. */
  onStep: (changes: { readonly changed: ReadonlyArray<EntityRef>; readonly wallMs: number }) => void =
    () => {}
  private streams = 0

  constructor(
    readonly settings: MasterSettings = defaultMasterSettings,
    seed = 1,
  ) {
    this.state = initialMasterState("m", seed, settings)
  }

  /** Steps one event; returns the actions of this step alone. */
  step(event: Unstamped<MasterEvent>): ReadonlyArray<MasterAction> {
    const wallMs = 1_000_000 + this.nowMs
    const result = stepMaster(this.state, { ...event, nowMs: this.nowMs, wallMs } as MasterEvent)
    this.actions.push(...result.actions)
    this.wakeAtMs = result.wakeAtMs
    for (const ref of result.changed) this.onChanged(ref.kind, ref.key, masterEntity(this.state, ref))
    this.onStep({ changed: result.changed, wallMs })
    return result.actions
  }

  /** Lets time pass as a shell would, waking the machine at each moment it asked for. */
  advance(ms: number): ReadonlyArray<MasterAction> {
    const untilMs = this.nowMs + ms
    const actions: Array<MasterAction> = []
    while (this.wakeAtMs !== null && this.wakeAtMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.wakeAtMs)
      actions.push(...this.step({ type: "TimePassed" }))
    }
    this.nowMs = untilMs
    return actions
  }

  /** What follows at once: the allocation cycle above all. */
  settle(): ReadonlyArray<MasterAction> {
    return this.advance(0)
  }

  /** Replaces the state by one restored from its own rows, as after a restart, rows in any order. */
  restart(): void {
    const rows = JSON.parse(JSON.stringify(snapshotMaster(this.state))) as ReturnType<typeof snapshotMaster>
    this.state = restoreMaster([...rows].reverse(), this.settings)!
    this.wakeAtMs = this.state.deadlines.nextAtMs()
  }

  /** An agent says what it has; it has nothing but what is told here. */
  register(
    agentId: string | null,
    change: Partial<MasterEventOf<"AgentRegistered">> & Pick<MasterEventOf<"AgentRegistered">, "total">,
  ): ReadonlyArray<MasterAction> {
    return this.step({
      type: "AgentRegistered",
      streamId: `as${this.streams++}`,
      agentId,
      address: { hostname: "host", ip: "127.0.0.1", port: 5051 },
      reserve: {},
      attributes: [],
      version: "1",
      tasks: [],
      launching: [],
      acknowledging: [],
      checkpointed: {},
      outcomes: [],
      converting: [],
      ...change,
    })
  }

  addAgent(
    total: PlainResources,
    agentId: string | null = null,
    reserve: Quantities = {},
    ip = "127.0.0.1",
  ): string {
    this.register(agentId, { total, reserve, address: { hostname: "host", ip, port: 5051 } })
    return agentId ?? `m-S${this.state.nextAgentNumber - 1}`
  }

  /** On the agent's stream, or on the one that is said. */
  reserve(agentId: string, reserve: Quantities, streamId?: string): ReadonlyArray<MasterAction> {
    const current = this.state.agents.get(agentId)?.streamId ?? "gone"
    return this.step({ type: "ReserveChanged", agentId, streamId: streamId ?? current, reserve })
  }

  subscribe(
    info: Partial<FrameworkInfo> = {},
    frameworkId: string | null = null,
  ): { id: string; streamId: string } {
    const streamId = `fs${this.streams++}`
    const actions = this.step({
      type: "FrameworkSubscribed",
      streamId,
      frameworkId,
      info: frameworkInfo(info),
      suppressedRoles: [],
    })
    const confirmed = actionsOf(actions, "ConfirmSubscription")[0]
    return { id: confirmed === undefined ? "" : confirmed.framework.id, streamId }
  }

  /** Offer ids outstanding for a framework. */
  offersOf(frameworkId: string): ReadonlyArray<string> {
    return [...this.state.offers.values()]
      .filter((offer) => offer.frameworkId === frameworkId)
      .map((offer) => offer.id)
  }

  /** What tasks and offers hold of an agent. */
  allocatedOn(agentId: string): PlainResources {
    return resourcesToPlain(this.state.allocator.allocatedOn(agentId))
  }

  report(
    agentId: string,
    frameworkId: string,
    taskId: string,
    state: TaskState,
    uuid = `u-${taskId}-${state}`,
  ) {
    const status = statusOf(agentId, frameworkId, taskId, state, uuid)
    return this.step({ type: "StatusReported", agentId, status, latestState: status.state })
  }
}

export const actionsOf = <Type extends MasterAction["type"]>(
  actions: ReadonlyArray<MasterAction>,
  type: Type,
): ReadonlyArray<Extract<MasterAction, { type: Type }>> =>
  actions.filter((action): action is Extract<MasterAction, { type: Type }> => action.type === type)

/** What is offered, offer by offer. */
export const offeredIn = (actions: ReadonlyArray<MasterAction>): ReadonlyArray<PlainResources> =>
  actionsOf(actions, "OfferResources").flatMap(({ offers }) =>
    offers.map(({ offer }) => resourcesToPlain(offer.resources)),
  )

export const statusesOf = (actions: ReadonlyArray<MasterAction>): ReadonlyArray<string> =>
  actionsOf(actions, "SendStatus").map(
    ({ status }) =>
      `${status.taskId} ${status.state} ${status.reason ?? "-"} ${status.uuid === null ? "no-ack" : "ack"}`,
  )

export const statusOf = (
  agentId: string,
  frameworkId: string,
  taskId: string,
  state: TaskState,
  uuid = `u-${taskId}-${state}`,
): TaskStatus => ({
  taskId,
  frameworkId,
  agentId,
  state,
  source: "SOURCE_EXECUTOR",
  reason: null,
  message: null,
  uuid,
  wallMs: 0,
  containerId: null,
  labels: [],
})

export const frameworkInfo = (info: Partial<FrameworkInfo>): FrameworkInfo => ({
  name: "test",
  user: "",
  roles: ["*"],
  principal: null,
  hostname: "",
  webuiUrl: null,
  checkpoint: false,
  failoverTimeoutMs: 60_000,
  labels: [],
  capabilities: [],
  minAllocatable: {},
  constraints: {},
  ...info,
})

export const launchOf = (taskId: string, agentId: string, resources: PlainResources): TaskRequest => ({
  taskId,
  agentId,
  name: taskId,
  resources,
  role: null,
  command: { shell: true, value: "true", arguments: [], environment: [], user: null },
  killGraceMs: null,
  labels: [],
  problem: null,
})

/** The operations of an ACCEPT that launches these. */
export const launching = (tasks: ReadonlyArray<TaskRequest>): ReadonlyArray<OperationRequest> => [
  { type: "LAUNCH", tasks },
]

export const specOf = (
  taskId: string,
  frameworkId: string,
  agentId: string,
  resources: PlainResources,
): TaskSpec => ({
  taskId,
  frameworkId,
  agentId,
  name: taskId,
  role: "*",
  resources,
  command: { shell: true, value: "true", arguments: [], environment: [], user: null },
  frameworkUser: "",
  killGraceMs: null,
  labels: [],
})
