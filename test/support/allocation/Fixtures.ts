import type {
  Allocation,
  AllocationScope,
  Allocations,
  AllocatorAgent,
  AllocatorFramework,
} from "../../../core/allocation/Allocator.ts"
import { type AllocatorSettings, mesosAllocatorSettings } from "../../../core/allocation/Settings.ts"
import type { Quantities } from "../../../core/resources/Quantities.ts"
import { type Reservation, toKind } from "../../../core/resources/Resource.ts"
import { quantitiesToResources, type Resources, toResources } from "../../../core/resources/Resources.ts"

/** Mesos's timing and filters, and offers of any size: what most examples assume. */
export const exampleSettings: AllocatorSettings = { ...mesosAllocatorSettings, minAllocatable: [] }

const everyAgentCapability = ["MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT"]
export const everyFrameworkCapability = [
  "MULTI_ROLE",
  "GPU_RESOURCES",
  "REGION_AWARE",
  "RESERVATION_REFINEMENT",
  "REVOCABLE_RESOURCES",
  "SHARED_RESOURCES",
]

export const agentOf = (
  agentId: string,
  total: Resources | Quantities,
  more: Partial<AllocatorAgent> = {},
): AllocatorAgent => ({
  agentId,
  hostname: `${agentId}.example`,
  total: Array.isArray(total) ? (total as Resources) : quantitiesToResources(total as Quantities),
  reserve: {},
  attributes: [],
  capabilities: everyAgentCapability,
  region: null,
  zone: null,
  isActive: true,
  ...more,
})

export const frameworkOf = (
  frameworkId: string,
  roles: ReadonlyArray<string>,
  more: Partial<AllocatorFramework> = {},
): AllocatorFramework => ({
  frameworkId,
  roles,
  suppressedRoles: [],
  isActive: true,
  capabilities: everyFrameworkCapability,
  minAllocatable: {},
  constraints: {},
  ...more,
})

export const reservationFor = (role: string, more: Partial<Reservation> = {}): Reservation => ({
  type: "dynamic",
  role,
  principal: null,
  labels: [],
  ...more,
})

/** Amounts reserved by a stack of roles, the outermost first. */
export const reserved = (amounts: Quantities, ...roles: ReadonlyArray<string>): Resources =>
  toResources(
    Object.entries(amounts).map(([name, value]) => ({
      kind: toKind({ name, type: "scalar", reservations: roles.map((role) => reservationFor(role)) }),
      value,
    })),
  )

export const revocable = (amounts: Quantities): Resources =>
  toResources(
    Object.entries(amounts).map(([name, value]) => ({
      kind: toKind({ name, type: "scalar", revocable: true }),
      value,
    })),
  )

export const ports = (...ranges: ReadonlyArray<number>): Resources =>
  toResources([{ kind: toKind({ name: "ports", type: "ranges" }), value: ranges }])

/** A persistent volume of a role. */
export const volume = (id: string, milli: number, role: string, isShared = false): Resources =>
  toResources([
    {
      kind: toKind({
        name: "disk",
        type: "scalar",
        reservations: [reservationFor(role)],
        disk: { persistence: { id, principal: null }, volume: null, source: null },
        shared: isShared,
      }),
      value: milli,
    },
  ])

export const mountDisk = (root: string, milli: number): Resources =>
  toResources([
    {
      kind: toKind({
        name: "disk",
        type: "scalar",
        disk: { persistence: null, volume: null, source: { type: "MOUNT", root, id: null, profile: null } },
      }),
      value: milli,
    },
  ])

/** A copy: the cycle after may write over what it gave out. */
export const listOf = (allocations: Allocations): ReadonlyArray<Allocation> =>
  Array.from({ length: allocations.count }, (_, index) => {
    const { frameworkId, role, agentId, resources } = allocations.at(index)
    return { frameworkId, role, agentId, resources }
  })

export const scopeOf = (frameworkId: string, role: string, agentId: string): AllocationScope => ({
  frameworkId,
  role,
  agentId,
})
