import fc from "fast-check"
import { toQuantities } from "../../../core/resources/Quantities.ts"
import { isIndivisible, type Resource, toKind } from "../../../core/resources/Resource.ts"
import { quantitiesToResources, type Resources, toResources } from "../../../core/resources/Resources.ts"
import type { AgentForm } from "./Command.ts"
import { mountDisk, ports, reservationFor, reserved, revocable, volume } from "./Fixtures.ts"
import type { Ingredients } from "./Scenario.ts"

// Random hosts: all different, most of them plain, some with everything that a resource can be.

const amount = fc.constantFrom(0, 500, 1_000, 2_000, 3_500, 4_000, 4_000, 8_000, 8_000)

const plainTotals: fc.Arbitrary<Resources> = fc
  .tuple(amount, amount, fc.constantFrom(0, 0, 3_000))
  .map(([cpus, mem, disk]) => quantitiesToResources(toQuantities(Object.entries({ cpus, mem, disk }))))

const labelled = toResources([
  {
    kind: toKind({
      name: "cpus",
      type: "scalar",
      reservations: [reservationFor("a", { principal: "ops", labels: [{ key: "owner", value: "x" }] })],
    }),
    value: 1_000,
  },
])

const ofType = (
  name: string,
  type: "ranges" | "set",
  value: Resource["value"],
  ...roles: ReadonlyArray<string>
): Resources =>
  toResources([
    { kind: toKind({ name, type, reservations: roles.map((role) => reservationFor(role)) }), value },
  ])

/** What a host may have besides. */
const oddities: ReadonlyArray<Resources> = [
  reserved({ cpus: 1_000, mem: 1_000 }, "a"),
  reserved({ cpus: 2_000 }, "d"),
  reserved({ mem: 2_000 }, "a/b"),
  reserved({ cpus: 500, mem: 500 }, "d", "d/e"),
  reserved({ cpus: 1_000 }, "primary"),
  labelled,
  revocable({ cpus: 2_000 }),
  revocable({ cpus: 1_000, mem: 1_000 }),
  ports(31_000, 31_004),
  ports(31_000, 31_001, 31_010, 31_012),
  ofType("ports", "ranges", [80, 81], "a"),
  ofType("zones", "set", ["x", "y", "z"]),
  volume("v1", 1_000, "a"),
  volume("v2", 1_000, "d/e"),
  volume("s1", 1_000, "a", true),
  volume("s2", 2_000, "d", true),
  quantitiesToResources({ gpus: 1_000 }),
  quantitiesToResources({ licences: 2_000 }),
]

const disks: ReadonlyArray<Resources> = [
  mountDisk("/m1", 2_000),
  mountDisk("/m2", 4_000),
  toResources([{ kind: toKind({ name: "disk", type: "scalar", providerId: "p1" }), value: 1_500 }]),
]

const oddTotals = (extras: ReadonlyArray<Resources>): fc.Arbitrary<Resources> =>
  fc.tuple(plainTotals, fc.array(fc.constantFrom(...extras), { maxLength: 4 })).map(([plain, more]) => {
    const all = toResources([...plain, ...more.flat()])
    // A volume, a mount point stands on a host once.
    return all.filter(({ kind }, index) => !isIndivisible(kind) || all[index - 1]?.kind.key !== kind.key)
  })

const everyCapability = ["MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT"]

export const agentForms = (ingredients: Ingredients): fc.Arbitrary<AgentForm> =>
  fc.record<AgentForm>({
    total: ingredients.hasOddResources
      ? fc.oneof(plainTotals, oddTotals(ingredients.hasDisks ? [...oddities, ...disks] : oddities))
      : plainTotals,
    reserve: ingredients.hasOddResources
      ? fc.constantFrom<AgentForm["reserve"]>(
          {},
          {},
          { cpus: 1_000 },
          { cpus: 500, mem: 2_000 },
          { gpus: 9_000 },
        )
      : fc.constant({}),
    rack: fc.constantFrom(null, "r1", "r2"),
    capabilities: ingredients.hasGates
      ? fc.oneof({ weight: 5, arbitrary: fc.constant(everyCapability) }, fc.subarray(everyCapability))
      : fc.constant(everyCapability),
    region: ingredients.hasGates ? fc.constantFrom(null, null, "east", "west") : fc.constant(null),
  })
