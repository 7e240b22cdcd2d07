import type { AllocatorAgent, AllocatorFramework } from "../../core/allocation/Allocator.ts"
import type { Quota } from "../../core/allocation/Settings.ts"
import { nextBelow, type Prng, seedPrng } from "../../core/Prng.ts"
import { noQuantities } from "../../core/resources/Quantities.ts"
import { toRanges } from "../../core/resources/Ranges.ts"
import { plainScalar, toKind } from "../../core/resources/Resource.ts"
import { type Resources, toResources } from "../../core/resources/Resources.ts"
import type { Shape } from "./Shape.ts"
import { wrongResult } from "./WrongResult.ts"

/** `alike` as recorded for Mesos; in `mixed` no two hosts and no two roles are the same, so a cache over equal ones wins nothing. */
export type Variant = "alike" | "mixed"

/** Amounts of a host in plain numbers, for books that are kept apart from the allocator's: milli-units and flat inclusive ranges. */
export interface Amounts {
  readonly cpus: number
  readonly mem: number
  readonly disk: number
  readonly ports: ReadonlyArray<number>
}

/** A cluster before anything is allocated. Everything is computed from the index, so that the bench itself holds next to nothing. */
export interface Workload {
  readonly shape: Shape
  readonly totalOf: (agent: number) => Amounts
  /** In use from the start by framework `agent mod frameworks`; null = nothing. */
  readonly usedOf: (agent: number) => Amounts | null
  readonly roleOf: (framework: number) => string
  readonly weights: { readonly [role: string]: number }
  readonly quotas: { readonly [role: string]: Quota }
}

// --- tables 1 and 2 ---

/** Table 1: hosts of 24 cpus, 4 GiB, a thousand ports; with `isUsed` table 2, where a part of each is in use. */
export const clusterWorkload = (shape: Shape, variant: Variant, isUsed: boolean): Workload => {
  const { frameworks, roles } = shape
  const roleOf = (framework: number) => (roles === 1 ? "*" : `role${framework % roles}`)
  const totalOf = variant === "alike" ? () => alikeTotal : mixedTotal
  const usedOf = variant === "alike" ? () => alikeUsed : mixedUsed
  const weights: { [role: string]: number } = {}
  for (let framework = 0; framework < Math.min(frameworks, roles); framework++)
    weights[roleOf(framework)] = variant === "alike" ? 1 : mixedWeight(framework, roles)
  return { shape, totalOf, usedOf: isUsed ? usedOf : () => null, roleOf, weights, quotas: {} }
}

const alikeTotal: Amounts = { cpus: 24_000, mem: 4_096_000, disk: 4_096_000, ports: [31_000, 32_000] }

const singlePorts = (begin: number, step: number): ReadonlyArray<number> =>
  Array.from({ length: 16 }, (_, index) => begin + step * index).flatMap((port) => [port, port])

const alikeUsed: Amounts = { cpus: 16_000, mem: 2_014_000, disk: 1_024_000, ports: singlePorts(31_000, 62) }

const chanceOf = (what: string, agent: number): Prng => seedPrng(`${what} ${agent}`)

/** 8 to 40 cpus, 4 to 8 GiB; the index goes into memory and into the first range, so that no two are alike. */
const mixedTotal = (agent: number): Amounts => {
  const prng = chanceOf("host", agent)
  const begin = 10_000 + (agent % 10_000)
  const end = 21_000 + 50 * Math.floor(agent / 10_000) + nextBelow(prng, 50)
  return {
    cpus: 8_000 + nextBelow(prng, 32_000),
    mem: 4_000_000 + 100_000 * nextBelow(prng, 41) + (agent % 100_000),
    disk: 4_000_000 + nextBelow(prng, 8_000_000),
    ports: [begin, end, end + 2, end + 2 + nextBelow(prng, 5_000)],
  }
}

/** A third to two thirds of the host, and 16 single ports somewhere in its first range. */
const mixedUsed = (agent: number): Amounts => {
  const prng = chanceOf("used", agent)
  const total = mixedTotal(agent)
  const part = (amount: number) => Math.floor((amount * (1_000 + nextBelow(prng, 1_000))) / 3_000)
  const step = 2 + nextBelow(prng, 50)
  return {
    cpus: part(total.cpus),
    mem: part(total.mem),
    disk: part(total.disk),
    ports: singlePorts(total.ports[0]! + nextBelow(prng, 100), step),
  }
}

/** 0.5 to 3, spread over the roles without their order. */
const mixedWeight = (role: number, roles: number): number => {
  const place = (role * 7_919) % 10_007
  return 0.5 + (2.5 * (place + role / (roles + 1))) / 10_007
}

// --- table 3 ---

/** Table 3: as many hosts, frameworks and roles; each role has a guarantee that is its limit too, one in six a large one. */
export const quotaWorkload = (shape: Shape, variant: Variant): Workload => {
  const { roles } = shape
  const roleOf = (framework: number) => `role${framework % roles}`
  const quotas: { [role: string]: Quota } = {}
  for (let role = 0; role < roles; role++) {
    const { cpus, mem, disk } = quotaOf(role, variant)
    quotas[roleOf(role)] = { guarantees: { cpus, disk, mem }, limits: { cpus, disk, mem } }
  }
  const totalOf = variant === "alike" ? () => quotaTotal : mixedQuotaTotal
  return { shape, totalOf, usedOf: () => null, roleOf, weights: {}, quotas }
}

const quotaTotal: Amounts = { cpus: 2_000, mem: 2_048_000, disk: 2_048_000, ports: [] }
const smallQuota: Amounts = { cpus: 1_000, mem: 1_024_000, disk: 1_024_000, ports: [] }
const largeQuota: Amounts = { cpus: 4_000, mem: 4_096_000, disk: 4_096_000, ports: [] }

const mixedQuotaTotal = (agent: number): Amounts => {
  const prng = chanceOf("quota host", agent)
  return {
    cpus: 1_500 + nextBelow(prng, 1_000),
    mem: 1_500_000 + 100_000 * nextBelow(prng, 11) + (agent % 100_000),
    disk: 1_500_000 + nextBelow(prng, 1_000_000),
    ports: [],
  }
}

/** 70 to 130 % of what the alike ones have. */
export const quotaOf = (role: number, variant: Variant): Amounts => {
  const plain = role % 6 === 5 ? largeQuota : smallQuota
  if (variant === "alike") return plain
  const prng = chanceOf("quota", role)
  const part = (amount: number) => Math.floor((amount * (700 + nextBelow(prng, 601))) / 1_000)
  return { cpus: part(plain.cpus), mem: part(plain.mem), disk: part(plain.disk), ports: [] }
}

// --- to and from what the allocator speaks ---

const idPrefix = "5f1c8d0e-3d0b-4f6e-9a52-6d1f4c2b7a90-S"
const ports = toKind({ name: "ports", type: "ranges" })

export const agentIdOf = (agent: number): string => idPrefix + agent
export const frameworkIdOf = (framework: number): string => `framework${framework}`

export const agentOf = (agentId: string, agents: number): number => indexOf(agentId, idPrefix, agents)
export const frameworkOf = (frameworkId: string, frameworks: number): number =>
  indexOf(frameworkId, "framework", frameworks)

const indexOf = (id: string, prefix: string, count: number): number => {
  const index = id.startsWith(prefix) ? Number(id.slice(prefix.length)) : Number.NaN
  if (index >= 0 && index < count && prefix + index === id) return index
  return wrongResult(`an offer names "${id}", which does not exist`)
}

export const amountsToResources = (amounts: Amounts): Resources => {
  const pairs: Array<readonly [number, number]> = []
  for (let at = 0; at < amounts.ports.length; at += 2)
    pairs.push([amounts.ports[at]!, amounts.ports[at + 1]!])
  return toResources([
    { kind: plainScalar("cpus"), value: amounts.cpus },
    { kind: plainScalar("mem"), value: amounts.mem },
    { kind: plainScalar("disk"), value: amounts.disk },
    ...(pairs.length === 0 ? [] : [{ kind: ports, value: toRanges(pairs) }]),
  ])
}

const noAttributes: AllocatorAgent["attributes"] = []
const agentCapabilities = ["MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT"]

export const toAgent = (agent: number, total: Amounts): AllocatorAgent => ({
  agentId: agentIdOf(agent),
  hostname: `host${agent}.example.org`,
  total: amountsToResources(total),
  reserve: noQuantities,
  attributes: noAttributes,
  capabilities: agentCapabilities,
  region: null,
  zone: null,
  isActive: true,
})

export const toFramework = (framework: number, role: string): AllocatorFramework => ({
  frameworkId: frameworkIdOf(framework),
  roles: [role],
  suppressedRoles: [],
  isActive: true,
  capabilities: ["MULTI_ROLE"],
  minAllocatable: {},
  constraints: {},
})
