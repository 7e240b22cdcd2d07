import { expect } from "vitest"
import type { AllocatorAgent, AllocatorFramework } from "../../../core/allocation/Allocator.ts"
import type { Holding } from "../../../core/allocation/Explain/AllocationView.ts"
import { explain, type Question } from "../../../core/allocation/Explain.ts"
import { IndexedAllocator } from "../../../core/allocation/IndexedAllocator.ts"
import {
  type AllocatorSettings,
  mesosAllocatorSettings,
  type Quota,
} from "../../../core/allocation/Settings.ts"
import { seedPrng } from "../../../core/Prng.ts"
import type { Quantities } from "../../../core/resources/Quantities.ts"
import { type KindFields, resourceOf, toKind } from "../../../core/resources/Resource.ts"
import {
  addResources,
  quantitiesToResources,
  type Resources,
  toResources,
} from "../../../core/resources/Resources.ts"
import { viewOf } from "./ViewOf.ts"

export const gib = 1_024_000

export const reservedFor = (role: string, amounts: Quantities): Resources => of(amounts, reservation(role))

export const reservation = (...roles: ReadonlyArray<string>): Partial<KindFields> => ({
  reservations: roles.map((role) => ({ type: "dynamic", role, principal: null, labels: [] })),
})

export const of = (amounts: Quantities, fields: Partial<KindFields> = {}): Resources =>
  toResources(
    Object.entries(amounts).map(([name, milli]) =>
      resourceOf(toKind({ name, type: "scalar", ...fields }), milli),
    ),
  )

export const ports = (first: number, last: number): Resources =>
  toResources([resourceOf(toKind({ name: "ports", type: "ranges" }), [first, last])])

export const all = (...parts: ReadonlyArray<Resources>): Resources => parts.reduce(addResources, [])

/** A cluster with its allocator, as a master would keep it, that can be asked for explanations. */
export class AskedCluster {
  readonly agents = new Map<string, AllocatorAgent>()
  readonly frameworks = new Map<string, AllocatorFramework>()
  settings: AllocatorSettings
  readonly allocator: IndexedAllocator
  holdings: ReadonlyArray<Holding & { readonly agentId: string }> = []
  nowMs = 10_000

  constructor(settings: Partial<AllocatorSettings> = {}) {
    this.settings = { ...mesosAllocatorSettings, ...settings }
    this.allocator = new IndexedAllocator(this.settings, seedPrng(1))
  }

  host(agentId: string, total: Quantities | Resources, more: Partial<AllocatorAgent> = {}): this {
    const agent: AllocatorAgent = {
      agentId,
      hostname: `${agentId}.example`,
      total: Array.isArray(total) ? (total as Resources) : quantitiesToResources(total as Quantities),
      reserve: {},
      attributes: [],
      capabilities: ["MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT"],
      region: null,
      zone: null,
      isActive: true,
      ...more,
    }
    this.agents.set(agentId, agent)
    this.allocator.putAgent(agent)
    return this
  }

  framework(frameworkId: string, roles: ReadonlyArray<string>, more: Partial<AllocatorFramework> = {}): this {
    const framework: AllocatorFramework = {
      frameworkId,
      roles,
      suppressedRoles: [],
      isActive: true,
      capabilities: ["MULTI_ROLE", "RESERVATION_REFINEMENT"],
      minAllocatable: {},
      constraints: {},
      ...more,
    }
    this.frameworks.set(frameworkId, framework)
    this.allocator.putFramework(framework)
    return this
  }

  quota(role: string, quota: Quota): this {
    this.settings = { ...this.settings, quotas: { ...this.settings.quotas, [role]: quota } }
    this.allocator.setQuota(role, quota)
    return this
  }

  holds(
    by: "offer" | "task",
    frameworkId: string,
    role: string,
    agentId: string,
    amounts: Quantities | Resources,
  ): this {
    const resources = Array.isArray(amounts)
      ? (amounts as Resources)
      : quantitiesToResources(amounts as Quantities)
    this.allocator.adopt({ frameworkId, role, agentId }, resources)
    this.holdings = this.holdings.concat({ by, frameworkId, role, agentId, resources })
    return this
  }

  refuses(frameworkId: string, role: string, agentId: string, amounts: Quantities, refuseMs: number): this {
    const { nowMs } = this
    this.allocator.refuse({ frameworkId, role, agentId }, quantitiesToResources(amounts), {
      refuseMs,
      offeredAtMs: nowMs,
      nowMs,
      isDecline: true,
    })
    return this
  }

  get background() {
    return {
      holdingsOn: (agentId: string) => this.holdings.filter((holding) => holding.agentId === agentId),
      nameOf: (frameworkId: string) => frameworkId,
    }
  }

  /** Asked of the allocator's own view; the one that is made of the contract alone must say the same. */
  ask(question: Partial<Question>) {
    const full = { frameworkId: null, role: null, wanted: {}, nowMs: this.nowMs, ...question }
    const answers = explain(this.allocator.view(), full, this.background)
    expect(explain(viewOf(this), full, this.background)).toEqual(answers)
    return answers
  }

  /** What the first role says. */
  says(question: Partial<Question>): string {
    return this.ask(question)[0]!.text
  }
}
