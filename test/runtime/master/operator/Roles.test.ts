import { expect, it } from "vitest"
import { defaultMasterSettings } from "../../../../core/master/State.ts"
import { rolesView } from "../../../../runtime/master/operator/Roles.ts"
import { launching, launchOf, MasterHarness } from "../../../support/MasterHarness.ts"

it("roles have what lies below them, and are shown in the fields of Mesos (mesos-transcripts legacy/two_roles)", () => {
  const master = new MasterHarness({
    ...defaultMasterSettings,
    allocator: {
      ...defaultMasterSettings.allocator,
      weights: { web: 2 },
      priorities: { "idle/role": -1 },
      quotas: { web: { guarantees: { cpus: 1_000 }, limits: { mem: 8_000_000 } } },
    },
  })
  const agentId = master.addAgent({ cpus: 4_000, mem: 8_000_000 })
  const { id } = master.subscribe({ roles: ["web/api"] })
  master.settle()
  master.step({
    type: "OffersAccepted",
    frameworkId: id,
    offerIds: master.offersOf(id),
    operations: launching([launchOf("t", agentId, { cpus: 1_000, mem: 2_000_000 })]),
    refuseMs: 1_000,
  })
  master.advance(1_000)
  const other = master.subscribe({ roles: ["web"] })
  const used = { cpus: 1, mem: 2_000 }
  const out = { cpus: 3, mem: 6_000 }
  const held = { resources: { cpus: 4, mem: 8_000 }, allocated: used, offered: out, reserved: {} }
  const nothing = { resources: {}, allocated: {}, offered: {}, reserved: {} }
  expect(rolesView(master.state, "gleaner")).toEqual({
    roles: [
      {
        name: "idle/role",
        weight: 1,
        quota: { role: "idle/role", guarantee: {}, limit: {}, consumed: {} },
        ...nothing,
        frameworks: [],
        priority: -1,
        share: 0,
      },
      {
        name: "web",
        weight: 2,
        quota: { role: "web", guarantee: { cpus: 1 }, limit: { mem: 8_000 }, consumed: used },
        ...held,
        frameworks: [other.id],
        priority: 0,
        share: 0.5,
      },
      {
        name: "web/api",
        weight: 1,
        quota: { role: "web/api", guarantee: {}, limit: {}, consumed: used },
        ...held,
        frameworks: [id],
        priority: 0,
        share: 1,
      },
    ],
  })
})
