import { Either } from "effect"
import { expect, it } from "vitest"
import type { FrameworkRecord } from "../../../core/master/State.ts"
import { jsonToCall } from "../../../runtime/mesos/CallSchema.ts"
import { wireToFrameworkInfo } from "../../../runtime/mesos/FrameworkInfo.ts"
import { frameworkToWire } from "../../../runtime/mesos/OperatorViews.ts"

const shownOf = (subscribe: object) => {
  const call = Either.getOrThrow(jsonToCall({ type: "SUBSCRIBE", subscribe }))
  const framework: FrameworkRecord = {
    id: "f",
    info: wireToFrameworkInfo(call.subscribe!),
    streamId: null,
    suppressedRoles: [],
    registeredWallMs: 1_795_332_992_101,
    reregisteredWallMs: null,
    isRecovered: false,
    sinceMs: 0,
    removeAtMs: 1,
  }
  return frameworkToWire(framework, { hosts: [], allocated: [], offered: [] })
}

it("operators see of a framework what it subscribed with, its demands too", () => {
  const info = {
    user: "root",
    name: "x",
    failover_timeout: 2.5,
    checkpoint: true,
    roles: ["a", "b"],
    hostname: "h",
    principal: "p",
    webui_url: "http://h/",
    capabilities: [{ type: "MULTI_ROLE" }, { type: "REGION_AWARE" }],
    offer_filters: {
      a: { min_allocatable_resources: { quantities: [{ quantities: { cpus: { value: 0.5 } } }] } },
      b: { min_allocatable_resources: { quantities: [] } },
    },
  }
  const attribute = { attribute_name: "rack" }
  const constraints = {
    role_constraints: {
      a: {
        groups: [
          {
            attribute_constraints: [
              { selector: { pseudoattribute_type: "HOSTNAME" }, predicate: { exists: {} } },
              { selector: attribute, predicate: { not_exists: {} } },
            ],
          },
          {
            attribute_constraints: [
              { selector: attribute, predicate: { text_equals: { value: "r1" } } },
              { selector: attribute, predicate: { text_not_equals: { value: "r2" } } },
              { selector: attribute, predicate: { text_matches: { regex: "r.*" } } },
              { selector: attribute, predicate: { text_not_matches: { regex: "s.*" } } },
            ],
          },
        ],
      },
    },
  }
  expect(shownOf({ framework_info: info, offer_constraints: constraints })).toEqual({
    framework_info: { ...info, id: { value: "f" } },
    active: false,
    connected: false,
    recovered: false,
    registered_time: { nanoseconds: 1_795_332_992_101e6 },
    // Mesos counts the first time, too.
    reregistered_time: { nanoseconds: 1_795_332_992_101e6 },
    offer_constraints: constraints,
  })
})

it("one of a single role shows it, but for the default, as Mesos does", () => {
  const info = { user: "", name: "x" }
  const shown = { ...info, id: { value: "f" }, failover_timeout: 0, checkpoint: false }
  expect(shownOf({ framework_info: info }).framework_info).toEqual(shown)
  expect(shownOf({ framework_info: { ...info, role: "a" } }).framework_info).toEqual({ ...shown, role: "a" })
})
