import type { AllocatorFramework } from "../../../core/allocation/Allocator.ts"
import type { AllocatorSettings, Quota } from "../../../core/allocation/Settings.ts"
import type { Quantities } from "../../../core/resources/Quantities.ts"
import type { Resources } from "../../../core/resources/Resources.ts"

/** What an agent says of itself when it comes or comes back, but for its name. */
export interface AgentForm {
  readonly total: Resources
  readonly reserve: Quantities
  readonly rack: string | null
  readonly capabilities: ReadonlyArray<string>
  readonly region: string | null
  /** Left out = none. */
  readonly zone?: string | null
  /** Left out = one of its own. */
  readonly hostname?: string
}

export type FrameworkForm = Omit<AllocatorFramework, "frameworkId">

/**
 * One thing that happens to a master. Numbers pick among what is there at that moment (`offer: 7` = the seventh, counted round), and
 * where there is nothing to pick nothing happens: so any part of a list of commands is a valid list, and failures shrink.
 */
export type Command =
  | { readonly type: "pass"; readonly ms: number }
  | { readonly type: "cycle"; readonly scope: "changed" | "all" }
  | {
      readonly type: "accept"
      readonly offer: number
      /** How much of everything a task takes. */
      readonly quarters: number
      /** The task is booked anew, rather than what it leaves given back; shared resources then twice. */
      readonly isBookedAnew: boolean
      readonly refuseMs: number | null
    }
  | { readonly type: "decline"; readonly offer: number; readonly refuseMs: number | null }
  /** Declines everything that one framework was offered. */
  | { readonly type: "declineAll"; readonly framework: string; readonly refuseMs: number | null }
  | { readonly type: "rescind"; readonly offer: number }
  | { readonly type: "end"; readonly task: number; readonly wakes: boolean }
  /** The agent says that another task has the same resources. */
  | { readonly type: "claim"; readonly task: number; readonly framework: string }
  | {
      readonly type: "putAgent"
      readonly agent: string
      readonly form: AgentForm
      readonly keepsTasks: boolean
    }
  | { readonly type: "loseAgent"; readonly agent: string }
  | { readonly type: "activateAgent"; readonly agent: string; readonly isActive: boolean }
  | { readonly type: "setReserve"; readonly agent: string; readonly reserve: Quantities }
  | {
      readonly type: "reserve"
      readonly agent: string
      readonly stack: ReadonlyArray<string>
      readonly amounts: Quantities
    }
  | { readonly type: "unreserve"; readonly agent: string }
  | {
      readonly type: "putFramework"
      readonly framework: string
      readonly form: FrameworkForm
      readonly rescindsFirst: boolean
    }
  | { readonly type: "connect"; readonly framework: string; readonly isActive: boolean }
  | { readonly type: "removeFramework"; readonly framework: string; readonly leavesTasks: boolean }
  | { readonly type: "suppress"; readonly framework: string; readonly roles: ReadonlyArray<string> }
  | { readonly type: "revive"; readonly framework: string; readonly roles: ReadonlyArray<string> | null }
  | { readonly type: "wake"; readonly framework: string }
  | { readonly type: "setWeight"; readonly role: string; readonly weight: number }
  | { readonly type: "setQuota"; readonly role: string; readonly quota: Quota | null }
  /** The master dies and starts again from its rows. */
  | { readonly type: "restart" }

export interface Scenario {
  readonly settings: AllocatorSettings
  readonly seed: number
  readonly commands: ReadonlyArray<Command>
}
