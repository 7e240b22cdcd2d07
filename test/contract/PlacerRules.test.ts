import { describe, expect, it } from "vitest"
import { implementations } from "../support/allocation/Implementations.ts"
import {
  apart,
  atMost,
  hostname,
  inHashOrder,
  near,
  PlacingCluster,
  small,
  spread,
  zone,
  zoneSelector,
} from "../support/placement/PlacementFixtures.ts"

// The rules of groups, by example, for every placer.

describe.each(implementations)("$name places tasks", (implementation) => {
  const cluster = () => new PlacingCluster(implementation)

  describe("apart", () => {
    it("from its own kind, a host each", () => {
      const three = cluster()
        .host("h1")
        .host("h2")
        .host("h3")
        .group("g", { rules: [apart(hostname, "g")] })
      expect([...three.placeAll(3, "g")].sort()).toEqual(["h1", "h2", "h3"])
      expect(three.place("g")).toBe("(rules)")
      three.placer.end("g", "h2", small)
      expect(three.place("g")).toBe("h2")
    })

    it("from another group, which need not know of it", () => {
      const two = cluster()
        .host("h1")
        .host("h2")
        .group("loud")
        .group("quiet", { rules: [apart(hostname, "loud")] })
      const [loud] = two.placeAll(1, "loud")
      expect(two.placeAll(2, "quiet")).not.toContain(loud)
    })

    it("the other way round too: the others keep away from it", () => {
      const two = cluster()
        .host("h1")
        .host("h2")
        .group("loud")
        .group("quiet", { rules: [apart(hostname, "loud")] })
      const [quiet] = two.placeAll(1, "quiet")
      const louds = two.placeAll(3, "loud")
      expect(louds.slice(0, 2)).not.toContain(quiet)
      expect(louds[2]).toBe("(short)")
    })

    it("by zones too, both ways", () => {
      const hosts = cluster().zones({ h1: "z1", h2: "z1", h3: "z2" })
      hosts
        .group("loud")
        .group("quiet", { rules: [apart(zone, "loud")] })
        .runs("quiet", "h1")
      expect(hosts.placeAll(3, "loud")).toEqual(["h3", "h3", "(short)"])
      expect([...hosts.placeAll(2, "quiet")].sort()).toEqual(["h1", "h2"])
    })

    it("of groups that do not exist as if there were no rule, and a group that comes later binds at once", () => {
      const one = cluster()
        .host("h1")
        .group("g", { rules: [apart(hostname, "nobody")] })
      expect(one.place("g", { cpus: 100 })).toBe("h1")
      one.group("nobody").runs("nobody", "h1")
      expect(one.place("g", { cpus: 100 })).toBe("(rules)")
      one.placer.removeGroup("nobody")
      expect(one.place("g", { cpus: 100 })).toBe("h1")
    })

    it("from tasks that hold nothing, as they come and go", () => {
      const one = cluster()
        .host("h1")
        .group("loud")
        .group("quiet", { rules: [apart(hostname, "loud")] })
      expect(one.place("quiet", { cpus: 1 })).toBe("h1")
      one.runs("loud", "h1", {})
      expect(one.place("quiet", { cpus: 1 })).toBe("(rules)")
      one.placer.end("loud", "h1", {})
      expect(one.place("quiet", { cpus: 1 })).toBe("h1")
      one.placer.removeGroup("quiet")
      expect(one.place("loud", {})).toBe("h1")
    })

    it("on all agents of a machine: those of one hostname are one domain", () => {
      const shared = { hostname: "shared" }
      const hosts = cluster().host("h1", small, shared).host("h2", small, shared).host("h3", { cpus: 9_000 })
      hosts.group("busy").runs("busy", "h3", { cpus: 8_000 })
      hosts.group("g", { rules: [apart(hostname, "g")] })
      const first = hosts.place("g", { cpus: 1 })
      expect(["h1", "h2"]).toContain(first)
      expect(hosts.placeAll(2, "g", { cpus: 1 })).toEqual(["h3", "(rules)"])
      hosts.placer.end("g", first, { cpus: 1 })
      expect(hosts.place("g", { cpus: 1 })).toBe(inHashOrder("h1", "h2")[0])
      expect(hosts.place("g", { cpus: 1 })).toBe("(rules)")
    })

    it("takes a host without a value, as often as one likes", () => {
      const one = cluster()
        .zones({ h1: null })
        .group("g", { rules: [apart(zone, "g")] })
      expect(one.placeAll(3, "g")).toEqual(["h1", "h1", "(short)"])
    })
  })

  describe("near", () => {
    it("others, and nowhere while there are none", () => {
      const two = cluster()
        .zones({ h1: "z1", h2: "z2" })
        .group("db")
        .group("web", { rules: [near(zone, "db")] })
      expect(two.place("web")).toBe("(rules)")
      two.runs("db", "h2")
      expect(two.placeAll(3, "web")).toEqual(["h2", "h2", "(short)"])
    })

    it("its own, the first one anywhere, and all the others there", () => {
      const four = cluster()
        .zones({ h1: "z1", h2: "z1", h3: "z2", h4: "z2" })
        .group("g", { rules: [near(zone, "g")] })
      const [first] = four.placeAll(1, "g")
      const beside = first === "h1" || first === "h2" ? ["h1", "h2"] : ["h3", "h4"]
      const rest = four.placeAll(3, "g")
      expect(new Set([first, ...rest])).toEqual(new Set(beside))
      expect(four.place("g")).toBe("(short)")
    })

    it("its own and others: not anywhere once there is one of the others", () => {
      const two = cluster()
        .zones({ h1: "z1", h2: "z2" })
        .group("db")
        .group("g", { rules: [near(zone, "g", "db")] })
      two.runs("db", "h2")
      expect(two.placeAll(3, "g")).toEqual(["h2", "h2", "(short)"])
    })

    it("again anywhere, but in a domain, when the last one has ended", () => {
      const two = cluster()
        .zones({ h1: "z1", h2: null })
        .group("g", { rules: [near(zone, "g")] })
      expect(two.place("g")).toBe("h1")
      two.placer.end("g", "h1", small)
      expect(two.placeAll(3, "g")).toEqual(["h1", "h1", "(short)"])
    })

    it("several rules must all be observed", () => {
      const hosts = cluster().zones({ h1: "z1", h2: "z1", h3: "z2" }).group("db").runs("db", "h1")
      hosts.group("web", { rules: [near(zone, "db"), apart(hostname, "db", "web")] })
      expect(hosts.placeAll(2, "web")).toEqual(["h2", "(rules)"])
    })
  })

  describe("at most so many", () => {
    it("in a domain, whatever other groups have there", () => {
      const hosts = cluster().zones({ h1: "z1", h2: "z1", h3: "z2" }).group("other").runs("other", "h3")
      hosts.group("g", { rules: [atMost(zone, 2)] })
      const places = hosts.placeAll(5, "g", { cpus: 100 })
      expect(places.filter((place) => place === "h3")).toHaveLength(2)
      expect(places.filter((place) => place === "h1" || place === "h2")).toHaveLength(2)
      expect(places[4]).toBe("(rules)")
    })

    it("on a host, and no bound where there is no value", () => {
      const one = cluster()
        .zones({ h1: null })
        .group("g", { rules: [atMost(zone, 1)] })
      expect(one.placeAll(3, "g")).toEqual(["h1", "h1", "(short)"])
      const byHost = cluster()
        .host("h1")
        .group("g", { rules: [atMost(hostname, 1)] })
      expect(byHost.placeAll(2, "g")).toEqual(["h1", "(rules)"])
    })

    it("by an attribute; what is no text is no value", () => {
      const rack = (value: string) => ({ attributes: [{ name: "rack", type: "text" as const, value }] })
      const number = { attributes: [{ name: "rack", type: "scalar" as const, value: 1 }] }
      const hosts = cluster()
        .host("h1", small, rack("r1"))
        .host("h2", small, rack("r1"))
        .host("h3", small, number)
      hosts.group("g", { rules: [atMost({ type: "attribute", name: "rack" }, 1)] })
      const places = hosts.placeAll(3, "g", { cpus: 250 })
      expect(places.filter((place) => place === "h3")).toHaveLength(2)
      expect(hosts.place("g", { cpus: 250 })).toBe("(short)")
    })
  })

  describe("spread", () => {
    it("evenly over zones, although one has more hosts", () => {
      const hosts = cluster().zones({ h1: "z1", h2: "z1", h3: "z1", h4: "z2" }, 10_000)
      hosts.group("g", { rules: [spread(zone, 1)] })
      const places = hosts.placeAll(6, "g")
      expect(places.filter((place) => place === "h4")).toHaveLength(3)
    })

    it("with as much skew as is allowed, and not more", () => {
      const hosts = cluster()
        .zones({ h1: "z1", h2: "z2" }, 1_000)
        .group("g", { rules: [spread(zone, 2)] })
      // h2 is full, so h1 gets ahead by two.
      hosts.group("other").runs("other", "h2", { cpus: 1_000 })
      expect(hosts.placeAll(3, "g", { cpus: 100 })).toEqual(["h1", "h1", "(short)"])
    })

    it("not counting a zone whose hosts do not meet the constraints, even though tasks are there", () => {
      const hosts = cluster().zones({ h1: "z1", h2: "z2", h3: "z3" }, 10_000)
      const notThird = [
        [{ selector: zoneSelector, predicate: { type: "textNotEquals" as const, value: "z3" } }],
      ]
      hosts.group("g", { rules: [spread(zone, 1)], constraints: notThird })
      expect([...hosts.placeAll(4, "g")].sort()).toEqual(["h1", "h1", "h2", "h2"])
      // Without the constraint the empty third zone comes first, and holds the others back.
      hosts.group("g", { rules: [spread(zone, 1)] })
      expect(hosts.placeAll(2, "g")).toEqual(["h3", "h3"])
    })

    it("not counting a zone that has no host any more, nor one whose hosts are all inactive", () => {
      const hosts = cluster()
        .zones({ h1: "z1", h2: "z2", h3: "z3" }, 10_000)
        .group("g", { rules: [spread(zone, 1)] })
      hosts.runs("g", "h1").runs("g", "h2")
      hosts.host("h3", { cpus: 10_000 }, { zone: "z3", isActive: false })
      expect([...hosts.placeAll(2, "g")].sort()).toEqual(["h1", "h2"])
      hosts.allocator.removeAgent("h3")
      expect([...hosts.placeAll(2, "g")].sort()).toEqual(["h1", "h2"])
      hosts.zones({ h4: "z4" }, 10_000)
      expect(hosts.placeAll(2, "g")).toEqual(["h4", "h4"])
    })

    it("not on a host without a value", () => {
      const one = cluster()
        .zones({ h1: null })
        .group("g", { rules: [spread(zone, 5)] })
      expect(one.place("g")).toBe("(rules)")
    })
  })

  describe("of a host that comes back under its id", () => {
    it("counting the tasks that have not been ended", () => {
      const hosts = cluster()
        .zones({ h1: "z1", h2: "z2" })
        .group("g", { rules: [apart(hostname, "g")] })
      hosts.runs("g", "h1").runs("g", "h2")
      hosts.allocator.removeAgent("h1")
      // Another host takes the place that it had in the books.
      hosts.zones({ h3: "z3" })
      expect(hosts.placer.countOn("g", "h1")).toBe(1)
      expect(hosts.placeAll(2, "g")).toEqual(["h3", "(rules)"])
      hosts.zones({ h1: "z1" })
      expect(hosts.place("g")).toBe("(rules)")
      hosts.placer.end("g", "h1", {})
      expect(hosts.place("g")).toBe("h1")
    })
  })

  describe("of another framework", () => {
    it("once the group is its own, whose tasks are told apart all the same", () => {
      const hosts = cluster()
        .zones({ h1: "z1", h2: "z2" })
        .framework("other", ["b"])
        .group("g", { rules: [apart(hostname, "g")] })
      expect(hosts.place("g", {})).toBe(inHashOrder("h1", "h2")[0])
      hosts.group("g", { frameworkId: "other", role: "b", rules: [apart(hostname, "g")] })
      const second = inHashOrder("h1", "h2")[1]!
      expect(hosts.place("g")).toBe(second)
      expect(hosts.allocator.allocatedToFramework("b", "other")).toEqual(small)
      expect(hosts.place("g")).toBe("(rules)")
    })
  })
})
