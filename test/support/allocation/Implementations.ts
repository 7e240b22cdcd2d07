import type { Allocator } from "../../../core/allocation/Allocator.ts"
import { IndexedAllocator } from "../../../core/allocation/IndexedAllocator.ts"
import type { Placer } from "../../../core/allocation/Placement.ts"
import type { AllocatorSettings } from "../../../core/allocation/Settings.ts"
import type { Entity } from "../../../core/Machine.ts"
import type { Prng } from "../../../core/Prng.ts"
import { NaiveAllocator } from "../naive/NaiveAllocator.ts"

/** One that also places tasks on request. */
export type PlacingAllocator = Allocator & { placer(): Placer }

export type MakeAllocator = (
  settings: AllocatorSettings,
  prng: Prng,
  rows?: ReadonlyArray<Entity>,
) => PlacingAllocator

export interface Implementation {
  readonly name: string
  readonly make: MakeAllocator
}

export const naive: Implementation = {
  name: "the naive twin",
  make: (settings, prng, rows) => new NaiveAllocator(settings, prng, rows),
}

export const indexed: Implementation = {
  name: "the indexed allocator",
  make: (settings, prng, rows) => new IndexedAllocator(settings, prng, rows),
}

export const implementations: ReadonlyArray<Implementation> = [naive, indexed]
