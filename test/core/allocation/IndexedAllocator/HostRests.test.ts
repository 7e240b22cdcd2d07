import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { HostRests } from "../../../../core/allocation/IndexedAllocator/HostRests.ts"
import {
  addResources,
  noResources,
  type Resources,
  toResources,
} from "../../../../core/resources/Resources.ts"
import { mountDisk, ports, reserved, volume } from "../../../support/allocation/Fixtures.ts"
import { atomsOf, atomsToList, withoutAtoms } from "../../../support/ResourceAtoms.ts"

const all = (...lists: ReadonlyArray<Resources>): Resources => lists.reduce(addResources, noResources)
const shared = volume("s", 900, "a", true)

const totals: ReadonlyArray<Resources> = [
  noResources,
  ports(1, 9),
  all(ports(4, 20), reserved({ cpus: 1_000 }, "a")),
  all(reserved({ cpus: 4_000 }, "a"), volume("v", 5, "a"), shared),
  all(ports(1, 3), volume("v", 7, "a"), mountDisk("/m", 8), mountDisk("/m", 8)),
]
const pieces: ReadonlyArray<Resources> = [
  ports(1, 4),
  ports(3, 6),
  reserved({ cpus: 900 }, "a"),
  all(ports(4, 4), reserved({ cpus: 300 }, "a")),
  volume("v", 5, "a"),
  mountDisk("/m", 8),
  all(shared, volume("v", 7, "a")),
]

describe("HostRests", () => {
  // Also of a confused agent: the same port or volume twice, more than there is.
  it("has available what nobody holds, however often it is held, while the total changes", () => {
    const step = fc.tuple(fc.constantFrom("adopt", "adopt", "giveBack", "setTotal"), fc.nat(99))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30, size: "max" }), (steps) => {
        const rests = new HostRests()
        for (const slot of [0, 1]) rests.init(slot)
        let total = noResources
        let holdings: ReadonlyArray<Resources> = []
        for (const [kind, draw] of steps) {
          if (kind === "setTotal") {
            total = totals[draw % totals.length]!
            rests.setTotal(1, total)
          } else if (kind === "adopt") {
            holdings = [...holdings, pieces[draw % pieces.length]!]
            rests.takeAnyway(1, holdings[holdings.length - 1]!)
          } else if (holdings.length > 0) {
            const place = draw % holdings.length
            rests.giveBack(1, holdings[place]!, "h")
            holdings = holdings.filter((_, index) => index !== place)
          }
          const held = holdings.flat().filter(({ kind: { shared: isShared } }) => !isShared)
          const available = rests.available[1]!
          expect(atomsToList(atomsOf(available))).toEqual(
            atomsToList(withoutAtoms(atomsOf(total), atomsOf(held))),
          )
          expect([available, rests.heldOn(1), rests.total[1]]).toEqual([
            toResources(available),
            toResources(held),
            total,
          ])
        }
        expect([rests.available[0], rests.heldOn(0)]).toEqual([noResources, noResources])
      }),
      { numRuns: 50 },
    )
  })

  const restsOf = (total: Resources): HostRests => {
    const rests = new HostRests()
    rests.init(0)
    rests.setTotal(0, total)
    return rests
  }

  it("frees ports that several tasks hold, as a confused agent may say, when the last of them ends", () => {
    const rests = restsOf(ports(1, 9))
    for (const held of [ports(1, 4), ports(3, 6), ports(3, 3)]) rests.takeAnyway(0, held)
    rests.setTotal(0, ports(1, 12))
    const free: Array<Resources> = []
    for (const held of [ports(1, 4), ports(3, 3), ports(3, 6)]) {
      rests.giveBack(0, held, "h")
      free.push(rests.available[0]!)
    }
    expect(free).toEqual([ports(1, 2, 7, 12), ports(1, 2, 7, 12), ports(1, 12)])
  })

  it("asserts that what is taken is there, and that what comes back was held (L1)", () => {
    const rests = restsOf(ports(1, 9))
    expect(() => rests.take(0, ports(9, 10))).toThrow("cannot take ports:[9-10] from ports:[1-9]")
    rests.take(0, ports(1, 1))
    expect(() => rests.giveBack(0, ports(10, 10), "h")).toThrow("agent h got back more than was held of it")
  })

  it("lets shared resources be there for everybody", () => {
    const rests = restsOf(all(shared, volume("v", 5, "a")))
    rests.take(0, all(shared, volume("v", 5, "a")))
    rests.takeAnyway(0, shared)
    expect([rests.available[0], rests.heldOn(0)]).toEqual([shared, volume("v", 5, "a")])
    rests.giveBack(0, all(shared, volume("v", 5, "a")), "h")
    expect(rests.available[0]).toEqual(all(shared, volume("v", 5, "a")))
  })
})
