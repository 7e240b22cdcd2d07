import { describe, expect, it } from "vitest"
import {
  addFilter,
  expireFilters,
  filterKey,
  filterScope,
  isFiltered,
  nextExpiryMs,
  type OfferFilters,
} from "../../../core/allocation/OfferFilters.ts"

const scope = { frameworkId: "f", role: "eng/web", agentId: "a" }
const key = filterKey(scope)

describe("OfferFilters", () => {
  it("filter what is not more than was refused, until they expire (spec/mesos.md §1.5)", () => {
    const filters: OfferFilters = new Map()
    addFilter(filters, key, { resources: { cpus: 4_000 }, expiresAtMs: 100 })
    expect(isFiltered(filters, scope, { cpus: 4_000 }, 99)).toBe(true)
    expect(isFiltered(filters, scope, { cpus: 3_000 }, 99)).toBe(true)
    expect(isFiltered(filters, scope, { cpus: 4_001 }, 99)).toBe(false)
    expect(isFiltered(filters, scope, { cpus: 1_000, mem: 1 }, 99)).toBe(false)
    expect(isFiltered(filters, { ...scope, agentId: "b" }, { cpus: 1 }, 99)).toBe(false)
    expect(isFiltered(filters, scope, { cpus: 1 }, 100)).toBe(false)
  })

  it("keep a longer filter when a shorter, wider one comes, and drop what is covered", () => {
    const filters: OfferFilters = new Map()
    addFilter(filters, key, { resources: { cpus: 4_000 }, expiresAtMs: 1_000 })
    addFilter(filters, key, { resources: { cpus: 8_000 }, expiresAtMs: 10 })
    addFilter(filters, key, { resources: { cpus: 2_000 }, expiresAtMs: 500 })
    expect(filters.get(key)).toHaveLength(2)
    expect(nextExpiryMs(filters, key)).toBe(10)
    expireFilters(filters, key, 10)
    expect(isFiltered(filters, scope, { cpus: 4_000 }, 999)).toBe(true)
    expect(isFiltered(filters, scope, { cpus: 8_000 }, 11)).toBe(false)
    expireFilters(filters, key, 1_000)
    expect(filters.size).toBe(0)
  })

  it("have keys that no id can forge", () => {
    const odd = { frameworkId: 'a","b', role: "r", agentId: "c" }
    expect(filterScope(filterKey(odd))).toEqual(odd)
    expect(filterKey(odd)).not.toBe(filterKey({ frameworkId: "a", role: 'b","r', agentId: "c" }))
  })
})
