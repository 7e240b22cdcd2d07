import { IndexedAllocator } from "../../core/allocation/IndexedAllocator.ts"
import { seedPrng } from "../../core/Prng.ts"
import type { MakeAllocator } from "./Cluster.ts"

/** The allocator that is measured. */
export const makeAllocator: MakeAllocator = (settings) =>
  new IndexedAllocator(settings, seedPrng("allocation bench"))
