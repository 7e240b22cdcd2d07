import { describe, expect, it } from "vitest"
import type { RoleRow } from "../../core/allocation/Allocator.ts"
import { numberOf } from "../../core/NumberByName.ts"
import { actionsOf, MasterHarness } from "../support/MasterHarness.ts"

describe("numberOf", () => {
  it("finds own names only", () => {
    expect(numberOf({ web: 2 }, "web", 1)).toBe(2)
    for (const inherited of ["constructor", "toString", "__proto__"]) {
      expect(numberOf({}, inherited, 1)).toBe(1)
    }
  })

  it("lets a role be called like something every object inherits", () => {
    const master = new MasterHarness()
    master.addAgent({ cpus: 1_000 })
    master.addAgent({ cpus: 1_000 })
    master.subscribe({ roles: ["constructor"] })
    master.subscribe({ roles: ["__proto__"] })
    const offered = actionsOf(master.settle(), "OfferResources")
    expect(offered.map(({ offers }) => offers.map(({ offer }) => offer.role))).toEqual([
      ["__proto__"],
      ["constructor"],
    ])
    master.restart()
    expect((master.state.allocator.row({ kind: "role", key: "__proto__" }) as RoleRow).grants).toBe(1)
  })
})
