import { Effect, type Scope } from "effect"
import { describe, expect, it } from "vitest"
import { withMaster } from "../../../support/BusyMaster.ts"
import type { ServedMaster } from "../../../support/MasterFixture.ts"

// The orders and words of transcripts operator/RESERVE_*, UNRESERVE_*, CREATE_VOLUMES_*, legacy/reserve_* and crashes/*.

const scalar = (name: string, value: number, more: object = {}) => ({
  name,
  type: "SCALAR",
  scalar: { value },
  ...more,
})
const forRoles = (...roles: ReadonlyArray<string>) => ({
  reservations: roles.map((role) => ({ type: "DYNAMIC", role })),
})
const web = forRoles("web")
const volumeOf = (id: string) =>
  scalar("disk", 100, {
    ...web,
    disk: { persistence: { id }, volume: { container_path: "data", mode: "RW" } },
  })

const members = {
  RESERVE_RESOURCES: "resources",
  UNRESERVE_RESOURCES: "resources",
  CREATE_VOLUMES: "volumes",
  DESTROY_VOLUMES: "volumes",
} as const

const order = (
  { ask }: ServedMaster,
  type: keyof typeof members,
  list: ReadonlyArray<object>,
  agentId = "m-S0",
) =>
  Effect.map(
    ask("/api/v1", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        type,
        [type.toLowerCase()]: { agent_id: { value: agentId }, [members[type]]: list },
      }),
    }),
    ({ status, body }) => [status, body],
  )

const form = ({ ask }: ServedMaster, path: string, fields: Record<string, string>) =>
  Effect.map(
    ask(path, { method: "POST", headers: {}, body: new URLSearchParams(fields).toString() }),
    ({ status, body }) => [status, body],
  )

const withAgent = (use: (served: ServedMaster) => Effect.Effect<void, unknown, Scope.Scope>) =>
  withMaster((served) =>
    Effect.gen(function* () {
      const agent = yield* served.agent
      yield* Effect.promise(() =>
        agent.join({
          total: [
            { name: "cpus", type: "scalar", value: 8_000 },
            { name: "disk", type: "scalar", value: 1_024_000 },
            { name: "mem", type: "scalar", value: 8_192_000 },
            { name: "ports", type: "ranges", value: [31_000, 32_000] },
          ],
        }),
      )
      yield* use(served)
    }),
  )

const invalid = (text: string, why: string) => [
  400,
  `Failed to validate master::Call: Resource '${text}' is invalid: ${why}`,
]
const on = "on agent m-S0 at slave(1)@127.0.0.1:5051 (host)"

describe("RESERVE_RESOURCES and its like", () => {
  it("are 202 once they are done, and seen by everybody who looks", () =>
    withAgent((served) =>
      Effect.gen(function* () {
        const wanted = [
          scalar("cpus", 2, web),
          scalar("disk", 100, web),
          { name: "ports", type: "RANGES", ranges: { range: [{ begin: 31_000, end: 31_009 }] }, ...web },
        ]
        const labels = { labels: [{ key: "k", value: "v" }] }
        const old = scalar("mem", 64, { role: "legacy", reservation: { principal: "ops", labels } })
        expect(yield* order(served, "RESERVE_RESOURCES", [...wanted, old])).toEqual([202, ""])
        expect(
          yield* order(served, "RESERVE_RESOURCES", [scalar("cpus", 0.5, forRoles("web", "web/a"))]),
        ).toEqual([202, ""])
        expect(yield* order(served, "CREATE_VOLUMES", [volumeOf("vol-1")])).toEqual([202, ""])
        const [agent] = JSON.parse((yield* served.ask("/slaves")).body).slaves
        expect(agent).toMatchObject({
          resources: { cpus: 8, disk: 1_024, mem: 8_192, ports: "[31000-32000]" },
          unreserved_resources: { cpus: 6, disk: 924, mem: 8_128, ports: "[31010-32000]" },
          reserved_resources: {
            web: { cpus: 1.5, disk: 100, ports: "[31000-31009]" },
            "web/a": { cpus: 0.5 },
            legacy: { mem: 64 },
          },
        })
        expect(agent.reserved_resources_full.legacy).toEqual([
          {
            ...scalar("mem", 64, { role: "legacy", reservation: { principal: "ops", labels } }),
            reservations: [{ type: "DYNAMIC", role: "legacy", principal: "ops", labels }],
          },
        ])
        expect(yield* order(served, "CREATE_VOLUMES", [volumeOf("vol-1")])).toEqual([
          400,
          `Invalid CREATE operation ${on}: Persistence ID 'vol-1' is not unique`,
        ])
        const [status, body] = yield* order(served, "UNRESERVE_RESOURCES", [scalar("disk", 100, web)])
        expect(status).toBe(409)
        expect(body).toContain("disk(reservations: [(DYNAMIC,web)])[vol-1:data]:100")
        expect(body).toContain(" does not contain disk(reservations: [(DYNAMIC,web)]):100")
        expect(yield* order(served, "DESTROY_VOLUMES", [volumeOf("vol-1")])).toEqual([202, ""])
        expect(yield* order(served, "UNRESERVE_RESOURCES", [...wanted, old])).toEqual([
          409,
          expect.stringContaining("does not contain"),
        ])
        expect(
          yield* order(served, "UNRESERVE_RESOURCES", [scalar("cpus", 0.5, forRoles("web", "web/a"))]),
        ).toEqual([202, ""])
        expect(yield* order(served, "UNRESERVE_RESOURCES", [...wanted, old])).toEqual([202, ""])
        expect(JSON.parse((yield* served.ask("/slaves")).body).slaves[0].reserved_resources).toEqual({})
      }),
    ))

  it("hand nothing on from another role, and say so: what is nobody's would be reserved instead", () =>
    withAgent((served) =>
      Effect.gen(function* () {
        const [agentId] = [...served.master.state.agents.keys()]
        const source = [scalar("cpus", 1, forRoles("ads"))]
        const resources = [scalar("cpus", 1, web)]
        const { status, body } = yield* served.ask("/api/v1", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({
            type: "RESERVE_RESOURCES",
            reserve_resources: { agent_id: { value: agentId }, source, resources },
          }),
        })
        expect([status, body]).toEqual([
          400,
          "Failed to validate master::Call: 'source' is not supported by this master: unreserve, then reserve for the other role",
        ])
      }),
    ))

  it("say what is wrong in the words of Mesos, and take no scalar of 0", () =>
    withAgent((served) =>
      Effect.gen(function* () {
        const cpus = (value: number, more: object = web) => [scalar("cpus", value, more)]
        const dynamic = "cpus(reservations: [(DYNAMIC,web)])"
        const expected: ReadonlyArray<[keyof typeof members, ReadonlyArray<object>, ReadonlyArray<unknown>]> =
          [
            ["RESERVE_RESOURCES", cpus(-1), invalid(`${dynamic}:-1`, "Invalid scalar resource: value <= 0")],
            ["RESERVE_RESOURCES", cpus(0), invalid(`${dynamic}:0`, "Invalid scalar resource: value <= 0")],
            [
              "RESERVE_RESOURCES",
              cpus(0.0004),
              invalid(`${dynamic}:0`, "Invalid scalar resource: value <= 0"),
            ],
            [
              "RESERVE_RESOURCES",
              cpus(1, forRoles("we b")),
              invalid(
                "cpus(reservations: [(DYNAMIC,we b)]):1",
                "Role component 'we b' is invalid because it contains backspace or whitespace",
              ),
            ],
            [
              "RESERVE_RESOURCES",
              cpus(1, forRoles("*")),
              invalid(
                "cpus(reservations: [(DYNAMIC,*)]):1",
                'Invalid reservation: role "*" cannot be reserved',
              ),
            ],
            [
              "RESERVE_RESOURCES",
              cpus(0.5, forRoles("web", "other")),
              invalid(
                "cpus(reservations: [(DYNAMIC,web),(DYNAMIC,other)]):0.5",
                "Invalid refined reservation: role 'other' is not a refinement of 'web'",
              ),
            ],
            [
              "RESERVE_RESOURCES",
              [],
              [
                400,
                `Invalid RESERVE operation ${on}: Invalid resources: The resources have multiple resource providers: `,
              ],
            ],
            [
              "UNRESERVE_RESOURCES",
              [scalar("cpus", 1)],
              [400, "Invalid UNRESERVE operation: Resource cpus:1 is not dynamically reserved"],
            ],
            [
              "RESERVE_RESOURCES",
              cpus(1_000),
              [409, "cpus:8; mem:8192; disk:1024; ports:[31000-32000] does not contain cpus:1000"],
            ],
          ]
        for (const [type, list, answer] of expected) expect(yield* order(served, type, list)).toEqual(answer)
        expect(yield* order(served, "RESERVE_RESOURCES", cpus(1), "nope")).toEqual([
          400,
          "No agent found with specified ID",
        ])
        const allocated = cpus(1, { ...web, allocation_info: { role: "web" } })
        expect((yield* order(served, "RESERVE_RESOURCES", allocated))[0]).toBe(400)
        expect((yield* served.ask("/health")).status).toBe(200)
        expect(served.master.state.agents.get("m-S0")!.total).toBe(
          served.master.state.agents.get("m-S0")!.base,
        )
      }),
    ))

  it("are forms too, also below /master", () =>
    withAgent((served) =>
      Effect.gen(function* () {
        const resources = JSON.stringify([scalar("cpus", 1, web)])
        const volumes = JSON.stringify([volumeOf("v")])
        const disk = JSON.stringify([scalar("disk", 100, web)])
        const slaveId = "m-S0"
        expect(yield* form(served, "/master/reserve", { slaveId, resources })).toEqual([202, ""])
        expect(yield* form(served, "/reserve", { slaveId, resources: disk })).toEqual([202, ""])
        expect(yield* form(served, "/create-volumes", { slaveId, volumes })).toEqual([202, ""])
        expect(yield* form(served, "/master/destroy-volumes", { slaveId, volumes })).toEqual([202, ""])
        expect(yield* form(served, "/unreserve", { slaveId, resources })).toEqual([202, ""])
        expect(yield* form(served, "/unreserve", { slaveId, resources })).toEqual([
          409,
          expect.stringContaining("does not contain cpus(reservations: [(DYNAMIC,web)]):1"),
        ])
        expect(yield* form(served, "/reserve", { slaveId: "nope", resources })).toEqual([
          400,
          "No agent found with specified ID",
        ])
        expect(yield* form(served, "/reserve", { resources })).toEqual([
          400,
          "Missing 'slaveId' query parameter in the request body",
        ])
        expect(yield* form(served, "/reserve", { slaveId })).toEqual([
          400,
          "Missing 'resources' query parameter in the request body",
        ])
        const [status, body] = yield* form(served, "/reserve", { slaveId, resources: "[{" })
        expect(status).toBe(400)
        expect(body).toMatch(/^Error parsing 'resources' query parameter in the request body: ./)
      }),
    ))

  it("GET_OPERATIONS shows those that a framework follows, until it has acknowledged them", () =>
    withAgent((served) =>
      Effect.gen(function* () {
        const framework = yield* served.framework
        const shown = () =>
          Effect.map(
            served.ask("/api/v1", {
              method: "POST",
              headers: { "Content-Type": "application/json" },
              body: JSON.stringify({ type: "GET_OPERATIONS" }),
            }),
            ({ body }) => JSON.parse(body).get_operations,
          )
        yield* Effect.promise(async () => {
          await framework.subscribe()
          const { offers } = await framework.next("OFFERS")
          await framework.call({
            type: "ACCEPT",
            accept: {
              offer_ids: [offers.offers[0].id],
              operations: [
                { type: "RESERVE", id: { value: "op-1" }, reserve: { resources: [scalar("cpus", 1, web)] } },
              ],
            },
          })
        })
        const status = {
          operation_id: { value: "op-1" },
          state: "OPERATION_PENDING",
          agent_id: { value: "m-S0" },
        }
        expect(yield* shown()).toEqual({
          operations: [
            {
              framework_id: { value: "m-0000" },
              agent_id: { value: "m-S0" },
              info: {
                type: "RESERVE",
                id: { value: "op-1" },
                reserve: { resources: [scalar("cpus", 1, web)] },
              },
              latest_status: status,
              statuses: [status],
            },
          ],
        })
      }),
    ))
})
