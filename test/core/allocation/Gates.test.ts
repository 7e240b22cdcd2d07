import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  demandName,
  demandsOf,
  GPU,
  HIERARCHICAL_ROLE,
  hasSameDemands,
  isStripped,
  MULTI_ROLE,
  REGION,
  strippedOf,
  unfitOf,
} from "../../../core/allocation/Gates.ts"
import { type Reservation, toKind } from "../../../core/resources/Resource.ts"
import type { Resources } from "../../../core/resources/Resources.ts"
import { quantitiesToResources } from "../../../core/resources/Resources.ts"
import {
  agentOf,
  everyFrameworkCapability,
  exampleSettings,
  frameworkOf,
  reservationFor,
  revocable,
} from "../../support/allocation/Fixtures.ts"

const home = { ...exampleSettings, region: "home" }
const gpus = quantitiesToResources({ cpus: 1, gpus: 1 })

describe("the gates", () => {
  it("hide an agent with gpus from who does not know them, unless the setting says otherwise (spec §1.1)", () => {
    expect(demandsOf(agentOf("a", gpus), home)).toBe(GPU)
    expect(demandsOf(agentOf("a", revocable({ gpus: 1 })), home)).toBe(GPU)
    expect(demandsOf(agentOf("a", gpus), { ...home, filterGpuResources: false })).toBe(0)
    expect(demandsOf(agentOf("a", quantitiesToResources({ cpus: 1 })), home)).toBe(0)
    const noScalar: Resources = [{ kind: toKind({ name: "gpus", type: "set" }), value: ["x"] }]
    expect(demandsOf(agentOf("a", noScalar), home)).toBe(0)
    expect(unfitOf(everyFrameworkCapability, "r")! & GPU).toBe(0)
    expect(unfitOf([], "r") & GPU).toBe(GPU)
  })

  it("hide agents of another region, where both regions are known", () => {
    const demands = (agent: string | null, master: string | null) =>
      demandsOf(agentOf("a", gpus, { region: agent }), { ...home, region: master }) & REGION
    expect([demands("home", "home"), demands(null, "home"), demands("far", null)]).toEqual([0, 0, 0])
    expect(demands("far", "home")).toBe(REGION)
    expect([unfitOf(["REGION_AWARE"], "r") & REGION, unfitOf([], "r") & REGION]).toEqual([0, REGION])
  })

  it("keep MULTI_ROLE frameworks and hierarchical roles from agents that know neither (spec §1.5)", () => {
    const demands = (capabilities: ReadonlyArray<string>) =>
      demandsOf(agentOf("a", gpus, { capabilities }), { ...home, filterGpuResources: false })
    expect(demands([])).toBe(MULTI_ROLE | HIERARCHICAL_ROLE)
    expect(demands(["MULTI_ROLE"])).toBe(HIERARCHICAL_ROLE)
    expect(demands(["HIERARCHICAL_ROLE"])).toBe(MULTI_ROLE)
    expect(unfitOf(["GPU_RESOURCES", "REGION_AWARE"], "a")).toBe(0)
    expect(unfitOf(["GPU_RESOURCES", "REGION_AWARE"], "a/b")).toBe(HIERARCHICAL_ROLE)
    expect(unfitOf(everyFrameworkCapability, "a")).toBe(MULTI_ROLE)
  })

  it("name the capability of each demand", () => {
    expect([GPU, REGION, MULTI_ROLE, HIERARCHICAL_ROLE].map(demandName)).toEqual([
      "GPU_RESOURCES",
      "REGION_AWARE",
      "MULTI_ROLE",
      "HIERARCHICAL_ROLE",
    ])
  })
})

describe("isStripped", () => {
  it("takes out what a framework cannot handle: revocable, shared, refined (spec §1.12)", () => {
    const stacks: ReadonlyArray<ReadonlyArray<Reservation>> = [
      [],
      [reservationFor("a")],
      [reservationFor("a"), reservationFor("a/b")],
    ]
    const anyKind = fc
      .record({ isRevocable: fc.boolean(), isShared: fc.boolean(), reservations: fc.constantFrom(...stacks) })
      .map(({ isRevocable, isShared, reservations }) =>
        toKind({ name: "disk", type: "scalar", revocable: isRevocable, shared: isShared, reservations }),
      )
    fc.assert(
      fc.property(anyKind, fc.subarray(everyFrameworkCapability), (kind, capabilities) => {
        const can = (name: string) => capabilities.includes(name)
        const isTooMuch =
          (kind.revocable && !can("REVOCABLE_RESOURCES")) ||
          (kind.shared && !can("SHARED_RESOURCES")) ||
          (kind.reservations.length === 2 && !can("RESERVATION_REFINEMENT"))
        expect(isStripped(kind, strippedOf(capabilities))).toBe(isTooMuch)
      }),
    )
  })
})

describe("hasSameDemands", () => {
  it("is about capabilities, minima and constraints, and about nothing else", () => {
    const before = frameworkOf("f", ["a"])
    const isSame = (more: Parameters<typeof frameworkOf>[2]) =>
      hasSameDemands(
        before,
        frameworkOf("f", ["a", "b"], { suppressedRoles: ["a"], isActive: false, ...more }),
      )
    expect(isSame({})).toBe(true)
    expect(isSame({ capabilities: ["MULTI_ROLE"] })).toBe(false)
    expect(isSame({ minAllocatable: { a: [{ cpus: 1_000 }] } })).toBe(false)
    const onHost = { selector: { type: "hostname" }, predicate: { type: "textEquals", value: "h" } } as const
    expect(isSame({ constraints: { a: [[onHost]] } })).toBe(false)
  })
})
