import type { Quota } from "../allocation/Settings.ts"
import { type NumberByName, ownValue } from "../NumberByName.ts"
import type { MasterState } from "./State.ts"

// What roles have been given: weights and quotas (spec/mesos.md §1.4, §1.10).

/** By role path. */
export const weightsOf = ({ settings }: MasterState): NumberByName => settings.allocator.weights

/** By top-level role. */
export const quotasOf = ({ settings }: MasterState): { readonly [role: string]: Quota } =>
  settings.allocator.quotas

export const noQuota: Quota = { guarantees: {}, limits: {} }

export const quotaOf = (state: MasterState, role: string): Quota => ownValue(quotasOf(state), role) || noQuota
