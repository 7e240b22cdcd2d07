import type { PlacementGroup } from "../../../core/allocation/Placement.ts"
import type { AllocatorSettings } from "../../../core/allocation/Settings.ts"
import type { Quantities } from "../../../core/resources/Quantities.ts"
import type { Command } from "../allocation/Command.ts"

/** One thing that happens to a master which also places tasks; as in `Command`, numbers pick among what is there. */
export type PlacerCommand =
  | Command
  | { readonly type: "putGroup"; readonly group: PlacementGroup }
  | { readonly type: "removeGroup"; readonly groupId: string }
  | { readonly type: "place"; readonly groupId: string; readonly resources: Quantities }
  /** A task that runs already, whether or not it fits. */
  | {
      readonly type: "adoptTask"
      readonly groupId: string
      readonly agentId: string
      readonly resources: Quantities
    }
  | { readonly type: "endTask"; readonly task: number }
  /** The agent is gone for good; its tasks are ended afterwards, after a while, instead of before. */
  | { readonly type: "loseAgentFirst"; readonly agentId: string }

export interface PlacerScenario {
  readonly settings: AllocatorSettings
  readonly seed: number
  readonly commands: ReadonlyArray<PlacerCommand>
}
