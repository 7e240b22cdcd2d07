import { describe, expect, it } from "vitest"
import type { Entity } from "../../../core/Machine.ts"
import { restoreMaster, snapshotMaster } from "../../../core/master/Snapshot.ts"
import { defaultMasterSettings } from "../../../core/master/State.ts"
import { launching, launchOf, MasterHarness, offeredIn } from "../../support/MasterHarness.ts"
import { host, small } from "../../support/MasterScenes.ts"

// Rows as release 0.2 stored them, in the middle of its work.

const infoOf02 = (roles: ReadonlyArray<string>) => ({
  name: "f",
  user: "root",
  roles,
  principal: null,
  hostname: "",
  webuiUrl: null,
  checkpoint: true,
  failoverTimeoutMs: 60_000,
  capabilities: ["MULTI_ROLE"],
})

const frameworkOf02 = (id: string, grants: Record<string, number>, roles = Object.keys(grants)): Entity => ({
  kind: "framework",
  key: id,
  value: {
    id,
    info: infoOf02(roles),
    streamId: `s-${id}`,
    suppressedRoles: [],
    grants,
    registeredWallMs: 5,
    sinceMs: 0,
    removeAtMs: null,
  },
})

const agentOf02 = (id: string): Entity => ({
  kind: "agent",
  key: id,
  value: {
    id,
    address: { hostname: "host", ip: "127.0.0.1", port: 5051 },
    total: host,
    reserve: { cpus: 500 },
    attributes: [{ name: "rack", value: "r1" }],
    version: "0.2.0",
    condition: "connected",
    streamId: `a-${id}`,
    registeredWallMs: 5,
    sinceMs: 0,
  },
})

const roleOf02 = (role: string, grants: number): Entity => ({
  kind: "role",
  key: role,
  value: { role, grants },
})

/** Two hosts: one is offered to `m-0000` but for the task that runs there, the other one that framework has refused. */
const rowsOf02: ReadonlyArray<Entity> = [
  {
    kind: "master",
    key: "counters",
    value: {
      masterId: "m",
      prng: [1, 2, 3, 4],
      nowMs: 10_000,
      nextFrameworkNumber: 2,
      nextAgentNumber: 2,
      nextOfferNumber: 9,
      allocationDueAtMs: null,
      nextRemovalNumber: 0,
      startedAtMs: 0,
    },
  },
  agentOf02("m-S0"),
  agentOf02("m-S1"),
  frameworkOf02("m-0000", { "web/api": 4, batch: 1 }),
  frameworkOf02("m-0001", { "web/site": 3, gone: 7 }, ["web/site"]),
  roleOf02("batch", 1),
  roleOf02("web/api", 4),
  roleOf02("web/site", 3),
  {
    kind: "offer",
    key: "m-O8",
    value: {
      id: "m-O8",
      frameworkId: "m-0000",
      role: "web/api",
      agentId: "m-S0",
      resources: { cpus: 3_000, mem: 7_936_000 },
      madeAtMs: 9_000,
    },
  },
  {
    kind: "task",
    key: "m-0000/t",
    value: {
      spec: {
        ...{ taskId: "t", frameworkId: "m-0000", agentId: "m-S0", name: "t", role: "batch" },
        resources: small,
        command: { shell: true, value: "true", arguments: [], environment: [], user: null },
        ...{ frameworkUser: "", killGraceMs: null, labels: [] },
      },
      state: "TASK_RUNNING",
      status: null,
      hasEnded: false,
      unacknowledged: false,
      killRequested: false,
      launchedWallMs: 7,
    },
  },
  {
    kind: "filter",
    key: '["m-0000","web/api","m-S1"]',
    value: [
      { resources: host, expiresAtMs: 12_000 },
      { resources: { cpus: 1_000 }, expiresAtMs: 30_000 },
    ],
  },
  {
    kind: "filter",
    key: '["m-0000","batch","m-S1"]',
    value: [{ resources: host, expiresAtMs: 13_000 }],
  },
  {
    kind: "filter",
    key: '["m-0001","web/site","m-S1"]',
    value: [{ resources: host, expiresAtMs: 14_000 }],
  },
]

const takeUp = (rows: ReadonlyArray<Entity> = rowsOf02) => {
  const master = new MasterHarness(defaultMasterSettings)
  master.state = restoreMaster(JSON.parse(JSON.stringify(rows)) as ReadonlyArray<Entity>, master.settings)!
  master.nowMs = master.state.nowMs
  master.wakeAtMs = master.state.deadlines.nextAtMs()
  return master
}

/** Rows as a journal has them after changes have been written over others. */
const storedOf = (rows: ReadonlyArray<Entity>) => {
  const stored = new Map(rows.map((row) => [`${row.kind} ${row.key}`, row]))
  return {
    rows: () => [...stored.values()],
    write: (kind: string, key: string, value: unknown) => {
      if (value === undefined) stored.delete(`${kind} ${key}`)
      else stored.set(`${kind} ${key}`, { kind, key, value: JSON.parse(JSON.stringify(value)) as unknown })
    },
  }
}

describe("rows of release 0.2", () => {
  it("are taken up: who holds what, who was granted how often, roles counting what lies below them", () => {
    const { state } = takeUp()
    const grants = (kind: string, key: string) =>
      (state.allocator.row({ kind, key }) as { grants: number }).grants
    expect(["web", "web/api", "web/site", "batch"].map((role) => grants("role", role))).toEqual([7, 4, 3, 1])
    expect(grants("client", '["m-0000","web/api"]')).toBe(4)
    expect(grants("client", '["m-0001","web/site"]')).toBe(3)
    expect(state.allocator.row({ kind: "client", key: '["m-0001","gone"]' })).toBeUndefined()
    expect(state.allocator.allocatedToRole("web")).toEqual({ cpus: 3_000, mem: 7_936_000 })
    expect(state.allocator.allocatedToRole("batch")).toEqual(small)
    expect(state.allocator.heldOn("m-S0")).toEqual({ cpus: 500 })
  })

  it("go on: filters end when they would have, offers can be used", () => {
    const master = takeUp()
    expect(offeredIn(master.advance(1_999))).toEqual([])
    const free = { cpus: 3_500, mem: 8_000_000 }
    expect(offeredIn(master.advance(1))).toEqual([free])
    expect([...master.state.offers.values()].map(({ role, agentId }) => [role, agentId])).toContainEqual([
      "web/api",
      "m-S1",
    ])
    master.step({
      type: "OffersAccepted",
      frameworkId: "m-0000",
      offerIds: ["m-O8"],
      operations: launching([launchOf("u", "m-S0", small)]),
      refuseMs: null,
    })
    expect(master.state.allocator.allocatedToFramework("web/api", "m-0000").cpus).toBe(500 + 3_500)
  })

  it("are all stored anew with the first step, whichever it is, so that nothing is upgraded twice", () => {
    const stored = storedOf(rowsOf02)
    const first = takeUp(stored.rows())
    first.onChanged = stored.write
    first.step({
      type: "KillRequested",
      frameworkId: "m-0000",
      taskId: "nothing",
      agentId: null,
      graceMs: null,
    })
    const rowsBy = (rows: ReadonlyArray<Entity>) =>
      Object.fromEntries(rows.map(({ kind, key, value }) => [`${kind} ${key}`, value]))
    expect(rowsBy(stored.rows())).toEqual(
      rowsBy(JSON.parse(JSON.stringify(snapshotMaster(first.state))) as ReadonlyArray<Entity>),
    )
    const second = takeUp(stored.rows())
    expect(second.state.upgraded).toEqual([])
    expect(snapshotMaster(second.state)).toEqual(snapshotMaster(first.state))
  })

  it("are written anew where their form has changed, and only there", () => {
    expect(
      takeUp()
        .state.upgraded.map(({ kind, key }) => `${kind} ${key}`)
        .sort(),
    ).toEqual([
      "agent m-S0",
      "agent m-S1",
      'client ["m-0000","batch"]',
      'client ["m-0000","web/api"]',
      'client ["m-0001","web/site"]',
      'filter ["m-0000","batch","m-S1"]',
      'filter ["m-0000","web/api","m-S1"]',
      'filter ["m-0001","web/site","m-S1"]',
      "framework m-0000",
      "framework m-0001",
      "role batch",
      "role web",
      "role web/api",
      "role web/site",
      "task m-0000/t",
    ])
  })
})

describe("rows of release 0.3", () => {
  it("of unreachable agents say when they are removed: when they would have been", () => {
    const away = { condition: "unreachable", streamId: null, sinceMs: 4_000 }
    const [counters, ...others] = rowsOf02.filter(({ kind }) => ["master", "agent"].includes(kind))
    const rows = others.map((row) => ({ ...row, value: { ...(row.value as object), ...away } }))
    const { state } = takeUp([counters!, ...rows])
    expect(state.agents.get("m-S0")).toMatchObject({
      removeAtMs: 4_000 + defaultMasterSettings.agentForgetMs,
      isDeactivated: false,
      drain: null,
    })
    expect(state.deadlines.nextAtMs()).toBe(4_000 + defaultMasterSettings.agentForgetMs)
  })
})

describe("unreachable agents of release 0.3", () => {
  it("are removed one after the other, though they were lost together", () => {
    const { agentForgetMs, agentRemovalPauseMs } = defaultMasterSettings
    const [counters, ...others] = rowsOf02.filter(({ kind }) => ["master", "agent"].includes(kind))
    const agent = others[0]!.value as object
    const rows = ["m-S2", "m-S0", "m-S1"].map((id) => ({
      kind: "agent",
      key: id,
      value: { ...agent, id, condition: "unreachable", streamId: null, sinceMs: 4_000 },
    }))
    const { state } = takeUp([counters!, ...rows])
    const removals = [...state.agents.values()].map(({ id, removeAtMs }) => [id, removeAtMs])
    const first = 4_000 + agentForgetMs
    expect(removals).toEqual([
      ["m-S0", first],
      ["m-S1", first + agentRemovalPauseMs],
      ["m-S2", first + 2 * agentRemovalPauseMs],
    ])
    expect(state.nextAgentRemovalAtMs).toBe(first + 3 * agentRemovalPauseMs)
  })
})

describe("rows that cannot be read", () => {
  it.each<[string, Entity]>([
    [
      "offer m-O8: resources.cpus",
      { ...rowsOf02[8]!, value: { ...(rowsOf02[8]!.value as object), resources: { cpus: -1 } } },
    ],
    ["agent m-S0: total", { ...rowsOf02[1]!, value: { ...(rowsOf02[1]!.value as object), total: "much" } }],
    ["a master has no entities of kind dream", { kind: "dream", key: "x", value: {} }],
  ])("stop the master with their place: %s", (place, row) => {
    const others = rowsOf02.filter(({ kind, key }) => kind !== row.kind || key !== row.key)
    expect(() => takeUp([...others, row])).toThrow(place)
  })
})

describe("frameworks of release 0.3", () => {
  const of03 = ({ value, ...row }: Entity, name: string): Entity => {
    const { grants, info, ...others } = value as { grants: object; info: object }
    return { ...row, value: { ...others, info: { ...info, name, minAllocatable: {}, constraints: {} } } }
  }
  const counters = rowsOf02[0]!

  it("get what was not noted then; of those known by their tasks only, everything may still change", () => {
    const { state } = takeUp([
      counters,
      of03(frameworkOf02("m-0000", {}, ["web"]), "f"),
      of03(frameworkOf02("other-0001", {}, ["web"]), "known to an earlier master, not back yet"),
    ])
    expect(state.frameworks.get("m-0000")).toMatchObject({
      info: { labels: [] },
      reregisteredWallMs: null,
      isRecovered: false,
    })
    expect(state.frameworks.get("other-0001")!.isRecovered).toBe(true)
  })
})
