import type { Resource } from "./Resource.ts"

/** Resources of any kind in normal form: sorted by the key of their kind, no empty value, each kind once unless it never
 * merges. Plain data. */
export type Resources = ReadonlyArray<Resource>

export const noResources: Resources = []
