import { describe, expect, it } from "vitest"
import type { AllocatorSettings } from "../../core/allocation/Settings.ts"
import { hostHash } from "../../core/allocation/VisitOrder.ts"
import { quantitiesToResources, toResources } from "../../core/resources/Resources.ts"
import { agentOf, listOf, reserved, revocable, scopeOf } from "../support/allocation/Fixtures.ts"
import { implementations } from "../support/allocation/Implementations.ts"
import {
  apart,
  atMost,
  hostname,
  inHashOrder,
  PlacingCluster,
  small,
  spread,
  zone,
  zoneSelector,
} from "../support/placement/PlacementFixtures.ts"

// What every placer must do, by example. Random lives beside the naive twin are among the properties of `Allocator.test.ts`.

describe.each(implementations)("$name places tasks", (implementation) => {
  const cluster = (settings: Partial<AllocatorSettings> = {}) => new PlacingCluster(implementation, settings)

  describe("on the host that is preferred", () => {
    it("the least used one, by the scalar of which most is used", () => {
      const { placer, allocator } = cluster()
        .host("h1", { cpus: 1_000, mem: 10_000 })
        .host("h2", { cpus: 1_000, mem: 10_000 })
        .group("g")
        .runs("g", "h1", { cpus: 300 })
        .runs("g", "h2", { mem: 4_000 })
      expect(placer.place("g", { cpus: 100 })).toEqual({ type: "placed", agentId: "h1" })
      expect(allocator.allocatedOn("h1")).toEqual(quantitiesToResources({ cpus: 400 }))
      expect(allocator.allocatedToFramework("a", "f")).toEqual({ cpus: 400, mem: 4_000 })
    })

    it("the most used one that has room, if the group prefers that", () => {
      const busy = cluster().host("h1").host("h2").host("h3").group("g", { prefer: "busy" })
      busy.runs("g", "h2", { cpus: 500 }).runs("g", "h3", { cpus: 700 })
      expect(busy.placeAll(3, "g")).toEqual(["h2", "h1", "h1"])
      expect(busy.place("g", { cpus: 300 })).toBe("h3")
    })

    it("of equal ones that with the lower hash, and every one in turn", () => {
      const ids = ["h1", "h2", "h3", "h4", "h5"]
      const equal = cluster().group("g")
      for (const id of ids) equal.host(id)
      expect(equal.placeAll(10, "g")).toEqual([...inHashOrder(...ids), ...inHashOrder(...ids)])
      expect(equal.place("g")).toBe("(short)")
    })

    it("of equal hashes that with the lower id", () => {
      // Two ids whose FNV-1a hashes are the same, put in the wrong order.
      expect(hostHash("costarring")).toBe(hostHash("liquid"))
      const same = cluster().host("liquid").host("costarring").group("g")
      expect(same.placeAll(2, "g")).toEqual(["costarring", "liquid"])
    })

    it("counting what others hold, what the reserve takes, and no more than all of it", () => {
      const used = cluster()
        .host("h1")
        .host("h2", { cpus: 1_000 }, { reserve: { cpus: 300 } })
        .host("h3")
      used.framework("other", ["b"]).group("g")
      used.allocator.charge(scopeOf("other", "b", "h1"), quantitiesToResources({ cpus: 400 }))
      used.runs("g", "h3", { cpus: 5_000 })
      expect(used.placeAll(3, "g", { cpus: 200 })).toEqual(["h2", "h1", "h2"])
      used.allocator.setReserve("h2", { cpus: 9_000 })
      expect(used.placeAll(3, "g", { cpus: 200 })).toEqual(["h1", "h1", "(short)"])
    })

    it("by unreserved scalars that are not revocable alone, and takes no others", () => {
      const odd = cluster()
      odd.host("h1", { cpus: 1_000 }).group("g")
      const others = [...reserved({ cpus: 4_000 }, "a"), ...revocable({ cpus: 4_000 })]
      const total = toResources([...quantitiesToResources({ cpus: 500 }), ...others])
      odd.allocator.putAgent(agentOf("h2", total))
      expect(odd.place("g", { cpus: 501 })).toBe("h1")
      expect(odd.place("g", { cpus: 501 })).toBe("(short)")
    })
  })

  describe("where the hosts have what is asked for", () => {
    it("of each name", () => {
      const two = cluster()
        .host("h1", { cpus: 1_000, mem: 100 })
        .host("h2", { cpus: 100, mem: 1_000 })
        .group("g")
      expect(two.place("g", { cpus: 200, mem: 200 })).toBe("(short)")
      expect(two.place("g", { cpus: 100, mem: 100 })).not.toBe("(short)")
    })

    it("and nowhere if it is a name that no host has, until one has it", () => {
      const one = cluster().host("h1").group("g")
      expect(one.placeAll(2, "g", { licences: 1 })).toEqual(["(short)", "(short)"])
      one.host("h2", { licences: 1 })
      expect(one.placeAll(2, "g", { licences: 1 })).toEqual(["h2", "(short)"])
    })

    it("to the last thousandth, and again what a task that ended has left", () => {
      const one = cluster().host("h1").group("g")
      expect(one.placeAll(3, "g")).toEqual(["h1", "h1", "(short)"])
      one.placer.end("g", "h1", small)
      expect(one.place("g", { cpus: 501 })).toBe("(short)")
      expect(one.place("g")).toBe("h1")
      expect(one.placer.countOn("g", "h1")).toBe(2)
    })
  })

  describe("if the framework may", () => {
    it("being there, active and in the role; suppressed makes no difference", () => {
      const one = cluster().host("h1").group("g")
      one.framework("f", ["a"], { suppressedRoles: ["a"] })
      expect(one.place("g", { cpus: 1 })).toBe("h1")
      one.framework("f", ["a"], { isActive: false })
      expect(one.place("g", { cpus: 1 })).toBe("(inactive)")
      one.framework("f", ["b"])
      expect(one.place("g", { cpus: 1 })).toBe("(inactive)")
      one.framework("f", ["a"])
      expect(one.place("g", { cpus: 1 })).toBe("h1")
      one.allocator.removeFramework("f")
      expect(one.place("g", { cpus: 1 })).toBe("(inactive)")
    })

    it("on hosts whose gates it passes", () => {
      const gates = cluster({ filterGpuResources: true, region: "east" })
      gates.framework("f", ["a"], { capabilities: ["MULTI_ROLE"] }).group("g")
      gates.host("h1", { cpus: 1_000, gpus: 1_000 })
      gates.host("h2", { cpus: 1_000 }, { region: "west" })
      gates.host("h3", { cpus: 1_000 }, { capabilities: [] })
      expect(gates.place("g")).toBe("(constraints)")
      gates.framework("f", ["a"], { capabilities: ["MULTI_ROLE", "GPU_RESOURCES"] })
      expect(gates.place("g")).toBe("h1")
      gates.framework("f", ["a"], { capabilities: ["MULTI_ROLE", "REGION_AWARE"] })
      expect(gates.place("g")).toBe("h2")
      gates.framework("f", ["a"], { capabilities: [] })
      expect(gates.place("g")).toBe("h3")
    })

    it("on hosts that meet the constraints of the group and those of its framework's role", () => {
      const is = (value: string) => [
        [{ selector: zoneSelector, predicate: { type: "textEquals" as const, value } }],
      ]
      const isNot = (value: string) => [
        [{ selector: zoneSelector, predicate: { type: "textNotEquals" as const, value } }],
      ]
      const hosts = cluster()
        .zones({ h1: "z1", h2: "z2" }, 10_000)
        .group("g", { constraints: is("z2") })
      expect(hosts.place("g")).toBe("h2")
      hosts.framework("f", ["a"], { constraints: { a: isNot("z2"), b: is("z1") } })
      expect(hosts.place("g")).toBe("(constraints)")
      hosts.group("g")
      expect(hosts.placeAll(2, "g")).toEqual(["h1", "h1"])
      hosts.framework("f", ["a"])
      expect(hosts.place("g")).toBe("h2")
    })

    it("and constraints that do not compile are a broken promise of the caller", () => {
      expect(() => cluster().group("g", { constraints: [] })).toThrow("there must be a group")
    })
  })

  describe("within quotas", () => {
    const quota = (guarantees = {}, limits = {}) => ({ guarantees, limits })

    it("up to the limit of the top-level role, counting what its subtree holds", () => {
      const one = cluster({ quotas: { a: quota({}, { cpus: 1_000 }) } }).host("h1", {
        cpus: 5_000,
        mem: 5_000,
      })
      one.framework("f", ["a/b"]).framework("other", ["a/c"]).group("g", { role: "a/b" })
      one.allocator.charge(scopeOf("other", "a/c", "h1"), quantitiesToResources({ cpus: 400 }))
      expect(one.placeAll(2, "g")).toEqual(["h1", "(limit)"])
      expect(one.place("g", { mem: 4_000 })).toBe("h1")
      one.allocator.setQuota("a", null)
      expect(one.place("g")).toBe("h1")
    })

    it("leaving the headroom of other roles' guarantees", () => {
      const one = cluster({ quotas: { b: quota({ cpus: 600 }) } })
        .host("h1", { cpus: 2_000 })
        .group("g")
      expect(one.placeAll(3, "g", { cpus: 700 })).toEqual(["h1", "h1", "(headroom)"])
      expect(one.place("g", { cpus: 1 })).toBe("(headroom)")
      one.allocator.setQuota("b", null)
      expect(one.place("g", { cpus: 600 })).toBe("h1")
    })

    it("serving its own guarantee from it", () => {
      const one = cluster({ quotas: { a: quota({ cpus: 600 }), b: quota({ cpus: 400 }) } })
        .host("h1")
        .group("g")
      expect(one.place("g", { cpus: 700 })).toBe("(headroom)")
      expect(one.place("g", { cpus: 600 })).toBe("h1")
      expect(one.place("g", { cpus: 1 })).toBe("(headroom)")
    })

    it("serving its own guarantee also where all guarantees together are more than there is", () => {
      const one = cluster({ quotas: { a: quota({ cpus: 9_000 }) } })
        .host("h1")
        .group("g")
      expect(one.placeAll(3, "g")).toEqual(["h1", "h1", "(short)"])
    })

    it("telling the limit before the headroom, and both before all else", () => {
      const both = cluster({ quotas: { a: quota({}, { mem: 10 }), b: quota({ cpus: 900 }) } })
        .host("h1")
        .group("g")
      expect(both.place("g", { cpus: 500, mem: 11 })).toBe("(limit)")
      expect(both.place("g", { cpus: 500, mem: 10 })).toBe("(headroom)")
      both.framework("f", ["a"], { isActive: false })
      expect(both.place("g", { cpus: 500, mem: 11 })).toBe("(inactive)")
    })
  })

  it("refuses for the first reason in the order of the contract", () => {
    const never = [[{ selector: zoneSelector, predicate: { type: "exists" as const } }]]
    const hosts = cluster().host("h1")
    hosts.group("g", { constraints: never, rules: [atMost(hostname, 1)] }).runs("g", "h1")
    expect(hosts.place("g", { cpus: 9_000 })).toBe("(constraints)")
    hosts.group("g", { rules: [atMost(hostname, 1)] })
    expect(hosts.place("g", { cpus: 9_000 })).toBe("(rules)")
    hosts.group("g")
    expect(hosts.place("g", { cpus: 9_000 })).toBe("(short)")
  })

  describe("while hosts change", () => {
    it("come, go and are deactivated", () => {
      const hosts = cluster().group("g")
      expect(hosts.place("g")).toBe("(constraints)")
      hosts.host("h1")
      expect(hosts.place("g")).toBe("h1")
      hosts.host("h2")
      expect(hosts.place("g")).toBe("h2")
      hosts.host("h1", { cpus: 1_000 }, { isActive: false })
      expect(hosts.placeAll(2, "g")).toEqual(["h2", "(short)"])
      hosts.host("h2", { cpus: 1_000 }, { isActive: false })
      expect(hosts.place("g")).toBe("(constraints)")
      hosts.host("h1")
      expect(hosts.place("g")).toBe("h1")
      hosts.placer.end("g", "h2", small)
      hosts.placer.end("g", "h2", small)
      hosts.allocator.removeAgent("h2")
      expect(hosts.place("g")).toBe("(short)")
    })

    it("move to another zone: their tasks count there", () => {
      const hosts = cluster()
        .zones({ h1: "z1", h2: "z2" })
        .group("g", { rules: [atMost(zone, 1)] })
      hosts.runs("g", "h1")
      expect(hosts.place("g", { cpus: 1 })).toBe("h2")
      expect(hosts.place("g", { cpus: 1 })).toBe("(rules)")
      hosts.zones({ h1: "z2" }).zones({ h3: "z1" })
      expect(hosts.place("g", { cpus: 1 })).toBe("h3")
    })

    it("are removed: their tasks count in no domain", () => {
      const hosts = cluster()
        .zones({ h1: "z1", h2: "z1" })
        .group("g", { rules: [apart(zone, "g")] })
      hosts.runs("g", "h1", small)
      expect(hosts.place("g")).toBe("(rules)")
      hosts.allocator.release(scopeOf("f", "a", "h1"), quantitiesToResources(small))
      hosts.allocator.removeAgent("h1")
      expect(hosts.place("g")).toBe("h2")
      hosts.placer.end("g", "h1", small)
      expect(hosts.placer.countOn("g", "h1")).toBe(0)
    })

    it("grow and shrink", () => {
      const hosts = cluster().host("h1").group("g").runs("g", "h1", { cpus: 1_000 })
      expect(hosts.place("g")).toBe("(short)")
      hosts.host("h1", { cpus: 2_000 })
      expect(hosts.place("g")).toBe("h1")
      hosts.host("h1", { cpus: 600 })
      expect(hosts.place("g", { cpus: 1 })).toBe("(short)")
    })

    it("are given away whole by a cycle, and given back", () => {
      const hosts = cluster().host("h1").host("h2").group("g")
      const offers = listOf(hosts.allocator.allocate(0, "all"))
      expect(offers).toHaveLength(2)
      expect(hosts.place("g")).toBe("(short)")
      hosts.allocator.release(
        scopeOf("f", "a", "h2"),
        offers.find(({ agentId }) => agentId === "h2")!.resources,
      )
      expect(hosts.placeAll(3, "g")).toEqual(["h2", "h2", "(short)"])
    })

    it("and a filter keeps no task away", () => {
      const hosts = cluster().host("h1").group("g")
      const [offer] = listOf(hosts.allocator.allocate(0, "all"))
      hosts.allocator.release(scopeOf("f", "a", "h1"), offer!.resources)
      const refusal = { refuseMs: 1e9, offeredAtMs: 0, nowMs: 0, isDecline: true }
      hosts.allocator.refuse(scopeOf("f", "a", "h1"), offer!.resources, refusal)
      expect(hosts.place("g")).toBe("h1")
    })
  })

  it("by what is free now, also after thousands of changes since it was last asked", () => {
    const two = cluster().host("h1").host("h2").group("g", { prefer: "busy" })
    two.runs("g", "h2", { cpus: 100 })
    expect(two.place("g", { cpus: 100 })).toBe("h2")
    for (let change = 0; change < 2_500; change++) {
      two.runs("g", "h1", { cpus: 1 })
      two.placer.end("g", "h1", { cpus: 1 })
    }
    two.runs("g", "h1", { cpus: 300 })
    expect(two.place("g", { cpus: 100 })).toBe("h1")
  })

  it("of as many groups as one likes, each by rules of its own", () => {
    const two = cluster().host("h1", { cpus: 100_000 }).host("h2", { cpus: 100_000 })
    const groupIds = Array.from({ length: 100 }, (_, index) => `g${index}`)
    for (const groupId of groupIds) two.group(groupId, { rules: [apart(hostname, groupId)] })
    for (const groupId of groupIds) two.place(groupId, { cpus: 1 })
    // Each has one host left, then none, whatever was forgotten of it meanwhile.
    for (const groupId of groupIds) {
      expect(two.placer.countOn(groupId, two.place(groupId, { cpus: 1 }))).toBe(1)
    }
    expect(groupIds.map((groupId) => two.place(groupId, { cpus: 1 }))).toEqual(groupIds.map(() => "(rules)"))
  })

  it("counts tasks that run already, whether or not they fit or observe the rules", () => {
    const one = cluster()
      .host("h1")
      .group("g", { rules: [apart(hostname, "g")] })
    one.runs("g", "h1", { cpus: 3_000 }).runs("g", "h1", { cpus: 1 })
    expect(one.placer.countOn("g", "h1")).toBe(2)
    expect(one.allocator.allocatedOn("h1")).toEqual(quantitiesToResources({ cpus: 3_001 }))
    one.placer.end("g", "h1", { cpus: 3_000 })
    expect(one.place("g", { cpus: 1 })).toBe("(rules)")
    one.placer.end("g", "h1", { cpus: 1 })
    expect(one.place("g", { cpus: 1_000 })).toBe("h1")
  })

  it("by the rules of a group as they are now, and keeps its tasks when they are replaced", () => {
    const two = cluster().host("h1").host("h2").group("g").runs("g", "h1", { cpus: 100 })
    two.group("g", { rules: [apart(hostname, "g")] })
    expect(two.placeAll(2, "g", { cpus: 1 })).toEqual(["h2", "(rules)"])
    two.group("other", { rules: [apart(hostname, "g")] })
    expect(two.place("other", { cpus: 1 })).toBe("(rules)")
    two.group("g", { prefer: "busy" })
    expect(two.place("g", { cpus: 1 })).toBe("h1")
    two.group("other")
    expect(two.place("other", { cpus: 1 })).toBe("h2")
  })

  it("not counting those of a group that was removed, which stay booked", () => {
    const one = cluster()
      .host("h1")
      .group("g", { rules: [apart(hostname, "g")] })
      .runs("g", "h1", small)
    one.placer.removeGroup("g")
    expect(one.placer.countOn("g", "h1")).toBe(0)
    expect(one.allocator.allocatedOn("h1")).toEqual(quantitiesToResources(small))
    one.group("g", { rules: [apart(hostname, "g")] })
    expect(one.place("g", { cpus: 501 })).toBe("(short)")
    expect(one.place("g")).toBe("h1")
  })

  it("at the same places after a restart", () => {
    const rules = [spread(zone, 1), atMost(hostname, 3)]
    const hosts = { h1: "z1", h2: "z1", h3: "z2", h4: "z2", h5: "z3", h6: "z3" }
    const before = cluster()
      .zones(hosts, 4_000)
      .group("g", { rules })
      .group("h", { rules: [apart(hostname, "g")] })
    const tasks = before.placeAll(5, "g", { cpus: 300 })
    const rows = JSON.parse(JSON.stringify(before.allocator.snapshot()))
    const after = new PlacingCluster(implementation, {}, rows)
    after.group("h", { rules: [apart(hostname, "g")] }).group("g", { rules })
    after.zones(Object.fromEntries(Object.entries(hosts).reverse()), 4_000)
    for (const agentId of [...tasks].reverse()) after.runs("g", agentId, { cpus: 300 })
    const wanted = ["g", "h", "g", "g", "h", "g", "h", "g", "g"]
    expect(wanted.map((groupId) => after.place(groupId, { cpus: 300 }))).toEqual(
      wanted.map((groupId) => before.place(groupId, { cpus: 300 })),
    )
  })
})
