import type { Allocator } from "../allocation/Allocator.ts"
import type { OfferConstraints } from "../allocation/Constraints.ts"
import { type InverseOfferState, newInverseOfferState } from "../allocation/InverseOffers.ts"
import {
  type AllocatorSettings,
  defaultAllocatorSettings,
  mesosAllocatorSettings,
  type Quota,
} from "../allocation/Settings.ts"
import { Deadlines } from "../Deadlines.ts"
import type { Entity, EntityRef } from "../Machine.ts"
import { type Prng, seedPrng } from "../Prng.ts"
import type { Quantities } from "../resources/Quantities.ts"
import type { Resources } from "../resources/Resources.ts"
import type { Label, TaskSpec, TaskState, TaskStatus } from "../Task.ts"
import { CompletedTaskIndex } from "./CompletedTaskIndex.ts"
import type { Drain, GoneRecord, KeptOrder, MachineRecord, MaintenanceWindow } from "./HostRecords.ts"
import { KeysByOwner } from "./KeysByOwner.ts"
import { newAllocator } from "./NewAllocator.ts"
import type { OperationRecord } from "./Operation.ts"
import type { StatusNote } from "./StatusNotes.ts"

/** Tunables of the master. They come from the configuration at each start and are no part of the stored state. */
export interface MasterSettings {
  readonly allocator: AllocatorSettings
  /**
   * Null: whatever becomes free is offered at once, in one cycle for all events of a batch. A number: only every so many ms, on a
   * grid of the master's own time; at once only when a framework comes or revives its offers, or an agent comes, which is what
   * Apache Mesos does (spec/mesos.md §1.2).
   */
  readonly allocationIntervalMs: number | null
  /** An offer not answered for this long is rescinded; null = never, as Mesos. Short: hoarders give back soon.
   * Too short: slow schedulers find their offers gone. */
  readonly offerTimeoutMs: number | null
  /** Silence after which a disconnected agent's tasks are declared unreachable (Mesos: 75 s of missed pings). */
  readonly agentTimeoutMs: number
  /** An unreachable agent, its tasks and messages are removed after this long (Mesos: 2 weeks), see {@link agentRemovalPauseMs}. */
  readonly agentForgetMs: number
  /** Between two removals of agents: what is lost together is not given up for good all at once. Of the notice to frameworks
   * nothing is ever held back. */
  readonly agentRemovalPauseMs: number
  /** Unreachable agents kept, and as many that are gone; beyond it the oldest are removed without a pause (Mesos: 102,400). */
  readonly awayAgentsMax: number
  /** How long tasks of a framework that only an earlier master knew are kept for it, before they are killed. */
  readonly strangerWaitMs: number
  /** Whether tasks of frameworks without `checkpoint` are over when the connection to their agent breaks, see `LostTasks.ts`. */
  readonly losesUncheckpointedTasks: boolean
  /** Whether those who watch the cluster are told of an agent that stays away as of one that is removed. Mesos keeps silent, so who
   * mirrors it from its events keeps hosts that are long gone. */
  readonly tellsUnreachableAgents: boolean
  /** Removed frameworks, completed tasks of each framework, and completed tasks in all that are remembered for show. The last is
   * the bound of the memory: about 1 kB each (Mesos: 50, 1000, and no such bound). */
  readonly completedFrameworksMax: number
  readonly completedTasksPerFrameworkMax: number
  readonly completedTasksMax: number
  /** Tasks on unreachable agents that are remembered for each framework; more are known again when their agent is back. */
  readonly unreachableTasksPerFrameworkMax: number
}

/** The defaults: what serves users best (design §4, profiles). */
export const defaultMasterSettings: MasterSettings = {
  allocator: defaultAllocatorSettings,
  allocationIntervalMs: null,
  offerTimeoutMs: 30_000,
  agentTimeoutMs: 75_000,
  agentForgetMs: 14 * 24 * 3_600_000,
  agentRemovalPauseMs: 600,
  awayAgentsMax: 102_400,
  strangerWaitMs: 600_000,
  losesUncheckpointedTasks: false,
  tellsUnreachableAgents: true,
  completedFrameworksMax: 50,
  completedTasksPerFrameworkMax: 200,
  completedTasksMax: 10_000,
  unreachableTasksPerFrameworkMax: 1_000,
}

/** What Apache Mesos does, in what it offers to whom and when. */
export const mesosMasterSettings: MasterSettings = {
  ...defaultMasterSettings,
  allocator: mesosAllocatorSettings,
  allocationIntervalMs: 1_000,
  offerTimeoutMs: null,
  losesUncheckpointedTasks: true,
  tellsUnreachableAgents: false,
  completedTasksPerFrameworkMax: 1_000,
  completedTasksMax: 50_000,
}

export interface NetworkAddress {
  readonly hostname: string
  readonly ip: string
  readonly port: number
}

/** An attribute of an agent, delivered in offers as it came (spec/mesos.md §1.7). */
export interface TextAttribute {
  readonly name: string
  readonly value: string
}

/** A host of the cluster. Stopping: it ends its tasks and takes no more. Disconnected: its stream is gone, its tasks are
 * believed to run. Unreachable: it stayed away, and its resources do not count. */
export interface AgentRecord {
  readonly id: string
  readonly address: NetworkAddress
  /** What its flags announce. */
  readonly base: Resources
  /** What it has: the base with what was reserved and made on it in its place, see `AgentResources.ts`. */
  readonly total: Resources
  /** What its monitor wants kept for the host's own work; may be more than can be had, see {@link Allocator}. */
  readonly reserve: Quantities
  readonly attributes: ReadonlyArray<TextAttribute>
  readonly version: string
  readonly condition: "connected" | "stopping" | "disconnected" | "unreachable"
  /** The shell's stream to it, when connected or stopping. */
  readonly streamId: string | null
  readonly registeredWallMs: number
  /** When it last registered under an id that it had already; missing = never, or an earlier release saw it. */
  readonly reregisteredWallMs?: number
  /** When the condition last changed. */
  readonly sinceMs: number
  /** When it is removed; null unless it is unreachable. */
  readonly removeAtMs: number | null
  /** When it became unreachable; null when it is not, or an earlier release saw it happen. */
  readonly unreachableWallMs: number | null
  /** An operator wants nothing more of it offered, until it is reactivated. */
  readonly isDeactivated: boolean
  /** Why it is deactivated, when its tasks are to end too. */
  readonly drain: Drain | null
}

export interface FrameworkInfo {
  readonly name: string
  readonly user: string
  readonly roles: ReadonlyArray<string>
  readonly principal: string | null
  readonly hostname: string
  readonly webuiUrl: string | null
  readonly checkpoint: boolean
  /** As it was said, so that it can be shown; less than nothing is nothing. */
  readonly failoverTimeoutMs: number
  readonly labels: ReadonlyArray<Label>
  /** Names of capabilities (spec/mesos.md §1.12); unknown ones are kept. */
  readonly capabilities: ReadonlyArray<string>
  /** By role: what an offer must contain at least, one of these sets (`offer_filters`). */
  readonly minAllocatable: { readonly [role: string]: ReadonlyArray<Quantities> }
  /** By role: hosts that violate them are not offered. */
  readonly constraints: { readonly [role: string]: OfferConstraints }
}

export interface FrameworkRecord {
  readonly id: string
  readonly info: FrameworkInfo
  readonly streamId: string | null
  readonly suppressedRoles: ReadonlyArray<string>
  readonly registeredWallMs: number
  /** When it last subscribed under an id that it had already; null = never. */
  readonly reregisteredWallMs: number | null
  /** Only its tasks have told of it since an earlier master was lost: what it is itself is not known before it subscribes. */
  readonly isRecovered: boolean
  /** Of an earlier master's: whether its tasks have told whose it is. */
  readonly isOwnerKnown?: true
  /** When it last connected or disconnected. */
  readonly sinceMs: number
  /** When it is removed unless it returns; null while it is connected. */
  readonly removeAtMs: number | null
}

/** What a framework is called that is known by its tasks only. */
export const recoveredName = "known to an earlier master, not back yet"

export interface OfferRecord {
  readonly id: string
  readonly frameworkId: string
  readonly role: string
  readonly agentId: string
  readonly resources: Resources
  readonly madeAtMs: number
}

/** A launched task until its terminal status is acknowledged. */
export interface TaskRecord {
  readonly spec: TaskSpec
  /** The latest state the master knows; resources are held until it is terminal (or unreachable). */
  readonly state: TaskState
  readonly status: TaskStatus | null
  /** All that was said of it so far, by its agent and by the master, the newest last; see `StatusNotes.ts`. */
  readonly notes: ReadonlyArray<StatusNote>
  /** Its agent has said that it ended, and its resources are free, though the framework may not have heard it yet:
   * statuses are told one by one (`latest_state`, spec/mesos.md §2.7). */
  readonly hasEnded: boolean
  /** What its agent said of it then; missing while it has not ended, and in rows of releases until 0.3. */
  readonly endState?: TaskState
  /** Whether `status` waits for the framework's acknowledgement. */
  readonly unacknowledged: boolean
  readonly killRequested: boolean
  /** Whether that was said as its host's drain wants it. */
  readonly isDrained?: true
  readonly launchedWallMs: number
}

/** A task that is over and whose end has been acknowledged. */
export interface CompletedTaskRecord {
  /** Counts ends: the smaller, the older. */
  readonly number: number
  /** Its texts are shortened. */
  readonly task: TaskRecord
}

/** That a framework was torn down, and when. */
export interface RemovalRecord {
  readonly frameworkId: string
  /** Counts removals: the smaller, the older. */
  readonly number: number
  /** As it was; null for all but the last ones. */
  readonly framework: FrameworkRecord | null
  readonly unregisteredWallMs: number
}

/** What an operator gave a role; it counts more than the settings, which come from the configuration. */
export interface WeightRecord {
  /** Its path. */
  readonly role: string
  readonly weight: number
}

export interface QuotaRecord {
  readonly role: string
  /** Without guarantees and limits: none. */
  readonly quota: Quota
}

export interface MasterState {
  readonly settings: MasterSettings
  readonly masterId: string
  readonly prng: Prng
  nowMs: number
  nextFrameworkNumber: number
  nextAgentNumber: number
  nextOfferNumber: number
  nextRemovalNumber: number
  nextCompletedNumber: number
  nextGroupNumber: number
  nextGoneNumber: number
  /** The next agent that becomes unreachable is not removed before this, see `MasterSettings.agentRemovalPauseMs`. */
  nextAgentRemovalAtMs: number
  /** When this state was last taken up by a starting master. Agents that are away since then or longer are recovered,
   * in Mesos's words: they may know more than the state does. */
  startedAtMs: number
  /** When the next allocation cycle is wanted; null = nothing to allocate. Coalesces all causes into one cycle. A
   * filter that expires wants one, too, which {@link Allocator.nextExpiryMs} says. */
  allocationDueAtMs: number | null
  readonly frameworks: Map<string, FrameworkRecord>
  readonly agents: Map<string, AgentRecord>
  readonly offers: Map<string, OfferRecord>
  /** By `taskKey`. */
  readonly tasks: Map<string, TaskRecord>
  /** Frameworks that were torn down, by id: they may not subscribe again. Bounded, the oldest are forgotten. */
  readonly removals: Map<string, RemovalRecord>
  /** By number, see `History.ts`. */
  readonly completedTasks: Map<string, CompletedTaskRecord>
  /** What operators have set since the beginning, by role; see `RoleSettings.ts` for what is in force. */
  readonly weights: Map<string, WeightRecord>
  readonly quotas: Map<string, QuotaRecord>
  /** By `operationKey`. */
  readonly operations: Map<string, OperationRecord>
  /** By agent id. Bounded, the oldest are forgotten. */
  readonly gone: Map<string, GoneRecord>
  /** By agent id. Bounded, the oldest are forgotten. */
  readonly keptOrders: Map<string, KeptOrder>
  /** The maintenance schedule as it was set. */
  schedule: ReadonlyArray<MaintenanceWindow>
  /** Those of the schedule, by `machineKey`. */
  readonly machines: Map<string, MachineRecord>
  /** Who was asked to give back what, before hosts are away, and what they answered. */
  readonly inverse: InverseOfferState
  // Derived from offers, tasks, operations and agents.
  readonly offersByFramework: KeysByOwner
  readonly offersByAgent: KeysByOwner
  readonly tasksByFramework: KeysByOwner
  readonly tasksByAgent: KeysByOwner
  readonly unreachableByFramework: KeysByOwner
  // Of executors of task groups, see `Executors.ts`.
  readonly tasksByExecutor: KeysByOwner
  readonly executorsByClient: KeysByOwner
  readonly completedIndex: CompletedTaskIndex
  readonly operationsByFramework: KeysByOwner
  readonly operationsByAgent: KeysByOwner
  readonly unreachableAgents: Set<string>
  /** Hosts with a window on which somebody may hold something else since inverse offers were last brought up to date; after a
   * restart all of them, which changes nothing. */
  readonly inverseCandidates: Set<string>
  /** Draining agents on which something ended within this step; empty between steps. */
  readonly perhapsDrained: Set<string>
  /** Who holds what, who refused what, and who is next. Its books are derived, its rows are stored with the master's. */
  readonly allocator: Allocator
  /** Derived; see {@link Deadlines}. Keys are built in `Context.ts`. */
  readonly deadlines: Deadlines
  /** Rows that a restore wrote anew, since an older release had stored them: stored with the next step. */
  upgraded: ReadonlyArray<EntityRef>
}

/** A master without agents and frameworks. `masterId` prefixes every id it gives; `seed` starts its generator. */
export const initialMasterState = (
  masterId: string,
  seed: number | string,
  settings: MasterSettings,
): MasterState => emptyMasterState(masterId, seedPrng(seed), settings, [])

/** The same with a generator that has drawn before and an allocator that goes on from its rows. */
export const emptyMasterState = (
  masterId: string,
  prng: Prng,
  settings: MasterSettings,
  allocatorRows: ReadonlyArray<Entity>,
): MasterState => ({
  settings,
  masterId,
  prng,
  nowMs: 0,
  nextFrameworkNumber: 0,
  nextAgentNumber: 0,
  nextOfferNumber: 0,
  nextRemovalNumber: 0,
  nextCompletedNumber: 0,
  nextGroupNumber: 0,
  nextGoneNumber: 0,
  nextAgentRemovalAtMs: 0,
  startedAtMs: 0,
  allocationDueAtMs: null,
  frameworks: new Map(),
  agents: new Map(),
  offers: new Map(),
  tasks: new Map(),
  removals: new Map(),
  completedTasks: new Map(),
  weights: new Map(),
  quotas: new Map(),
  operations: new Map(),
  gone: new Map(),
  keptOrders: new Map(),
  schedule: [],
  machines: new Map(),
  inverse: newInverseOfferState(),
  offersByFramework: new KeysByOwner(),
  offersByAgent: new KeysByOwner(),
  tasksByFramework: new KeysByOwner(),
  tasksByAgent: new KeysByOwner(),
  unreachableByFramework: new KeysByOwner(),
  tasksByExecutor: new KeysByOwner(),
  executorsByClient: new KeysByOwner(),
  completedIndex: new CompletedTaskIndex(),
  operationsByFramework: new KeysByOwner(),
  operationsByAgent: new KeysByOwner(),
  unreachableAgents: new Set(),
  inverseCandidates: new Set(),
  perhapsDrained: new Set(),
  allocator: newAllocator(settings.allocator, prng, allocatorRows),
  deadlines: new Deadlines(),
  upgraded: [],
})
