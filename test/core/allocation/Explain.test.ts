import { describe, expect, it } from "vitest"
import type { AllocatorAgent, AllocatorFramework } from "../../../core/allocation/Allocator.ts"
import { Explainer } from "../../../core/allocation/Explain.ts"
import { type AllocatorSettings, defaultAllocatorSettings } from "../../../core/allocation/Settings.ts"
import type { Quantities } from "../../../core/resources/Quantities.ts"
import { quantitiesToResources } from "../../../core/resources/Resources.ts"
import {
  AskedCluster,
  all,
  gib,
  of,
  ports,
  reservation,
  reservedFor,
} from "../../support/allocation/AskedCluster.ts"
import { viewOf } from "../../support/allocation/ViewOf.ts"

const size: Quantities = { cpus: 4_000, mem: 8 * gib }

/** A cluster with one host and one framework `f` in role `r`, to which nothing is in the way. */
const simple = (
  settings: Partial<AllocatorSettings> = {},
  host: Partial<AllocatorAgent> = {},
  framework: Partial<AllocatorFramework> = {},
): AskedCluster => new AskedCluster(settings).host("h", size, host).framework("f", ["r"], framework)

describe("explain a framework", () => {
  it("answers for all hosts at once where there is no need to ask them", () => {
    const cluster = simple()
      .framework("off", ["r"], { isActive: false })
      .framework("none", [])
      .framework("quiet", ["r", "s"], { suppressedRoles: ["r"] })
    expect(cluster.says({ frameworkId: "x" })).toBe("framework x is not known")
    expect(cluster.says({ frameworkId: "off" })).toBe("framework off is not connected, so it gets no offers")
    expect(cluster.says({ frameworkId: "none" })).toBe("framework none is subscribed to no role")
    expect(cluster.says({ frameworkId: "f", role: "s" })).toBe("framework f is not subscribed to role s")
    const [inR, inS] = cluster.ask({ frameworkId: "quiet" })
    expect(inR).toMatchObject({
      role: "r",
      refusal: { reason: "suppressed", role: "r" },
      groups: [],
      text: "framework quiet has suppressed offers for role r",
    })
    expect(inS).toMatchObject({ role: "s", refusal: null })
    expect(new AskedCluster().framework("f", ["r"]).says({ frameworkId: "f" })).toBe("there are no hosts")
  })

  it.each<[string, () => AskedCluster, string]>([
    ["offered", () => simple(), "would be offered now"],
    ["inactive", () => simple({}, { isActive: false }), "away, drained or deactivated"],
    [
      "hidden for gpus",
      () => new AskedCluster().host("h", { ...size, gpus: 1_000 }).framework("f", ["r"]),
      "only for frameworks with GPU_RESOURCES",
    ],
    [
      "in another region",
      () => simple({ region: "east" }, { region: "west" }),
      "only for frameworks with REGION_AWARE",
    ],
    ["an agent of old", () => simple({}, { capabilities: [] }), "agent without MULTI_ROLE"],
    [
      "an agent that knows no deeper roles",
      () => new AskedCluster().host("h", size, { capabilities: ["MULTI_ROLE"] }).framework("f", ["r/s"]),
      "agent without HIERARCHICAL_ROLE",
    ],
    [
      "constrained",
      () =>
        simple(
          {},
          {},
          {
            constraints: {
              r: [[{ selector: { type: "hostname" }, predicate: { type: "textMatches", regex: "web-.*" } }]],
            },
          },
        ),
      "ruled out by its offer constraints",
    ],
    ["offered already", () => simple().holds("offer", "f", "r", "h", size), "offered to it already"],
    [
      "offered to another",
      () => simple().framework("g", ["r"]).holds("offer", "g", "r", "h", size),
      "offered to g",
    ],
    ["used by itself", () => simple().holds("task", "f", "r", "h", size), "held by its own tasks"],
    [
      "used by many",
      () => {
        const cluster = simple()
        for (const id of ["a", "b", "c", "d"]) {
          cluster.framework(id, ["r"]).holds("task", id, "r", "h", { cpus: 1_000, mem: 2 * gib })
        }
        return cluster
      },
      "held by tasks of a, b and 2 more",
    ],
    [
      "nearly full",
      () => simple().holds("task", "f", "r", "h", { cpus: 3_995, mem: 8 * gib - 1_000 }),
      "less free than the smallest offer",
    ],
    ["reserved by the monitor", () => simple({}, { reserve: size }), "kept for the host's own work"],
    [
      "for other capabilities",
      () =>
        new AskedCluster()
          .host("h", all(of({ cpus: 1_000 }, { revocable: true }), of({ mem: gib }, reservation("r", "r/s"))))
          .framework("f", ["r/s"], { capabilities: ["MULTI_ROLE"] }),
      "what is left is for frameworks with RESERVATION_REFINEMENT and REVOCABLE_RESOURCES",
    ],
    [
      "reserved for others",
      () =>
        new AskedCluster()
          .host("h", all(reservedFor("primary", { cpus: 1_000 }), reservedFor("ads", { mem: gib })))
          .framework("f", ["r"]),
      "reserved for roles ads and primary",
    ],
    [
      "at the limit",
      () => simple().quota("r", { guarantees: {}, limits: { cpus: 0, mem: 16_000 } }),
      "beyond the quota limit of role r for cpus and mem",
    ],
    [
      "kept for guarantees",
      () => simple().quota("s", { guarantees: { cpus: 4_000, mem: 8 * gib }, limits: {} }),
      "kept free for the guarantee of role s of cpus and mem",
    ],
    ["filtered", () => simple().refuses("f", "r", "h", size, 3_500), "filtered for 4 s more"],
    [
      "second in the fair order",
      () => simple().framework("e", ["r"]),
      "would be offered, but e in role r comes first",
    ],
  ])("%s", (_, cluster, expected) => {
    expect(cluster().says({ frameworkId: "f" })).toBe(`1 host: ${expected}`)
  })

  it("passes over guarantees that its own role has open", () => {
    const cluster = simple()
      .quota("r", { guarantees: { cpus: 4_000 }, limits: {} })
      .quota("s", { guarantees: { cpus: 4_000, mem: 8 * gib }, limits: {} })
    const [answer] = cluster.ask({ frameworkId: "f" })
    expect(answer!.groups[0]!.hosts[0]!.verdict).toEqual({
      stage: "offered",
      resources: quantitiesToResources({ cpus: 4_000 }),
    })
  })

  it("knows a smaller minimum of the framework, and a larger one", () => {
    const least = (minAllocatable: AllocatorFramework["minAllocatable"]) =>
      simple({}, {}, { minAllocatable })
        .holds("task", "g", "s", "h", { cpus: 3_995, mem: 8 * gib - 1_000 })
        .says({ frameworkId: "f" })
    expect(least({ r: [{ cpus: 5 }] })).toBe("1 host: would be offered now")
    expect(least({ r: [] })).toBe("1 host: would be offered now")
    expect(least({ s: [] })).toBe("1 host: less free than the smallest offer")
  })

  it("tells a filter that covers the offer from one that does not", () => {
    const smaller = simple().refuses("f", "r", "h", { cpus: 4_000, mem: 7 * gib }, 60_000)
    expect(smaller.says({ frameworkId: "f" })).toBe("1 host: would be offered now")
    const several = simple()
      .refuses("f", "r", "h", size, 3_000)
      .refuses("f", "r", "h", { cpus: 4_000, mem: 9 * gib }, 2_000)
    expect(several.ask({ frameworkId: "f" })[0]!.groups[0]!.hosts[0]!.verdict).toEqual({
      stage: "filtered",
      forMs: 3_000,
      backoffMs: 0,
      refused: quantitiesToResources(size),
    })
    several.nowMs += 3_000
    expect(several.says({ frameworkId: "f" })).toBe("1 host: would be offered now")
  })

  it("says when back-off made a filter longer", () => {
    const cluster = simple(defaultAllocatorSettings)
    for (let round = 0; round < 3; round++) {
      cluster.nowMs += 60_000
      cluster.refuses("f", "r", "h", size, 2_000)
    }
    expect(cluster.says({ frameworkId: "f" })).toBe(
      "1 host: filtered for 8 s more since it declined repeatedly",
    )
  })

  it("asks those who come first whether they would take the host", () => {
    const cluster = simple().framework("a", ["r"]).framework("b", ["r"]).refuses("a", "r", "h", size, 60_000)
    expect(cluster.says({ frameworkId: "f" })).toBe("1 host: would be offered, but b in role r comes first")
    cluster.refuses("b", "r", "h", size, 60_000)
    expect(cluster.says({ frameworkId: "f" })).toBe("1 host: would be offered now")
  })

  it("sums up: the largest group first, with the range of what differs", () => {
    const cluster = new AskedCluster().framework("f", ["r"])
    for (let number = 0; number < 40; number++) cluster.host(`p${number}`, reservedFor("primary", size))
    for (let number = 1; number <= 12; number++) {
      cluster.host(`h${number}`, size).holds("offer", "f", "r", `h${number}`, size)
    }
    for (const [index, refuseMs] of [3_100, 60_000, 6_000_000].entries()) {
      cluster.host(`x${index}`, size).refuses("f", "r", `x${index}`, size, refuseMs)
    }
    expect(cluster.says({ frameworkId: "f" })).toBe(
      "40 hosts: reserved for role primary; 12: offered to it already; 3: filtered for 4 s–2 h more",
    )
    const { groups } = cluster.ask({ frameworkId: "f" })[0]!
    expect(groups[2]!.hosts.map(({ agentId }) => agentId)).toEqual(["x0", "x1", "x2"])
  })
})

describe("explain a task", () => {
  const wanted = { cpus: 2_000, mem: 4 * gib }

  it.each<[string, () => AskedCluster, string]>([
    ["fits", () => simple(), "fits now"],
    [
      "no host is large enough",
      () => new AskedCluster().host("h", { cpus: 1_500, mem: 2 * gib }).framework("f", ["r"]),
      "too small even when empty, short of cpus by 0.5 and mem by 2 GiB",
    ],
    [
      "too little left",
      () => simple().holds("task", "g", "s", "h", { cpus: 3_000, mem: 3 * gib }),
      "short of cpus by 1",
    ],
    ["nothing left", () => simple().holds("task", "g", "s", "h", size), "held by tasks of g"],
    [
      "kept for the host",
      () => simple({}, { reserve: { cpus: 2_500 } }),
      "kept for the host's own work, short of cpus by 0.5",
    ],
    [
      "reserved, partly",
      () =>
        new AskedCluster()
          .host("h", all(of({ cpus: 4_000, mem: 3_500_000 }), reservedFor("ads", { mem: 8 * gib })))
          .framework("f", ["r"]),
      "reserved for role ads, short of mem by 596 MiB",
    ],
    [
      "limited",
      () => simple().quota("r", { guarantees: {}, limits: { cpus: 1_000 } }),
      "beyond the quota limit of role r for cpus",
    ],
    [
      "guaranteed to another",
      () => simple().quota("s", { guarantees: { mem: 6 * gib }, limits: {} }),
      "kept free for the guarantee of role s of mem",
    ],
    [
      "after another role",
      () => simple().framework("g", ["q"]),
      "would be offered, but g in role q comes first",
    ],
    [
      "nobody there to take it",
      () => simple({}, {}, { isActive: false }),
      "fits now; but no framework wants offers for role r",
    ],
  ])("%s", (_, cluster, expected) => {
    expect(cluster().says({ role: "r", wanted })).toBe(`1 host: ${expected}`)
  })

  it("counts what a task of the role could use up, and nothing else", () => {
    const cluster = new AskedCluster().framework("f", ["r"])
    cluster.host("own", all(of({ cpus: 1_000 }), reservedFor("r", { cpus: 1_000 })))
    cluster.host("lent", all(of({ cpus: 1_000 }), of({ cpus: 1_000 }, { revocable: true })))
    const disk = { persistence: { id: "v", principal: null }, volume: null, source: null }
    cluster.host("kept", all(of({ cpus: 2_000 }), of({ disk: gib }, { ...reservation("r"), disk })))
    expect(cluster.says({ role: "r", wanted: { cpus: 2_000 } })).toBe(
      "2 hosts: fits now; 1: too small even when empty, short of cpus by 1",
    )
    expect(cluster.says({ role: "r", wanted: { cpus: 500, disk: 1_000 } })).toBe(
      "3 hosts: too small even when empty, short of disk by 1 MiB",
    )
  })

  it("counts ports by number", () => {
    const cluster = new AskedCluster().framework("f", ["r"])
    cluster.host("a", all(of(size), ports(31_000, 31_004))).host("b", all(of(size), ports(31_000, 31_001)))
    cluster.holds("task", "g", "s", "a", ports(31_000, 31_002))
    expect(cluster.says({ role: "r", wanted: { ports: 3_000 } })).toBe(
      "1 host: too small even when empty, short of ports by 1; 1: short of ports by 1",
    )
  })

  it("asks on behalf of a framework, with all that stands in its way", () => {
    const cluster = simple().refuses("f", "r", "h", size, 4_000)
    expect(cluster.says({ frameworkId: "f", role: "r", wanted })).toBe("1 host: filtered for 4 s more")
    cluster.host("h2", size).holds("offer", "f", "r", "h2", size)
    expect(cluster.says({ frameworkId: "f", role: "r", wanted })).toBe(
      "1 host: offered to it already; 1: filtered for 4 s more",
    )
  })

  it("gives the range of what is short, host by host rounded up", () => {
    const cluster = new AskedCluster().framework("f", ["r"])
    for (const [index, mem] of [1_000, 2_345_678, 3_000_000].entries()) {
      cluster.host(`h${index}`, size).holds("task", "g", "s", `h${index}`, { mem: 8 * gib - mem })
    }
    expect(cluster.says({ role: "r", wanted: { cpus: 1_000, mem: 4_000_000 } })).toBe(
      "3 hosts: short of mem by 1000 MiB–4 GiB",
    )
  })

  it("takes what a guarantee brings and what comes on top of it together", () => {
    const cluster = simple().quota("r", { guarantees: { cpus: 1_000 }, limits: { cpus: 3_000 } })
    expect(cluster.says({ role: "r", wanted: { cpus: 3_000, mem: gib } })).toBe("1 host: fits now")
    expect(cluster.says({ role: "r", wanted: { cpus: 3_500 } })).toBe(
      "1 host: beyond the quota limit of role r for cpus",
    )
  })
})

describe("Explainer", () => {
  it("goes on piece by piece, past hosts that have left meanwhile", () => {
    const cluster = simple()
    for (let number = 0; number < 6; number++) cluster.host(`x${number}`, size)
    const view = { ...viewOf(cluster), agentIds: () => ["gone", "h", "x0", "x1", "x2", "x3", "x4", "x5"] }
    const question = { frameworkId: "f", role: null, wanted: {}, nowMs: 0 }
    const explainer = new Explainer(view, question, cluster.background)
    expect(explainer.advance(3)).toBe(false)
    expect(explainer.answers()[0]!.text).toBe("2 hosts: would be offered now")
    expect(explainer.advance(3)).toBe(false)
    expect(explainer.advance(3)).toBe(true)
    expect(explainer.answers()[0]!.text).toBe("7 hosts: would be offered now")
  })

  it("counts a host for each role, and gets on however small the portion", () => {
    const cluster = simple().framework("g", ["r", "s", "t"], { suppressedRoles: ["s"] })
    for (let number = 0; number < 3; number++) cluster.host(`x${number}`, size)
    const question = { frameworkId: "g", role: null, wanted: {}, nowMs: 0 }
    const explainer = new Explainer(cluster.allocator.view(), question, cluster.background)
    const asked = () =>
      explainer.answers().map(({ groups }) => groups.reduce((sum, { hosts }) => sum + hosts.length, 0))
    expect([explainer.advance(4), asked()]).toEqual([false, [2, 0, 2]])
    expect([explainer.advance(1), asked()]).toEqual([false, [3, 0, 3]])
    expect([explainer.advance(0), asked()]).toEqual([true, [4, 0, 4]])
  })
})
