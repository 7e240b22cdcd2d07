import type { Unavailability } from "../allocation/InverseOffers.ts"

// What operators have said about hosts.

/** That an operator wants a host empty (spec/mesos.md §1.11). */
export interface Drain {
  /** Draining: its tasks are being killed; drained: none is left. */
  readonly stage: "draining" | "drained"
  /** No task gets more time than this to end; null = each its own. */
  readonly graceMaxMs: number | null
  /** Once drained it is gone for good. */
  readonly isGoneAfter: boolean
  readonly startedWallMs: number
}

/** What was ordered for an agent that has been forgotten: it counts again should it come back under its id. */
export interface KeptOrder {
  readonly agentId: string
  readonly isDeactivated: boolean
  readonly drain: Drain | null
  readonly forgottenAtMs: number
}

/** That an agent may never come back: an operator said that its host is gone, and frameworks count on that. */
export interface GoneRecord {
  readonly agentId: string
  readonly hostname: string
  readonly wallMs: number
  /** Counts them: the smaller, the older. */
  readonly number: number
}

/** A host as people name it in a maintenance schedule; both must fit, the name in any case (spec/mesos.md §1.11). */
export interface MachineId {
  readonly hostname: string
  readonly ip: string
}

/** Machines that are away at the same time. */
export interface MaintenanceWindow {
  readonly machines: ReadonlyArray<MachineId>
  readonly unavailability: Unavailability
}

/** A machine of the schedule. Draining: its window is announced; down: no agent may run there. All others are up. */
export interface MachineRecord {
  readonly id: MachineId
  readonly mode: "draining" | "down"
}
