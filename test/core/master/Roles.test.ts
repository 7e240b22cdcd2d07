import { describe, expect, it } from "vitest"
import type { AllocatorSettings } from "../../../core/allocation/Settings.ts"
import { defaultMasterSettings } from "../../../core/master/State.ts"
import { launching, launchOf, MasterHarness, offeredIn } from "../../support/MasterHarness.ts"

// What settings and frameworks say of roles, seen through the master: who has which hosts in the end.

const hostOfOne = { cpus: 1_000, mem: 1_000_000 }

const clusterOf = (hosts: number, allocator: Partial<AllocatorSettings>) => {
  const settings = {
    ...defaultMasterSettings,
    allocator: { ...defaultMasterSettings.allocator, partMin: null, ...allocator },
  }
  const master = new MasterHarness(settings)
  for (let host = 0; host < hosts; host++) master.addAgent(hostOfOne)
  return master
}

/** How many hosts each role is offered, of all. */
const hostsByRole = (master: MasterHarness) => {
  const counts: Record<string, number> = {}
  for (const { role } of master.state.offers.values()) counts[role] = (counts[role] ?? 0) + 1
  return counts
}

const inRole = (master: MasterHarness, ...roles: ReadonlyArray<string>) =>
  master.subscribe({ roles, capabilities: ["MULTI_ROLE"] })

describe("roles", () => {
  it("share by weight at every level of the tree", () => {
    const weights = { web: 3, "web/api": 2 }
    const master = clusterOf(40, { weights })
    for (const role of ["web/api", "web/site", "batch"]) inRole(master, role)
    master.settle()
    expect(hostsByRole(master)).toEqual({ "web/api": 20, "web/site": 10, batch: 10 })
    expect(master.state.allocator.shareOf("web")).toBe(0.25)
  })

  it("of a higher priority are served first, whatever the shares", () => {
    const master = clusterOf(5, { priorities: { urgent: 1 } })
    for (const role of ["urgent", "batch"]) inRole(master, role)
    master.settle()
    expect(hostsByRole(master)).toEqual({ urgent: 5 })
  })

  it("have at most what their quota says, and others leave them what it guarantees", () => {
    const quotas = {
      limited: { guarantees: {}, limits: { cpus: 3_000 } },
      promised: { guarantees: { cpus: 4_000, mem: 4_000_000 }, limits: {} },
    }
    const master = clusterOf(10, { quotas })
    for (const role of ["limited/a", "batch"]) inRole(master, role)
    master.settle()
    // Beyond its cpus the limited one may still have mem, which is offered apart.
    const cpusOf = (role: string) => master.state.allocator.consumedQuotaOf(role).cpus ?? 0
    expect([cpusOf("limited"), cpusOf("batch")]).toEqual([3_000, 3_000])
    inRole(master, "promised")
    master.settle()
    expect(cpusOf("promised")).toBe(4_000)
  })

  it("keep their place in the fair order over a restart", () => {
    const play = (isRestarted: boolean) => {
      const master = clusterOf(0, { weights: { web: 2 } })
      const { id } = inRole(master, "web/api", "batch")
      inRole(master, "web/site")
      const taken: Array<string> = []
      for (let round = 0; round < 12; round++) {
        master.addAgent(hostOfOne)
        if (isRestarted) master.restart()
        master.settle()
        for (const offer of master.state.offers.values()) {
          taken.push(offer.role)
          master.step({
            type: "OffersAccepted",
            frameworkId: offer.frameworkId,
            offerIds: [offer.id],
            operations: launching([launchOf(`t${round}`, offer.agentId, hostOfOne)]),
            refuseMs: null,
          })
        }
      }
      expect(master.state.allocator.allocatedToFramework("batch", id)).toEqual({
        cpus: 4_000,
        mem: 4_000_000,
      })
      return taken
    }
    expect(play(true)).toEqual(play(false))
  })
})

describe("a framework", () => {
  it("is offered nothing below its own minimum", () => {
    const master = clusterOf(1, {})
    const minAllocatable = { "*": [{ cpus: 2_000 }] }
    const { id } = master.subscribe({ minAllocatable })
    expect(offeredIn(master.settle())).toEqual([])
    master.addAgent({ cpus: 2_000 })
    expect(offeredIn(master.settle())).toEqual([{ cpus: 2_000 }])
    master.restart()
    expect(master.state.frameworks.get(id)!.info.minAllocatable).toEqual(minAllocatable)
  })

  it("is offered no host that its constraints exclude", () => {
    const master = clusterOf(1, {})
    const predicate = { type: "textEquals", value: "host" } as const
    const only = (name: string) => ({
      "*": [[{ selector: { type: "hostname" as const }, predicate: { ...predicate, value: name } }]],
    })
    master.subscribe({ constraints: only("other") })
    expect(offeredIn(master.settle())).toEqual([])
    master.subscribe({ constraints: only("host") })
    expect(offeredIn(master.settle())).toEqual([hostOfOne])
  })
})

describe("a host that more want than there are hosts", () => {
  const big = { cpus: 8_000, mem: 16_000_000 }

  it("is offered in parts, of which nobody takes more than one", () => {
    const master = clusterOf(0, { partMin: { cpus: 4_000, mem: 8_000_000 } })
    const frameworks = [master.subscribe(), master.subscribe(), master.subscribe()]
    master.addAgent(big)
    expect(offeredIn(master.settle())).toEqual([
      { cpus: 4_000, mem: 8_000_000 },
      { cpus: 4_000, mem: 8_000_000 },
    ])
    expect(frameworks.map(({ id }) => master.offersOf(id).length).sort()).toEqual([0, 1, 1])
  })

  it("is offered whole where parts are off", () => {
    const master = clusterOf(0, { partMin: null })
    for (let count = 0; count < 3; count++) master.subscribe()
    master.addAgent(big)
    expect(offeredIn(master.settle())).toEqual([big])
  })
})
