import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { toQuantities } from "../../../core/resources/Quantities.ts"
import {
  isIndivisible,
  plainScalar,
  type Reservation,
  type Resource,
  type ResourceValue,
  resourceOf,
  toKind,
} from "../../../core/resources/Resource.ts"
import {
  addResources,
  containsResources,
  isNoResources,
  noResources,
  pickResources,
  plainQuantities,
  quantitiesToResources,
  quantitiesWithCounts,
  type Resources,
  resourcesToText,
  sameResources,
  scalarQuantities,
  subtractResources,
  toResources,
} from "../../../core/resources/Resources.ts"
import { anyResourceList, anyResources, anyTwoResources } from "../../support/ResourceGenerators.ts"

const reservedFor = (role: string, more: Partial<Reservation> = {}): Reservation => ({
  type: "dynamic",
  role,
  principal: null,
  labels: [],
  ...more,
})
const cpus = (milli: number, ...reservations: ReadonlyArray<Reservation>): Resource =>
  resourceOf(toKind({ name: "cpus", type: "scalar", reservations }), milli)
const ports = (...ranges: ReadonlyArray<number>): Resource =>
  resourceOf(toKind({ name: "ports", type: "ranges" }), ranges)
const volume = (id: string, milli: number, isShared = false): Resource =>
  resourceOf(
    toKind({
      name: "disk",
      type: "scalar",
      reservations: [reservedFor("a")],
      disk: { persistence: { id, principal: null }, volume: null, source: null },
      shared: isShared,
    }),
    milli,
  )
const mountDisk = (milli: number): Resource =>
  resourceOf(
    toKind({
      name: "disk",
      type: "scalar",
      disk: {
        persistence: null,
        volume: null,
        source: { type: "MOUNT", root: "/mnt/1", id: null, profile: null },
      },
    }),
    milli,
  )

/**
 * The obvious twin: what there is, atom by atom, and how much of each. A thousandth of a scalar, one number of ranges, one item,
 * one piece or copy of what is indivisible.
 */
const atomsOf = (list: Iterable<Resource>): Map<string, number> => {
  const atoms = new Map<string, number>()
  for (const { kind, value } of list) {
    const put = (what: unknown, count: number) => {
      const atom = JSON.stringify([kind.key, what])
      const isOnce = kind.type !== "scalar"
      if (count > 0) atoms.set(atom, isOnce ? 1 : (atoms.get(atom) ?? 0) + count)
    }
    if (kind.type === "scalar" && isIndivisible(kind)) put(value, (value as number) > 0 ? 1 : 0)
    else if (kind.type === "scalar") put("milli", value as number)
    else if (kind.type === "set") for (const item of value as ReadonlyArray<string>) put(item, 1)
    else for (const port of numbersOf(value)) put(port, 1)
  }
  return atoms
}

const numbersOf = (value: ResourceValue): ReadonlyArray<number> => {
  const ranges = value as ReadonlyArray<number>
  const numbers: Array<number> = []
  for (let i = 0; i < ranges.length; i += 2) {
    for (let n = ranges[i]!; n <= ranges[i + 1]!; n++) numbers.push(n)
  }
  return numbers
}

const hasAtoms = (left: Map<string, number>, right: Map<string, number>): boolean =>
  [...right].every(([atom, count]) => (left.get(atom) ?? 0) >= count)

const withoutAtoms = (left: Map<string, number>, right: Map<string, number>): Map<string, number> =>
  new Map(
    [...left]
      .map(([atom, count]): [string, number] => [atom, count - (right.get(atom) ?? 0)])
      .filter(([, count]) => count > 0),
  )

const expectNormal = (resources: Resources): void => {
  resources.forEach((resource, index) => {
    expect(resource.value === 0 || (Array.isArray(resource.value) && resource.value.length === 0)).toBe(false)
    const before = resources[index - 1]
    if (before === undefined) return
    if (before.kind.key === resource.kind.key) {
      expect(isIndivisible(resource.kind)).toBe(true)
      expect(before.value <= resource.value).toBe(true)
    } else expect(before.kind.key < resource.kind.key).toBe(true)
  })
}

describe("Resources against atoms counted one by one", () => {
  it("are in normal form and hold what the list holds", () => {
    fc.assert(
      fc.property(anyResourceList, (list) => {
        const resources = toResources(list)
        expectNormal(resources)
        expect(atomsOf(resources)).toEqual(atomsOf(list))
        expect(toResources([...list].reverse())).toEqual(resources)
      }),
      { numRuns: 500 },
    )
  })

  it("add", () => {
    fc.assert(
      fc.property(anyTwoResources, ([left, right]) => {
        const sum = addResources(left, right)
        expectNormal(sum)
        expect(atomsOf(sum)).toEqual(atomsOf([...left, ...right]))
        expect(addResources(right, left)).toEqual(sum)
        expect(toResources([...left, ...right])).toEqual(sum)
      }),
      { numRuns: 1000 },
    )
  })

  it("contain", () => {
    fc.assert(
      fc.property(anyTwoResources, ([left, right]) => {
        expect(containsResources(left, right)).toBe(hasAtoms(atomsOf(left), atomsOf(right)))
        expect(containsResources(addResources(left, right), left)).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  it("subtract, or refuse", () => {
    fc.assert(
      fc.property(anyTwoResources, ([left, right]) => {
        const sum = addResources(left, right)
        const rest = subtractResources(sum, right)
        expectNormal(rest)
        expect(atomsOf(rest)).toEqual(withoutAtoms(atomsOf(sum), atomsOf(right)))
        if (containsResources(left, right)) {
          expect(atomsOf(subtractResources(left, right))).toEqual(withoutAtoms(atomsOf(left), atomsOf(right)))
        } else expect(() => subtractResources(left, right)).toThrow("cannot take")
      }),
      { numRuns: 1000 },
    )
  })
})

describe("Resources", () => {
  it("take back what was added, where ranges and sets have nothing in common", () => {
    fc.assert(
      fc.property(anyTwoResources, ([left, right]) => {
        const sum = addResources(left, right)
        const atoms = atomsOf(left)
        const isApart = right.every(
          (resource) =>
            resource.kind.type === "scalar" ||
            [...atomsOf([resource]).keys()].every((atom) => !atoms.has(atom)),
        )
        fc.pre(isApart)
        expect(sameResources(subtractResources(sum, right), left)).toBe(true)
        expect(sameResources(subtractResources(sum, left), right)).toBe(true)
      }),
    )
  })

  it("are partially ordered by contains", () => {
    fc.assert(
      fc.property(anyTwoResources, anyResources, ([left, right], other) => {
        expect(containsResources(left, left)).toBe(true)
        expect(containsResources(toResources(left), left)).toBe(true)
        expect(containsResources(left, noResources)).toBe(true)
        const isBoth = containsResources(left, right) && containsResources(right, left)
        expect(isBoth).toBe(sameResources(left, right))
        const most = addResources(addResources(left, right), other)
        expect(containsResources(most, addResources(left, right))).toBe(true)
        expect(containsResources(most, right)).toBe(true)
      }),
    )
  })

  it("give an argument itself back where nothing changes", () => {
    fc.assert(
      fc.property(anyResources, (resources) => {
        expect(addResources(resources, noResources)).toBe(resources)
        expect(addResources(noResources, resources)).toBe(resources)
        expect(subtractResources(resources, noResources)).toBe(resources)
        expect(subtractResources(resources, toResources(resources))).toBe(noResources)
        expect(subtractResources(resources, resources)).toBe(noResources)
        expect(pickResources(resources, () => true)).toBe(resources)
        expect(pickResources(resources, () => false)).toBe(noResources)
      }),
    )
    expect(toResources([])).toBe(noResources)
    expect(toResources([cpus(0), ports()])).toBe(noResources)
    const untouched = cpus(5)
    expect(addResources([untouched], [ports(1, 2)])[0]).toBe(untouched)
    expect(subtractResources([untouched, ports(1, 2)], [ports(1, 2)])[0]).toBe(untouched)
  })

  it("never satisfy an unreserved request with what is reserved, nor the reverse", () => {
    expect(containsResources([cpus(9, reservedFor("a"))], [cpus(1)])).toBe(false)
    expect(containsResources([cpus(9)], [cpus(1, reservedFor("a"))])).toBe(false)
    const both = toResources([cpus(4), cpus(4, reservedFor("a"))])
    expect(containsResources(both, [cpus(5)])).toBe(false)
    expect(containsResources(both, [cpus(4)])).toBe(true)
  })

  it("never merge reservations that differ in role, type, principal, labels or depth", () => {
    const owners = [
      [reservedFor("a")],
      [reservedFor("b")],
      [reservedFor("a", { type: "static" })],
      [reservedFor("a", { principal: "ops" })],
      [reservedFor("a", { labels: [{ key: "k", value: "v" }] })],
      [reservedFor("a", { labels: [{ key: "k", value: "w" }] })],
      [reservedFor("a"), reservedFor("a/b")],
    ]
    const each = toResources(owners.map((stack) => cpus(1, ...stack)))
    expect(each.length).toBe(owners.length)
    for (const stack of owners) {
      expect(containsResources(each, [cpus(1, ...stack)])).toBe(true)
      expect(containsResources(each, [cpus(2, ...stack)])).toBe(false)
    }
  })

  it("merge equal reservations whose labels came in another order", () => {
    const labels = [
      { key: "a", value: "1" },
      { key: "b", value: "2" },
    ]
    const turned = [...labels].reverse()
    expect(
      toResources([cpus(1, reservedFor("a", { labels })), cpus(2, reservedFor("a", { labels: turned }))]),
    ).toEqual([cpus(3, reservedFor("a", { labels }))])
  })

  it("keep volumes and MOUNT disks whole and apart", () => {
    const disks = toResources([mountDisk(8), mountDisk(5), volume("v1", 3), volume("v2", 3)])
    expect(disks.length).toBe(4)
    expect(addResources([mountDisk(5)], [mountDisk(5)])).toEqual([mountDisk(5), mountDisk(5)])
    expect(containsResources(disks, [mountDisk(4)])).toBe(false)
    expect(containsResources(disks, [mountDisk(8)])).toBe(true)
    expect(containsResources(disks, [mountDisk(5), mountDisk(8)])).toBe(true)
    expect(containsResources(disks, [mountDisk(5), mountDisk(5)])).toBe(false)
    expect(subtractResources(disks, [mountDisk(8)])).toEqual(
      toResources([mountDisk(5), volume("v1", 3), volume("v2", 3)]),
    )
    expect(() => subtractResources(disks, [volume("v1", 2)])).toThrow("cannot take")
  })

  it("order equal volumes by their use, whoever came first", () => {
    const mounted = (containerPath: string) => {
      const { kind } = volume("v1", 3, true)
      const disk = { ...kind.disk!, volume: { containerPath, mode: "RW" as const } }
      return resourceOf(toKind({ ...kind, disk }), 3)
    }
    const both = [mounted("here"), mounted("there")]
    expect(addResources([both[1]!], [both[0]!])).toEqual(both)
    expect(addResources([both[0]!], [both[1]!])).toEqual(both)
    expect(toResources([both[1]!, both[0]!])).toEqual(both)
    expect(containsResources([both[1]!], [both[0]!])).toBe(true)
    expect(subtractResources(both, [mounted("elsewhere")])).toEqual([both[1]])
  })

  it("count shared resources by copies, and their amount once", () => {
    const copy = [volume("v1", 3, true)]
    const three = addResources(addResources(copy, copy), copy)
    expect(three.length).toBe(3)
    expect(containsResources(three, addResources(copy, copy))).toBe(true)
    expect(containsResources(copy, addResources(copy, copy))).toBe(false)
    expect(subtractResources(three, copy)).toEqual(addResources(copy, copy))
    expect(scalarQuantities(three)).toEqual({ disk: 3 })
    expect(scalarQuantities(addResources(three, [volume("v2", 4, true)]))).toEqual({ disk: 7 })
    expect(scalarQuantities([volume("v1", 3), volume("v1", 3)])).toEqual({ disk: 6 })
    expect(containsResources(three, [volume("v1", 3)])).toBe(false)
  })

  it("refuse values that do not fit their kind, and sums that are no longer exact", () => {
    expect(() => toResources([cpus(0.5)])).toThrow("resource cpus: 0.5 is no scalar")
    expect(() => toResources([cpus(-1)])).toThrow("is no scalar")
    expect(() => toResources([ports(3, 4, 1, 2)])).toThrow("resource ports: [3,4,1,2] is no ranges")
    const zones = toKind({ name: "zones", type: "set" })
    expect(() => toResources([resourceOf(zones, ["b", "a"])])).toThrow("is no set")
    const most = Number.MAX_SAFE_INTEGER
    expect(addResources([cpus(most - 1)], [cpus(1)])).toEqual([cpus(most)])
    expect(() => addResources([cpus(most)], [cpus(1)])).toThrow("beyond exact")
  })

  it("say what cannot be taken from what", () => {
    expect(() => subtractResources([cpus(1500)], [cpus(2000)])).toThrow("cannot take cpus:2 from cpus:1.5")
    expect(() => subtractResources([cpus(1)], [ports(1, 2)])).toThrow("cannot take ports:[1-2] from")
    expect(() => subtractResources(noResources, [cpus(1)])).toThrow("cannot take")
  })
})

describe("Resources as quantities", () => {
  const all = toResources([
    cpus(1000),
    cpus(500, reservedFor("a")),
    resourceOf(toKind({ name: "cpus", type: "scalar", revocable: true }), 200),
    resourceOf(plainScalar("mem"), 64_000),
    ports(1, 3, 7, 7),
    resourceOf(toKind({ name: "zones", type: "set", reservations: [reservedFor("a")] }), ["x", "y"]),
    volume("v", 10),
  ])

  it("are there and back the same for plain scalars", () => {
    const amounts = fc.dictionary(
      fc.constantFrom("cpus", "mem", "disk", "gpus", "x", "constructor"),
      fc.nat(9),
    )
    fc.assert(
      fc.property(amounts, (byName) => {
        const quantities = toQuantities(Object.entries(byName))
        const resources = quantitiesToResources(quantities)
        expectNormal(resources)
        expect(JSON.stringify(plainQuantities(resources))).toBe(JSON.stringify(quantities))
        expect(isNoResources(resources)).toBe(Object.keys(quantities).length === 0)
      }),
    )
  })

  it("count plain scalars, all scalars, or everything", () => {
    expect(JSON.stringify(plainQuantities(all))).toBe('{"cpus":1000,"mem":64000}')
    expect(JSON.stringify(scalarQuantities(all))).toBe('{"cpus":1700,"disk":10,"mem":64000}')
    expect(JSON.stringify(quantitiesWithCounts(all))).toBe(
      '{"cpus":1700,"disk":10,"mem":64000,"ports":4000,"zones":2000}',
    )
    expect(plainQuantities([volume("v", 1)])).toEqual({})
  })

  it("stay exact where the count of numbers would not", () => {
    expect(quantitiesWithCounts([ports(0, Number.MAX_SAFE_INTEGER)])).toEqual({
      ports: Number.MAX_SAFE_INTEGER,
    })
  })

  it("can be picked from", () => {
    expect(plainQuantities(pickResources(all, ({ kind }) => kind.name === "mem"))).toEqual({ mem: 64_000 })
    expect(pickResources(all, ({ kind }) => kind.type === "ranges")).toEqual([ports(1, 3, 7, 7)])
  })

  it("read like Mesos's, with what makes them special", () => {
    expect(resourcesToText(noResources)).toBe("{}")
    expect(resourcesToText(toResources([cpus(500), ports(1, 3)]))).toBe("cpus:0.5; ports:[1-3]")
    const zones = toKind({ name: "zones", type: "set", providerId: "p1", revocable: true })
    expect(resourcesToText([resourceOf(zones, ["a", "b"])])).toBe("zones(revocable, of provider p1):{a, b}")
    const labels = [{ key: "k", value: "v" }]
    const stack = [reservedFor("a", { type: "static" }), reservedFor("a/b", { principal: "ops", labels })]
    expect(resourcesToText([cpus(1000, ...stack)])).toBe(
      "cpus(set apart for a, reserved for a/b by ops k=v):1",
    )
    expect(resourcesToText([volume("v1", 2000, true)])).toBe("disk(reserved for a, volume v1, shared):2")
    expect(resourcesToText([mountDisk(2000)])).toBe("disk(MOUNT /mnt/1):2")
  })
})
