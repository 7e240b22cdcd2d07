import type { AllocatorAgent, AllocatorFramework } from "../../../core/allocation/Allocator.ts"
import type {
  Placement,
  PlacementGroup,
  PlacementRule,
  Placer,
  Topology,
} from "../../../core/allocation/Placement.ts"
import type { AllocatorSettings } from "../../../core/allocation/Settings.ts"
import { hostHash } from "../../../core/allocation/VisitOrder.ts"
import type { Entity } from "../../../core/Machine.ts"
import { seedPrng } from "../../../core/Prng.ts"
import type { Quantities } from "../../../core/resources/Quantities.ts"
import { agentOf, exampleSettings, frameworkOf } from "../allocation/Fixtures.ts"
import type { Implementation, PlacingAllocator } from "../allocation/Implementations.ts"

// --- rules ---

export const zone: Topology = { type: "zone" }
export const zoneSelector = { type: "zone" as const }
export const hostname: Topology = { type: "hostname" }
export const apart = (topology: Topology, ...of: ReadonlyArray<string>): PlacementRule => ({
  type: "apart",
  topology,
  of,
})
export const near = (topology: Topology, ...of: ReadonlyArray<string>): PlacementRule => ({
  type: "near",
  topology,
  of,
})
export const atMost = (topology: Topology, count: number): PlacementRule => ({
  type: "atMost",
  topology,
  count,
})
export const spread = (topology: Topology, maxSkew: number): PlacementRule => ({
  type: "spread",
  topology,
  maxSkew,
})

/** Half of what a host has that nothing else is said of. */
export const small: Quantities = { cpus: 500 }

/** A cluster with one framework `f` in role `a`, whose tasks are placed. */
export class PlacingCluster {
  readonly allocator: PlacingAllocator
  readonly placer: Placer

  constructor(
    { make }: Implementation,
    settings: Partial<AllocatorSettings> = {},
    rows: ReadonlyArray<Entity> = [],
  ) {
    this.allocator = make({ ...exampleSettings, ...settings }, seedPrng("placing"), rows)
    this.placer = this.allocator.placer()
    this.framework("f", ["a"])
  }

  host(agentId: string, total: Quantities = { cpus: 1_000 }, more: Partial<AllocatorAgent> = {}): this {
    this.allocator.putAgent(agentOf(agentId, total, more))
    return this
  }

  /** Hosts of 1 cpu, one in each of these zones; null = in none. */
  zones(zoneByAgent: { readonly [agentId: string]: string | null }, cpus = 1_000): this {
    for (const [agentId, zone] of Object.entries(zoneByAgent)) this.host(agentId, { cpus }, { zone })
    return this
  }

  framework(frameworkId: string, roles: ReadonlyArray<string>, more: Partial<AllocatorFramework> = {}): this {
    this.allocator.putFramework(frameworkOf(frameworkId, roles, more))
    return this
  }

  group(groupId: string, more: Partial<PlacementGroup> = {}): this {
    this.placer.putGroup({
      groupId,
      frameworkId: "f",
      role: "a",
      constraints: null,
      rules: [],
      prefer: "idle",
      ...more,
    })
    return this
  }

  /** A task that runs there already, and holds nothing unless it is said. */
  runs(groupId: string, agentId: string, resources: Quantities = {}): this {
    this.placer.adopt(groupId, agentId, resources)
    return this
  }

  /** Where it is placed, or why it is not. */
  place(groupId: string, resources: Quantities = small): string {
    return placeOf(this.placer.place(groupId, resources))
  }

  /** So many in a row. */
  placeAll(count: number, groupId: string, resources: Quantities = small): ReadonlyArray<string> {
    return Array.from({ length: count }, () => this.place(groupId, resources))
  }
}

/** The agent's id, or the reason in brackets. */
export const placeOf = (placement: Placement): string =>
  placement.type === "placed" ? placement.agentId : `(${placement.reason})`

/** As they come one after the other where nothing else tells them apart. */
export const inHashOrder = (...agentIds: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...agentIds].sort((left, right) => hostHash(left) - hostHash(right) || (left < right ? -1 : 1))
