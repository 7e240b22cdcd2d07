import type { MakeAllocator } from "../../../bench/allocation/Cluster.ts"
import type { Allocation, Allocations, Allocator } from "../../../core/allocation/Allocator.ts"

export type Methods = { [Name in keyof Allocator]?: (allocator: Allocator, ...given: never[]) => unknown }

/** An allocator some methods of which do something else. */
export const withMethods =
  (makeAllocator: MakeAllocator, methods: Methods): MakeAllocator =>
  (settings) => {
    const allocator = makeAllocator(settings)
    return new Proxy(allocator, {
      get: (target, name) => {
        const own = methods[name as keyof Allocator] as ((...given: unknown[]) => unknown) | undefined
        if (own !== undefined) return (...given: unknown[]) => own(target, ...given)
        const value = target[name as keyof Allocator] as unknown
        return typeof value === "function" ? value.bind(target) : value
      },
    })
  }

const toAllocations = (offers: ReadonlyArray<Allocation>): Allocations => ({
  count: offers.length,
  at: (index) => offers[index]!,
})

/** An allocator that says something else than it decided. */
export const withOffers = (
  makeAllocator: MakeAllocator,
  change: (offers: ReadonlyArray<Allocation>) => ReadonlyArray<Allocation>,
): MakeAllocator =>
  withMethods(makeAllocator, {
    allocate: (allocator, nowMs: number, scope: "all" | "changed") => {
      const made = allocator.allocate(nowMs, scope)
      return toAllocations(change(Array.from({ length: made.count }, (_, index) => ({ ...made.at(index) }))))
    },
  })
