import { describe, expect, it } from "vitest"
import type { MasterAction } from "../../../core/master/Action.ts"
import type { AgentRecord, FrameworkRecord } from "../../../core/master/State.ts"
import { quantitiesToResources } from "../../../core/resources/Resources.ts"
import type { TaskStatus } from "../../../core/Task.ts"
import { actionToEvent, statusToWire } from "../../../runtime/mesos/SchedulerEvent.ts"
import { frameworkInfo } from "../../support/MasterHarness.ts"

const framework = (capabilities: ReadonlyArray<string>): FrameworkRecord => ({
  id: "m-0000",
  info: frameworkInfo({ roles: ["web"], capabilities }),
  streamId: "s",
  suppressedRoles: [],
  registeredWallMs: 0,
  reregisteredWallMs: null,
  isRecovered: false,
  sinceMs: 0,
  removeAtMs: null,
})

const eventOf = (action: MasterAction, ip = "127.0.0.1") =>
  actionToEvent(action, { masterId: "m", version: "9", address: { hostname: "here", ip, port: 5050 } })

describe("SUBSCRIBED", () => {
  it("presents the master as Mesos does", () => {
    const action = { type: "ConfirmSubscription", streamId: "s", framework: framework([]) } as const
    expect(eventOf(action)).toEqual({
      type: "SUBSCRIBED",
      subscribed: {
        framework_id: { value: "m-0000" },
        heartbeat_interval_seconds: 15,
        master_info: {
          id: "m",
          ip: 16_777_343,
          port: 5050,
          pid: "master@127.0.0.1:5050",
          hostname: "here",
          version: "9",
          address: { hostname: "here", ip: "127.0.0.1", port: 5050 },
          capabilities: [{ type: "AGENT_UPDATE" }, { type: "AGENT_DRAINING" }, { type: "QUOTA_V2" }],
        },
      },
    })
    expect(eventOf(action, "10.1.2.255")).toHaveProperty("subscribed.master_info.ip", 0xff02010a)
    expect(eventOf(action, "::1")).toHaveProperty("subscribed.master_info.ip", 0)
  })
})

describe("OFFERS", () => {
  const agent: AgentRecord = {
    id: "m-S0",
    address: { hostname: "h", ip: "127.0.0.1", port: 5051 },
    base: quantitiesToResources({ cpus: 8_000 }),
    total: quantitiesToResources({ cpus: 8_000 }),
    reserve: {},
    attributes: [{ name: "rack", value: "r1" }],
    version: "1",
    condition: "connected",
    streamId: "a",
    registeredWallMs: 0,
    sinceMs: 0,
    removeAtMs: null,
    unreachableWallMs: null,
    isDeactivated: false,
    drain: null,
  }
  const offer = {
    id: "m-O1",
    frameworkId: "m-0000",
    role: "web",
    agentId: "m-S0",
    resources: quantitiesToResources({ cpus: 8_000 }),
    madeAtMs: 0,
  }
  const offersTo = (capabilities: ReadonlyArray<string>) => ({
    type: "OfferResources" as const,
    streamId: "s",
    framework: framework(capabilities),
    offers: [{ offer, agent, unavailability: null }],
  })
  const common = {
    id: { value: "m-O1" },
    framework_id: { value: "m-0000" },
    agent_id: { value: "m-S0" },
    hostname: "h",
    url: {
      scheme: "http",
      address: { hostname: "h", ip: "127.0.0.1", port: 5051 },
      path: "/slave(1)",
    },
    attributes: [{ name: "rack", type: "TEXT", text: { value: "r1" } }],
  }
  const cpus = { name: "cpus", type: "SCALAR", scalar: { value: 8 } }
  const allocation_info = { role: "web" }

  it.each([
    [[], { ...common, resources: [{ ...cpus, role: "*" }] }],
    [["MULTI_ROLE"], { ...common, resources: [{ ...cpus, role: "*", allocation_info }], allocation_info }],
    [["RESERVATION_REFINEMENT"], { ...common, resources: [cpus] }],
    [
      ["MULTI_ROLE", "RESERVATION_REFINEMENT"],
      { ...common, resources: [{ ...cpus, allocation_info }], allocation_info },
    ],
  ])("for a framework with %j", (capabilities, wire) => {
    expect(eventOf(offersTo(capabilities))).toEqual({ type: "OFFERS", offers: { offers: [wire] } })
  })

  it("leave out what the agent has no attributes of", () => {
    const action = {
      ...offersTo([]),
      offers: [{ offer, agent: { ...agent, attributes: [] }, unavailability: null }],
    }
    expect(JSON.stringify(eventOf(action))).not.toContain("attributes")
  })

  it("name agents by HTTPS in a cluster that speaks it", () => {
    const address = { hostname: "here", ip: "127.0.0.1", port: 5050 }
    const master = { masterId: "m", version: "9", address, scheme: "https" as const }
    expect(actionToEvent(offersTo([]), master)).toMatchObject({
      offers: { offers: [{ url: { scheme: "https" } }] },
    })
  })

  it("are taken back by their id", () => {
    expect(eventOf({ type: "RescindOffer", streamId: "s", offerId: "m-O1" })).toEqual({
      type: "RESCIND",
      rescind: { offer_id: { value: "m-O1" } },
    })
  })
})

describe("UPDATE", () => {
  const status: TaskStatus = {
    taskId: "t",
    frameworkId: "f",
    agentId: "a",
    state: "TASK_FAILED",
    source: "SOURCE_EXECUTOR",
    reason: "REASON_CONTAINER_LIMITATION_MEMORY",
    message: "too much",
    uuid: "cd1444ad-41d3-4e71-8d58-e38acca20e67",
    wallMs: 1_600_000_000_123,
    containerId: "c",
    parentContainerId: "p",
    executorPid: 7,
    ip: "10.0.0.1",
    labels: [{ key: "gleaner.exit_code", value: "3" }],
  }

  it("of a task, to be acknowledged: its uuid in base64, keys in the order of the protocol", () => {
    const event = { type: "UPDATE", update: { status: statusToWire(status) } }
    expect(eventOf({ type: "SendStatus", streamId: "s", status })).toEqual(event)
    expect(JSON.stringify(event.update.status)).toBe(
      '{"task_id":{"value":"t"},"state":"TASK_FAILED","message":"too much","source":"SOURCE_EXECUTOR","reason":"REASON_CONTAINER_LIMITATION_MEMORY","agent_id":{"value":"a"},"executor_id":{"value":"t"},"timestamp":1600000000.123,"uuid":"zRRErUHTTnGNWOOKzKIOZw==","labels":{"labels":[{"key":"gleaner.exit_code","value":"3"}]},"container_status":{"container_id":{"value":"c","parent":{"value":"p"}},"network_infos":[{"ip_addresses":[{"protocol":"IPv4","ip_address":"10.0.0.1"}]}],"executor_pid":7}}',
    )
  })

  it("of the master itself: nothing to acknowledge, no executor, nothing that it does not know", () => {
    const own: TaskStatus = {
      ...status,
      source: "SOURCE_MASTER",
      uuid: null,
      agentId: null,
      reason: null,
      message: null,
      containerId: null,
      labels: [],
    }
    expect(statusToWire(own)).toEqual({
      task_id: { value: "t" },
      state: "TASK_FAILED",
      source: "SOURCE_MASTER",
      timestamp: 1_600_000_000.123,
    })
  })
})

describe("other actions", () => {
  it("are FAILURE, ERROR, or no event at all", () => {
    expect(eventOf({ type: "ReportAgentFailure", streamId: "s", agentId: "a" })).toEqual({
      type: "FAILURE",
      failure: { agent_id: { value: "a" } },
    })
    expect(eventOf({ type: "RefuseSubscription", streamId: "s", message: "no" })).toEqual({
      type: "ERROR",
      error: { message: "no" },
    })
    expect(eventOf({ type: "CloseStream", streamId: "s" })).toBeUndefined()
  })
})
