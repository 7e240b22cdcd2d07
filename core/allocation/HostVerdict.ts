import type { Quantities } from "../resources/Quantities.ts"
import type { Resources } from "../resources/Resources.ts"
import type { AllocationClient } from "./Explain/AllocationView.ts"

/**
 * What a host says to a question: the first stage that refuses it, or that it would be offered. In the order of the stages.
 * Amounts are in milli-units by name, ranges and sets by number of items × 1000.
 */
export type HostVerdict =
  /** Away, drained or deactivated. */
  | { readonly stage: "inactive" }
  /** The framework lacks the capability to see this host, or the agent one that the framework needs (spec/mesos.md §1.12). */
  | { readonly stage: "capability"; readonly capability: string; readonly missingAt: "framework" | "agent" }
  /** Offer constraints of the framework rule the host out. */
  | { readonly stage: "constraints" }
  /** It would not fit if the host were empty. */
  | { readonly stage: "tooSmall"; readonly missing: Quantities }
  /** The framework has an offer of it. */
  | { readonly stage: "ownOffer" }
  /** Nothing of it is free. */
  | {
      readonly stage: "taken"
      readonly by: "offers" | "tasks" | "ownTasks" | "unknown"
      readonly holders: ReadonlyArray<string>
    }
  /** Some is free, and not enough of it. */
  | { readonly stage: "short"; readonly missing: Quantities }
  /** Less is free than the smallest offer. */
  | { readonly stage: "belowMinimum"; readonly free: Quantities }
  /** The monitor keeps it for the host's own work. */
  | { readonly stage: "reserve"; readonly missing: Quantities }
  /** Only frameworks that have these capabilities may see what is left. */
  | { readonly stage: "stripped"; readonly capabilities: ReadonlyArray<string> }
  | { readonly stage: "reserved"; readonly roles: ReadonlyArray<string>; readonly missing: Quantities }
  /** The quota of the top-level role leaves no room. */
  | { readonly stage: "limit"; readonly role: string; readonly names: ReadonlyArray<string> }
  /** It must stay free for the guarantees of these top-level roles. */
  | {
      readonly stage: "headroom"
      readonly roles: ReadonlyArray<string>
      readonly names: ReadonlyArray<string>
    }
  /** The framework refused as much, and does not want to be asked again for so long. */
  | {
      readonly stage: "filtered"
      readonly forMs: number
      /** The part of it that back-off added. */
      readonly backoffMs: number
      readonly refused: Resources
    }
  /** It would be offered, but somebody who comes first in the fair order would take it. */
  | { readonly stage: "behind"; readonly first: AllocationClient }
  | { readonly stage: "offered"; readonly resources: Resources }

export type Stage = HostVerdict["stage"]

/** In the order in which they are asked. */
export const stages: ReadonlyArray<Stage> = [
  "inactive",
  "capability",
  "constraints",
  "tooSmall",
  "ownOffer",
  "taken",
  "short",
  "belowMinimum",
  "reserve",
  "stripped",
  "reserved",
  "limit",
  "headroom",
  "filtered",
  "behind",
  "offered",
]
