import type { Allocator, AllocatorAgent, AllocatorFramework } from "../allocation/Allocator.ts"
import { IndexedAllocator } from "../allocation/IndexedAllocator.ts"
import type { AllocatorSettings } from "../allocation/Settings.ts"
import type { Entity } from "../Machine.ts"
import type { Prng } from "../Prng.ts"
import type { AgentRecord, FrameworkRecord } from "./State.ts"

// The one place that knows which allocator the master runs on, and how it sees the master's records.

/** `prng` is shared with the master and advanced by every cycle; `rows` are those of an earlier one's `snapshot()`. */
export const newAllocator = (
  settings: AllocatorSettings,
  prng: Prng,
  rows: ReadonlyArray<Entity>,
): Allocator => new IndexedAllocator(settings, prng, rows)

/** What every agent of gleaner can; their protocol has no word for it. */
export const agentCapabilities = [
  "MULTI_ROLE",
  "HIERARCHICAL_ROLE",
  "RESERVATION_REFINEMENT",
  "AGENT_DRAINING",
  "AGENT_OPERATION_FEEDBACK",
]

export const allocatorAgent = (agent: AgentRecord): AllocatorAgent => ({
  agentId: agent.id,
  hostname: agent.address.hostname,
  total: agent.total,
  reserve: agent.reserve,
  attributes: agent.attributes.map(({ name, value }) => ({ name, type: "text" as const, value })),
  capabilities: agentCapabilities,
  region: null,
  zone: null,
  isActive: agent.condition === "connected" && !agent.isDeactivated,
})

export const allocatorFramework = ({
  id,
  info,
  streamId,
  suppressedRoles,
}: FrameworkRecord): AllocatorFramework => ({
  frameworkId: id,
  roles: info.roles,
  suppressedRoles,
  isActive: streamId !== null,
  capabilities: info.capabilities,
  minAllocatable: withoutInherited(info.minAllocatable),
  constraints: withoutInherited(info.constraints),
})

interface ByRole<A> {
  readonly [role: string]: A
}

/** A role may be called `constructor`, which every other object has. */
const withoutInherited = <A>(byRole: ByRole<A>): ByRole<A> =>
  Object.assign(Object.create(null) as object, byRole) as ByRole<A>
