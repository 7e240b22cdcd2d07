import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  bundleOfRow,
  freeInRest,
  isNothing,
  toBundle,
} from "../../../../core/allocation/IndexedAllocator/Bundle.ts"
import { ResourceNames } from "../../../../core/allocation/IndexedAllocator/ResourceNames.ts"
import { toQuantities } from "../../../../core/resources/Quantities.ts"
import { isPlain, type Resource, toKind } from "../../../../core/resources/Resource.ts"
import {
  noResources,
  quantitiesToResources,
  quantitiesWithCounts,
  toResources,
} from "../../../../core/resources/Resources.ts"
import { mountDisk, ports, reserved, revocable, volume } from "../../../support/allocation/Fixtures.ts"
import { anyResourceList } from "../../../support/ResourceGenerators.ts"

const isPlainScalar = ({ kind }: Resource) => kind.type === "scalar" && isPlain(kind)

/** Amounts by name of the resources that are wanted, one after the other. */
const sums = (list: ReadonlyArray<Resource>, isWanted: (resource: Resource) => boolean) =>
  toQuantities(list.filter(isWanted).map(({ kind, value }): [string, number] => [kind.name, value as number]))

const byName = (names: ResourceNames, row: ReadonlyArray<number>) =>
  toQuantities(row.map((milli, column): [string, number] => [names.names[column]!, milli]))

/** Some plain names more than the generators know, on either side of theirs. */
const withMore = (list: ReadonlyArray<Resource>, more: Readonly<Record<string, number>>) =>
  toResources([...list, ...quantitiesToResources(toQuantities(Object.entries(more)))])

const anyMore = fc.record({ aa: fc.nat(2), gpus: fc.nat(2), dis: fc.nat(1), zz: fc.nat(2), cpus: fc.nat(3) })

describe("toBundle", () => {
  it("takes any resources apart: what is plain, what counts for shares, what quotas count, what is held besides", () => {
    fc.assert(
      fc.property(anyResourceList, anyMore, (list, more) => {
        const names = new ResourceNames()
        const resources = withMore(list, more)
        const bundle = toBundle(names, resources)
        const rest = resources.filter((resource) => !isPlainScalar(resource))
        const isScalar = ({ kind }: Resource) => kind.type === "scalar" && !kind.shared
        expect(bundle.resources).toBe(resources)
        expect(bundle.rest).toEqual(rest)
        expect(byName(names, bundle.plain)).toEqual(sums(resources, isPlainScalar))
        expect(byName(names, bundle.counted)).toEqual(sums(resources, isScalar))
        expect(byName(names, bundle.free)).toEqual(
          sums(resources, (resource) => {
            const { reservations, revocable: isRevocable } = resource.kind
            return isScalar(resource) && reservations.length === 0 && !isRevocable
          }),
        )
        const shared = resources.filter(({ kind }) => kind.shared)
        const items = Object.values(quantitiesWithCounts(rest.filter(({ kind }) => kind.type !== "scalar")))
        expect(bundle.others).toBe(items.reduce((sum, milli) => sum + milli, shared.length))
        expect(bundle.hasShared).toBe(shared.length > 0)
        expect(isNothing(bundle.rest)).toBe(rest.length === shared.length)
        expect(byName(names, freeInRest(names, rest) ?? [])).toEqual(
          sums(
            rest,
            ({ kind }) => kind.type === "scalar" && !kind.revocable && kind.reservations.length === 0,
          ),
        )
      }),
      { numRuns: 80 },
    )
  })

  it("shares one array between plain, counted and free amounts while they are the same", () => {
    const names = new ResourceNames()
    const plain = toBundle(names, toResources([...quantitiesToResources({ cpus: 1 }), ...ports(1, 2)]))
    expect([plain.counted === plain.plain, plain.free === plain.plain]).toEqual([true, true])
    const other = toBundle(
      names,
      toResources([...quantitiesToResources({ cpus: 1 }), ...revocable({ cpus: 2 })]),
    )
    expect([other.plain, other.counted, other.free]).toEqual([[1], [3], [1]])
    expect(freeInRest(names, toResources([...revocable({ cpus: 2 }), ...reserved({ mem: 3 }, "a")]))).toBe(
      undefined,
    )
  })
})

describe("bundleOfRow", () => {
  it("puts plain amounts and a rest together to what they were before", () => {
    fc.assert(
      fc.property(anyResourceList, anyMore, fc.nat(9), (list, more, from) => {
        const names = new ResourceNames()
        for (const name of Object.keys(more)) names.numberOf(name)
        const resources = withMore(list, more)
        const { plain, rest, counted, free, others, hasShared } = toBundle(names, resources)
        const row = new Float64Array(from + names.width).fill(7)
        names.names.forEach((_, column) => {
          row[from + column] = plain[column] ?? 0
        })
        const built = bundleOfRow(names, row, from, rest)
        expect(built.resources).toEqual(resources)
        expect(built.rest).toBe(rest)
        expect([built.plain, built.counted, built.free].map((amounts) => byName(names, amounts))).toEqual(
          [plain, counted, free].map((amounts) => byName(names, amounts)),
        )
        expect([built.others, built.hasShared]).toEqual([others, hasShared])
      }),
      { numRuns: 80 },
    )
  })
})

describe("isNothing", () => {
  it("holds shared resources alone for no offer", () => {
    expect(isNothing(noResources)).toBe(true)
    expect(isNothing(volume("v", 5, "a", true))).toBe(true)
    expect(isNothing(volume("v", 5, "a"))).toBe(false)
    expect(isNothing(toResources([...volume("v", 5, "a", true), ...ports(1, 1)]))).toBe(false)
  })
})

describe("freeInRest", () => {
  it("sums up what is free of each name: disks of any source, amounts of a provider", () => {
    const names = new ResourceNames()
    const ofProvider = (name: string): Resource => ({
      kind: toKind({ name, type: "scalar", providerId: "p" }),
      value: 7,
    })
    const rest = toResources([
      ...mountDisk("/m", 5),
      ...mountDisk("/n", 4),
      ofProvider("cpus"),
      ofProvider("disk"),
      ...reserved({ disk: 3 }, "a"),
    ])
    expect(freeInRest(names, rest)).toEqual([7, 0, 16])
  })
})
