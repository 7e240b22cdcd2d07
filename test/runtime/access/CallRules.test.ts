import { describe, expect, it } from "vitest"
import { type AgentRecord, initialMasterState, type MasterState } from "../../../core/master/State.ts"
import { resourceOf, toKind } from "../../../core/resources/Resource.ts"
import { toResources } from "../../../core/resources/Resources.ts"
import { administrator, type Caller, nobody } from "../../../runtime/access/Caller.ts"
import { callRules, mayCall } from "../../../runtime/access/CallRules.ts"
import { operatorCallTypes } from "../../../runtime/mesos/OperatorCall.ts"
import { settingsWithoutPause } from "../../support/MasterHarness.ts"

const state = initialMasterState("m", 1, settingsWithoutPause)

/** Who may do just these things, written as the rule demands them: `action object`, or `action ANY`. */
const allowedTo = (...rights: ReadonlyArray<string>): Caller => ({
  principal: "alice",
  isAdministrator: false,
  isAllowed: (action, object) => rights.includes(`${action} ${object ?? "ANY"}`),
})

describe("the rules for calls", () => {
  it("name every call that there is: one that is not named is for administrators only", () => {
    const forgotten = operatorCallTypes.filter((type) => !Object.hasOwn(callRules, type))
    expect(forgotten, "say in CallRules.ts which right they need").toEqual([])
    const strange = Object.keys(callRules).filter((type) => !operatorCallTypes.includes(type))
    expect(strange, "no such call").toEqual([])
  })

  it.each(["NEW_CALL", "toString", "constructor", "__proto__"])("keep %s to administrators", (type) => {
    const all: Caller = { ...allowedTo(), isAllowed: () => true }
    expect([mayCall(all, { type }, state), mayCall(administrator(null), { type }, state)]).toEqual([
      ...[false, true],
    ])
  })

  it("let nobody who has no rights change anything, whatever stands in the call", () => {
    const open = operatorCallTypes.filter((type) => mayCall(nobody, { type }, state))
    expect(open.filter((type) => !/^(GET_|UNKNOWN$|SUBSCRIBE$)/.test(type))).toEqual([])
    for (const type of operatorCallTypes) {
      for (const junk of [null, 7, "x", [], {}, { resources: 7 }, { resources: [] }, { weight_infos: [] }]) {
        const call = { type, [type.toLowerCase()]: junk }
        if (!open.includes(type)) expect(mayCall(nobody, call, state), JSON.stringify(call)).toBe(false)
      }
    }
  })

  const web = {
    reservations: [
      { role: "db", principal: "x" },
      { role: "web", principal: "alice" },
    ],
  }
  const oldWeb = { role: "web", reservation: { principal: "alice" } }
  const volume = { ...web, disk: { persistence: { id: "v", principal: "alice" } } }
  const machine = { hostname: "H1", ip: "10.0.0.1" }
  const agent_id = { value: "S0" }
  it.each([
    ["reserve_resources web", { type: "RESERVE_RESOURCES", reserve_resources: { resources: [web, oldWeb] } }],
    [
      "unreserve_resources alice",
      { type: "UNRESERVE_RESOURCES", unreserve_resources: { resources: [web, oldWeb] } },
    ],
    ["create_volumes web", { type: "CREATE_VOLUMES", create_volumes: { volumes: [volume] } }],
    ["destroy_volumes alice", { type: "DESTROY_VOLUMES", destroy_volumes: { volumes: [volume] } }],
    ["resize_volumes web", { type: "GROW_VOLUME", grow_volume: { volume } }],
    ["resize_volumes web", { type: "SHRINK_VOLUME", shrink_volume: { volume } }],
    ["update_weights web", { type: "UPDATE_WEIGHTS", update_weights: { weight_infos: [{ role: "web" }] } }],
    ["update_quotas web", { type: "UPDATE_QUOTA", update_quota: { quota_configs: [{ role: "web" }] } }],
    ["update_quotas web", { type: "SET_QUOTA", set_quota: { quota_request: { role: "web" } } }],
    ["update_quotas web", { type: "REMOVE_QUOTA", remove_quota: { role: "web" } }],
    ["teardown_frameworks ANY", { type: "TEARDOWN", teardown: { framework_id: { value: "none" } } }],
    ["start_maintenances h1", { type: "START_MAINTENANCE", start_maintenance: { machines: [machine] } }],
    ["stop_maintenances h1", { type: "STOP_MAINTENANCE", stop_maintenance: { machines: [machine] } }],
    [
      "update_maintenance_schedules h1",
      {
        type: "UPDATE_MAINTENANCE_SCHEDULE",
        update_maintenance_schedule: { schedule: { windows: [{ machine_ids: [machine] }] } },
      },
    ],
    [
      "update_maintenance_schedules ANY",
      {
        type: "UPDATE_MAINTENANCE_SCHEDULE",
        update_maintenance_schedule: { schedule: { windows: [] } },
      },
    ],
    ["mark_agents_gone ANY", { type: "MARK_AGENT_GONE", mark_agent_gone: { agent_id } }],
    ["drain_agents ANY", { type: "DRAIN_AGENT", drain_agent: { agent_id } }],
    ["deactivate_agents ANY", { type: "DEACTIVATE_AGENT", deactivate_agent: { agent_id } }],
    ["reactivate_agents ANY", { type: "REACTIVATE_AGENT", reactivate_agent: { agent_id } }],
    ["set_log_level ANY", { type: "SET_LOGGING_LEVEL" }],
    ["access_mesos_logs ANY", { type: "READ_FILE" }],
    ["view_flags ANY", { type: "GET_FLAGS" }],
  ])("want %s of %j, and nothing else will do", (right, call) => {
    expect(mayCall(allowedTo(right), call, state)).toBe(true)
    expect(mayCall(allowedTo(right.replace(/ \S+$/, " other")), call, state)).toBe(false)
    expect(mayCall(allowedTo(), call, state)).toBe(false)
  })

  it("ask who made a volume, and do not believe what the call says of that", () => {
    const kind = toKind({
      name: "disk",
      type: "scalar",
      reservations: [{ type: "dynamic", role: "web", principal: "bob", labels: [] }],
      disk: {
        persistence: { id: "v", principal: "bob" },
        volume: { containerPath: "v", mode: "RW" },
        source: null,
      },
    })
    const agent = { id: "S0", total: toResources([resourceOf(kind, 1_000)]) } as unknown as AgentRecord
    const known: MasterState = { ...state, agents: new Map([["S0", agent]]) }
    const destroy = (id: string, principal: string) => ({
      type: "DESTROY_VOLUMES",
      destroy_volumes: {
        agent_id,
        volumes: [{ ...web, disk: { persistence: { id, principal } } }],
      },
    })
    const alice = allowedTo("destroy_volumes alice")
    expect(mayCall(alice, destroy("v", "alice"), known)).toBe(false)
    expect(mayCall(allowedTo("destroy_volumes bob"), destroy("v", "alice"), known)).toBe(true)
    // One that is not there is refused by its handler.
    expect(mayCall(alice, destroy("w", "alice"), known)).toBe(true)
  })

  it("ask who made a volume also where its reservations are written in another form that is read all the same", () => {
    const kind = toKind({
      name: "disk",
      type: "scalar",
      reservations: [{ type: "dynamic", role: "web", principal: null, labels: [] }],
      disk: {
        persistence: { id: "v", principal: "bob" },
        volume: { containerPath: "v", mode: "RW" },
        source: null,
      },
    })
    const agent = { id: "S0", total: toResources([resourceOf(kind, 1_000)]) } as unknown as AgentRecord
    const known: MasterState = { ...state, agents: new Map([["S0", agent]]) }
    const level = { type: "DYNAMIC", role: "web" }
    const disk = { persistence: { id: "v", principal: "alice" } }
    for (const reservations of [level, [level, null], [[level]], [[level], []], [null, [level, [null]]]]) {
      const call = {
        type: "DESTROY_VOLUMES",
        destroy_volumes: { agent_id, volumes: [{ reservations, disk }] },
      }
      expect(mayCall(allowedTo("destroy_volumes alice"), call, known), JSON.stringify(call)).toBe(false)
      expect(mayCall(allowedTo("destroy_volumes bob"), call, known), JSON.stringify(call)).toBe(true)
    }
  })

  it("ask for the role of a weight as it is read: without white space around it", () => {
    const call = { type: "UPDATE_WEIGHTS", update_weights: { weight_infos: [{ role: " web\t", weight: 1 }] } }
    const [web, spaced] = [allowedTo("update_weights web"), allowedTo("update_weights  web\t")]
    expect([mayCall(web, call, state), mayCall(spaced, call, state)]).toEqual([true, false])
  })

  it("want a right to every part of a call", () => {
    const call = {
      type: "RESERVE_RESOURCES",
      reserve_resources: { resources: [web, { reservations: [{ role: "db" }] }] },
    }
    expect(mayCall(allowedTo("reserve_resources web"), call, state)).toBe(false)
    expect(mayCall(allowedTo("reserve_resources web", "reserve_resources db"), call, state)).toBe(true)
    const unreadable = { type: "RESERVE_RESOURCES", reserve_resources: { resources: [web, 7] } }
    expect(mayCall(allowedTo("reserve_resources web"), unreadable, state)).toBe(false)
  })
})
