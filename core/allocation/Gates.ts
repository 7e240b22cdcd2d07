import type { Resource, ResourceKind } from "../resources/Resource.ts"
import { isRefined } from "../resources/Resource.ts"
import type { AllocatorAgent, AllocatorFramework } from "./Allocator.ts"
import type { AllocatorSettings } from "./Settings.ts"

// Capabilities, as bits (spec/mesos.md §1.12, §1.5 "implicit filters"). A host is hidden from a client when one bit of what the host
// demands is among what the client is unfit for.

export const GPU = 1
export const REGION = 2
export const MULTI_ROLE = 4
export const HIERARCHICAL_ROLE = 8

/** What the agent demands of clients. */
export const demandsOf = (agent: AllocatorAgent, settings: AllocatorSettings): number =>
  (settings.filterGpuResources && agent.total.some(isGpu) ? GPU : 0) |
  (agent.region !== null && settings.region !== null && agent.region !== settings.region ? REGION : 0) |
  (agent.capabilities.includes("MULTI_ROLE") ? 0 : MULTI_ROLE) |
  (agent.capabilities.includes("HIERARCHICAL_ROLE") ? 0 : HIERARCHICAL_ROLE)

const isGpu = ({ kind }: Resource): boolean => kind.name === "gpus" && kind.type === "scalar"

/** The demands that a framework in a role does not meet. */
export const unfitOf = (capabilities: ReadonlyArray<string>, role: string): number =>
  (capabilities.includes("GPU_RESOURCES") ? 0 : GPU) |
  (capabilities.includes("REGION_AWARE") ? 0 : REGION) |
  (capabilities.includes("MULTI_ROLE") ? MULTI_ROLE : 0) |
  (role.includes("/") ? HIERARCHICAL_ROLE : 0)

/** The capability that is missing, by bit; the two last are missing at the agent. */
export const demandName = (bit: number): string =>
  bit === GPU
    ? "GPU_RESOURCES"
    : bit === REGION
      ? "REGION_AWARE"
      : bit === MULTI_ROLE
        ? "MULTI_ROLE"
        : "HIERARCHICAL_ROLE"

export const REVOCABLE = 1
export const SHARED = 2
export const REFINED = 4

/** What a framework must not see (spec/mesos.md §1.12). */
export const strippedOf = (capabilities: ReadonlyArray<string>): number =>
  (capabilities.includes("REVOCABLE_RESOURCES") ? 0 : REVOCABLE) |
  (capabilities.includes("SHARED_RESOURCES") ? 0 : SHARED) |
  (capabilities.includes("RESERVATION_REFINEMENT") ? 0 : REFINED)

export const isStripped = (kind: ResourceKind, stripped: number): boolean =>
  (kind.revocable && (stripped & REVOCABLE) !== 0) ||
  (kind.shared && (stripped & SHARED) !== 0) ||
  (isRefined(kind) && (stripped & REFINED) !== 0)

/** Whether filters on the host have lost their meaning (spec/mesos.md §1.5: "agent attribute change"). */
export const isAnotherHost = (before: AllocatorAgent, after: AllocatorAgent): boolean =>
  before.region !== after.region ||
  before.zone !== after.zone ||
  JSON.stringify(before.attributes) !== JSON.stringify(after.attributes) ||
  JSON.stringify(before.capabilities) !== JSON.stringify(after.capabilities)

/** Whether hosts look the same to both: compiled constraints may stay. */
export const hasSameDemands = (before: AllocatorFramework, after: AllocatorFramework): boolean =>
  JSON.stringify([before.capabilities, before.minAllocatable, before.constraints]) ===
  JSON.stringify([after.capabilities, after.minAllocatable, after.constraints])
