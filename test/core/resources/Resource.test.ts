import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  type DiskInfo,
  isAllocatableTo,
  isIndivisible,
  isPlain,
  isRefined,
  isReservedFor,
  isUnreserved,
  kindProblem,
  plainScalar,
  type Reservation,
  reservationRole,
  toKind,
} from "../../../core/resources/Resource.ts"
import { anyKind } from "../../support/ResourceGenerators.ts"

const reservedFor = (role: string): Reservation => ({ type: "dynamic", role, principal: "ops", labels: [] })
const reserved = (...roles: ReadonlyArray<string>) =>
  toKind({ name: "cpus", type: "scalar", reservations: roles.map(reservedFor) })
const noDiskInfo: DiskInfo = { persistence: null, volume: null, source: null }
const diskOf = (disk: Partial<DiskInfo>) =>
  toKind({ name: "disk", type: "scalar", disk: { ...noDiskInfo, ...disk } })

describe("the key of a kind", () => {
  const fields = {
    name: "disk",
    type: "scalar" as const,
    reservations: [{ ...reservedFor("a"), labels: [{ key: "k", value: "v" }] }],
    disk: {
      persistence: { id: "v1", principal: "ops" },
      volume: { containerPath: "data", mode: "RW" as const },
      source: { type: "MOUNT" as const, root: "/mnt", id: "1", profile: "fast" },
    },
    revocable: true,
    shared: true,
    providerId: "p",
  }
  const { disk, reservations } = fields
  const reservation = reservations[0]!

  it("differs with every part of the identity", () => {
    const variants = [
      fields,
      { ...fields, name: "mem" },
      { ...fields, reservations: [] },
      { ...fields, reservations: [reservation, reservation] },
      { ...fields, reservations: [{ ...reservation, type: "static" as const }] },
      { ...fields, reservations: [{ ...reservation, role: "b" }] },
      { ...fields, reservations: [{ ...reservation, principal: "dev" }] },
      { ...fields, reservations: [{ ...reservation, principal: null }] },
      { ...fields, reservations: [{ ...reservation, labels: [] }] },
      { ...fields, reservations: [{ ...reservation, labels: [{ key: "k", value: "w" }] }] },
      { ...fields, reservations: [{ ...reservation, labels: [{ key: "l", value: "v" }] }] },
      { ...fields, disk: null },
      { ...fields, disk: { ...disk, persistence: null, volume: null } },
      { ...fields, disk: { ...disk, persistence: { id: "v2", principal: "ops" } } },
      { ...fields, disk: { ...disk, source: null } },
      { ...fields, disk: { ...disk, source: { ...disk.source, type: "BLOCK" as const } } },
      { ...fields, disk: { ...disk, source: { ...disk.source, root: "/srv" } } },
      { ...fields, disk: { ...disk, source: { ...disk.source, id: "2" } } },
      { ...fields, disk: { ...disk, source: { ...disk.source, profile: null } } },
      { ...fields, revocable: false },
      { ...fields, shared: false },
      { ...fields, providerId: null },
      { name: "disk", type: "scalar" as const },
      { name: "disk", type: "ranges" as const },
      { name: "disk", type: "set" as const },
    ]
    const keys = variants.map((variant) => toKind(variant).key)
    expect(new Set(keys).size).toBe(variants.length)
  })

  it("does not see the order of labels, nor how a volume is used and who made it", () => {
    const labels = [
      { key: "b", value: "2" },
      { key: "a", value: "9" },
      { key: "a", value: "1" },
    ]
    const forth = toKind({ ...fields, reservations: [{ ...reservation, labels }] })
    const back = toKind({ ...fields, reservations: [{ ...reservation, labels: [...labels].reverse() }] })
    expect(back).toEqual(forth)
    const elsewhere = { containerPath: "elsewhere", mode: "RO" as const }
    expect(toKind({ ...fields, disk: { ...disk, volume: elsewhere } }).key).toBe(toKind(fields).key)
    const madeByNobody = { ...disk, persistence: { id: "v1", principal: null } }
    expect(toKind({ ...fields, disk: madeByNobody }).key).toBe(toKind(fields).key)
  })

  it("is the name of a plain scalar, and keeps kinds of one name together", () => {
    expect(plainScalar("cpus").key).toBe("cpus")
    expect(plainScalar("cpus")).toBe(plainScalar("cpus"))
    expect(plainScalar("licences")).toEqual(toKind({ name: "licences", type: "scalar" }))
    const keys = [reserved("a"), plainScalar("cpus"), plainScalar("cpus-b"), plainScalar("cpus.c")]
      .map(({ key }) => key)
      .sort()
    expect(keys.map((key) => key.split(" ")[0])).toEqual(["cpus", "cpus", "cpus-b", "cpus.c"])
    expect(keys[0]).toBe("cpus")
  })

  it("tells kinds apart exactly when their fields differ", () => {
    fc.assert(
      fc.property(anyKind, anyKind, (left, right) => {
        const identity = (kind: typeof left) =>
          JSON.stringify({
            ...kind,
            key: "",
            disk: kind.disk && [kind.disk.persistence?.id ?? null, kind.disk.source],
          })
        expect(left.key === right.key).toBe(identity(left) === identity(right))
      }),
      { numRuns: 2000 },
    )
  })

  it("is not fooled by texts that look like parts of a key", () => {
    const role = 'a",null,[]]],"shared":true}'
    expect(reserved(role).key).not.toBe(reserved("a").key)
    expect(reserved('a","b').key).not.toBe(reserved("a", "b").key)
  })
})

describe("a kind", () => {
  it("is refused with the reason when it makes no sense", () => {
    expect(kindProblem({ name: "cpus", type: "scalar" })).toBeNull()
    expect(() => toKind({ name: "a b", type: "scalar" })).toThrow("a name is a letter, then")
    expect(() => toKind({ name: "__proto__", type: "scalar" })).toThrow("a name is")
    expect(() => toKind({ name: "ports", type: "ranges", shared: true })).toThrow(
      "only a scalar can be shared",
    )
    const disk = { ...noDiskInfo, persistence: { id: "v", principal: null } }
    expect(() => toKind({ name: "ports", type: "set", disk })).toThrow("only a scalar can have disk info")
    const volume = { containerPath: "data", mode: "RW" as const }
    expect(() => diskOf({ volume })).toThrow("a volume without persistence is not supported")
    expect(() => reserved("*")).toThrow("reserved for no role")
    expect(() => reserved("a", "")).toThrow("reserved for no role")
  })

  it("has no disk info where that says nothing", () => {
    expect(diskOf({})).toEqual(plainScalar("disk"))
  })

  it("is the same bytes whatever the order of fields", () => {
    const persistence = { id: "v", principal: null }
    const forth = { persistence, volume: { containerPath: "d", mode: "RW" as const }, source: null }
    const back = { source: null, volume: { mode: "RW" as const, containerPath: "d" }, persistence }
    expect(JSON.stringify(diskOf(back))).toBe(JSON.stringify(diskOf(forth)))
  })

  it("belongs to the last role of its stack", () => {
    expect(reservationRole(plainScalar("cpus"))).toBeNull()
    expect(reservationRole(reserved("eng", "eng/dev"))).toBe("eng/dev")
    expect(isReservedFor(reserved("eng", "eng/dev"), "eng/dev")).toBe(true)
    expect(isReservedFor(reserved("eng", "eng/dev"), "eng")).toBe(false)
    expect(isReservedFor(plainScalar("cpus"), "eng")).toBe(false)
    expect([plainScalar("cpus"), reserved("eng"), reserved("eng", "eng/dev")].map(isRefined)).toEqual([
      false,
      false,
      true,
    ])
    expect(isUnreserved(plainScalar("cpus"))).toBe(true)
    expect(isUnreserved(reserved("eng"))).toBe(false)
  })

  it.each([
    ["a", "a", true],
    ["a", "a/b", true],
    ["a", "a/b/c", true],
    ["a/b", "a/b/c", true],
    ["a", "ab", false],
    ["a", "ab/c", false],
    ["a", "b/a", false],
    ["a/b", "a", false],
    ["a/b", "a/c", false],
    ["a", "*", false],
  ])("reserved for %s may be allocated to %s: %s", (owner, role, isAllowed) => {
    expect(isAllocatableTo(reserved(owner), role)).toBe(isAllowed)
    expect(isAllocatableTo(plainScalar("cpus"), role)).toBe(true)
  })

  it("is plain when it is nothing but a name and a type", () => {
    expect(isPlain(plainScalar("cpus"))).toBe(true)
    expect(isPlain(toKind({ name: "ports", type: "ranges" }))).toBe(true)
    const notPlain = [
      reserved("a"),
      toKind({ name: "cpus", type: "scalar", revocable: true }),
      toKind({ name: "cpus", type: "scalar", shared: true }),
      toKind({ name: "cpus", type: "scalar", providerId: "p" }),
      diskOf({ persistence: { id: "v", principal: null } }),
    ]
    expect(notPlain.map(isPlain)).toEqual(notPlain.map(() => false))
  })

  it("is indivisible when it is a volume, a whole disk or shared", () => {
    const source = (type: "PATH" | "MOUNT" | "BLOCK" | "RAW", id: string | null = null) =>
      diskOf({ source: { type, root: null, id, profile: null } })
    expect(isIndivisible(diskOf({ persistence: { id: "v", principal: null } }))).toBe(true)
    expect(isIndivisible(toKind({ name: "disk", type: "scalar", shared: true }))).toBe(true)
    expect([source("MOUNT"), source("BLOCK"), source("RAW", "id")].map(isIndivisible)).toEqual([
      true,
      true,
      true,
    ])
    expect([source("PATH"), source("PATH", "id"), source("RAW")].map(isIndivisible)).toEqual([
      false,
      false,
      false,
    ])
    expect([plainScalar("disk"), reserved("a")].map(isIndivisible)).toEqual([false, false])
  })
})
