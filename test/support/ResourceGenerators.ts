import fc from "fast-check"
import { type ItemSet, toItems } from "../../core/resources/ItemSet.ts"
import { type Ranges, toRanges } from "../../core/resources/Ranges.ts"
import {
  type DiskInfo,
  type Reservation,
  type Resource,
  type ResourceKind,
  resourceOf,
  toKind,
} from "../../core/resources/Resource.ts"
import { type Resources, toResources } from "../../core/resources/Resources.ts"

// Small worlds, so that kinds and values meet often.

export const anyRanges: fc.Arbitrary<Ranges> = fc
  .array(fc.tuple(fc.nat(30), fc.nat(5)), { maxLength: 6 })
  .map((pairs) => toRanges(pairs.map(([begin, length]) => [begin, begin + length])))

export const anyItems: fc.Arbitrary<ItemSet> = fc.subarray(["a", "b", "c", "d", "e"]).map(toItems)

export const anyReservation: fc.Arbitrary<Reservation> = fc.record({
  type: fc.constantFrom("static", "dynamic"),
  role: fc.constantFrom("a", "a/b", "ab"),
  principal: fc.constantFrom(null, "ops"),
  labels: fc.shuffledSubarray([
    { key: "k", value: "v" },
    { key: "k", value: "w" },
  ]),
})

const anyDisk: fc.Arbitrary<DiskInfo> = fc
  .record({
    persistence: fc.option(
      fc.record({ id: fc.constantFrom("v1", "v2"), principal: fc.constantFrom(null, "ops") }),
    ),
    volume: fc.option(fc.record({ containerPath: fc.constant("data"), mode: fc.constantFrom("RW", "RO") })),
    source: fc.option(
      fc.record({
        type: fc.constantFrom("PATH", "MOUNT", "BLOCK", "RAW"),
        root: fc.constantFrom(null, "/mnt"),
        id: fc.constantFrom(null, "id"),
        profile: fc.constant(null),
      }),
    ),
  })
  .map((disk) => (disk.persistence === null ? { ...disk, volume: null } : disk))

/** Most kinds are plain or reserved, some revocable, of a provider, disks or shared. */
export const anyKind: fc.Arbitrary<ResourceKind> = fc
  .record({
    base: fc.constantFrom(
      { name: "cpus", type: "scalar" as const },
      { name: "disk", type: "scalar" as const },
      { name: "ports", type: "ranges" as const },
      { name: "zones", type: "set" as const },
    ),
    reservations: fc.array(anyReservation, { maxLength: 2 }),
    disk: fc.option(anyDisk, { freq: 1 }),
    revocable: fc.boolean(),
    shared: fc.boolean(),
    providerId: fc.constantFrom(null, null, null, "p1"),
  })
  .map(({ base, reservations, disk, revocable, shared, providerId }) =>
    toKind({
      ...base,
      reservations,
      disk: base.name === "disk" ? disk : null,
      revocable,
      shared: shared && base.name === "disk",
      providerId,
    }),
  )

/** Never empty handed for long: a value of nothing is among them, as normal form must drop it. */
export const resourceOfKind = (kind: ResourceKind): fc.Arbitrary<Resource> => {
  const values = { scalar: fc.nat(4), ranges: anyRanges, set: anyItems }
  return values[kind.type].map((value) => resourceOf(kind, value))
}

/** Not in normal form. A few kinds only, so that most of them stand there more than once. */
export const anyResourceList: fc.Arbitrary<ReadonlyArray<Resource>> = fc
  .array(anyKind, { minLength: 1, maxLength: 4 })
  .chain((kinds) => fc.array(fc.constantFrom(...kinds).chain(resourceOfKind), { maxLength: 8 }))

/** Two lists in normal form that share many kinds. */
export const anyTwoResources: fc.Arbitrary<readonly [Resources, Resources]> = fc
  .array(anyKind, { minLength: 1, maxLength: 4 })
  .chain((kinds) => {
    const list = fc.array(fc.constantFrom(...kinds).chain(resourceOfKind), { maxLength: 6 }).map(toResources)
    return fc.tuple(list, list)
  })

export const anyResources: fc.Arbitrary<Resources> = anyResourceList.map(toResources)
