import { IndexedAllocator } from "../../core/allocation/IndexedAllocator.ts"
import { defaultAllocatorSettings } from "../../core/allocation/Settings.ts"
import { seedPrng } from "../../core/Prng.ts"
import type { MakePlacing } from "./RunJob.ts"

/** The placer that is measured. */
export const makePlacing: MakePlacing = () => {
  const allocator = new IndexedAllocator(defaultAllocatorSettings, seedPrng("placement bench"))
  return { allocator, placer: allocator.placer() }
}
