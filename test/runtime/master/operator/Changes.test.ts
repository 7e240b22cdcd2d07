import { Context, Effect, Layer } from "effect"
import { describe, expect, it } from "vitest"
import { Journal } from "../../../../runtime/journal/Journal.ts"
import * as MemoryJournal from "../../../../runtime/journal/MemoryJournal.ts"
import { busy, withMaster } from "../../../support/BusyMaster.ts"
import { run, type ServedMaster, serveMaster } from "../../../support/MasterFixture.ts"
import { call, done, shown } from "../../../support/OperatorAsk.ts"

const weights = (served: ServedMaster, ...infos: ReadonlyArray<object>) =>
  call(served, "UPDATE_WEIGHTS", { weight_infos: infos })
const quotas = (served: ServedMaster, configs: ReadonlyArray<object>, force?: boolean) =>
  call(served, "UPDATE_QUOTA", { force, quota_configs: configs })

describe("TEARDOWN", () => {
  it("ends a framework, by either way, once", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const unknown = [400, "No framework found with specified ID"]
        const framework = { framework_id: { value: "m-0000" } }
        expect(yield* call(served, "TEARDOWN", { framework_id: { value: "x" } })).toEqual(unknown)
        expect(yield* call(served, "TEARDOWN", framework)).toEqual(done)
        expect(served.master.state.frameworks.size).toBe(0)
        expect(yield* call(served, "TEARDOWN", framework)).toEqual(unknown)
        const form = (body: string) =>
          Effect.map(served.ask("/master/teardown", { method: "POST", body }), ({ status, body: text }) => [
            status,
            text,
          ])
        const other = yield* served.framework
        yield* Effect.promise(() => other.subscribe())
        yield* Effect.promise(() => other.next("SUBSCRIBED"))
        expect(yield* form("")).toEqual([400, "Missing 'frameworkId' query parameter in the request body"])
        expect(yield* form("frameworkId=m-0000")).toEqual(unknown)
        expect(yield* form("frameworkId=m-0001")).toEqual(done)
        expect((yield* served.ask("/teardown")).headers.allow).toBe("POST")
      }),
    ))
})

describe("weights", () => {
  it("are set all or none, and the last of a role counts", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const refused = "Failed to validate update weights request JSON"
        for (const [info, sentence] of [
          [{ role: "web", weight: 0 }, " for role 'web': Invalid weight '0': Weights must be positive"],
          [{ role: "web", weight: "NaN" }, " for role 'web': Invalid weight 'NaN': Weights must be positive"],
          [
            { role: "web", weight: 1e-9 },
            " for role 'web': Invalid weight '1e-9': Weights must be from 0.001 to 1000000",
          ],
          [{ weight: 1 }, ": Invalid role '': Role names cannot be the empty string"],
        ] as const) {
          expect(yield* weights(served, { role: "fine", weight: 2 }, info)).toEqual([
            400,
            `${refused}${sentence}`,
          ])
        }
        expect((yield* weights(served, { role: "web", weight: "abc" }))[0]).toBe(400)
        expect(yield* shown(served, "/weights")).toEqual([])
        expect(
          yield* weights(
            served,
            { role: "web", weight: 3 },
            { role: "*", weight: "0.5" },
            { role: "web", weight: 4 },
          ),
        ).toEqual(done)
        expect(yield* shown(served, "/weights")).toEqual([
          { role: "*", weight: 0.5 },
          { role: "web", weight: 4 },
        ])
        const put = (body: string) =>
          Effect.map(served.ask("/weights", { method: "PUT", body }), ({ status }) => status)
        expect(yield* put('[{"role": "web", "weight": 1.0}]')).toBe(200)
        for (const body of ["", "{}", '[{"role": "web"}]', '[{"role": "web", "weight": -1}]']) {
          expect([body, yield* put(body)]).toEqual([body, 400])
        }
        expect(served.master.state.weights.get("web")).toEqual({ role: "web", weight: 1 })
      }),
    ))
})

describe("quotas", () => {
  it("are judged as in Mesos, in its order", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const cpus = (value: number) => ({ cpus: { value } })
        for (const [config, sentence] of [
          [{ role: "web/a", limits: cpus(1) }, "Updating quota on nested role 'web/a' is not supported yet"],
          [
            { role: "we b" },
            "Invalid QuotaConfig: Invalid 'QuotaConfig.role': Role component 'we b' is invalid",
          ],
          [
            { role: "web", guarantees: cpus(-1), limits: cpus(1) },
            "Invalid QuotaConfig: Invalid guarantee configuration {'cpus': -1}: Negative values not supported",
          ],
          [
            { role: "web", guarantees: cpus(1e12 + 1) },
            "Invalid QuotaConfig: Invalid 'QuotaConfig.guarantees': {'cpus': 1000000000001} is invalid: values greater than 1 trillion (1000000000000) are not supported",
          ],
          [
            { role: "web", limits: { mem: { value: 2 ** 41 } } },
            "Invalid QuotaConfig: Invalid 'QuotaConfig.limits': {'mem': 2199023255552} is invalid: values greater than 1 exabyte",
          ],
          [
            { role: "web", guarantees: cpus(5), limits: cpus(2) },
            "Invalid QuotaConfig: 'QuotaConfig.guarantees' { cpus: 5 } is not contained within the 'QuotaConfig.limits' { cpus: 2 }",
          ],
          [
            { role: "ads", guarantees: cpus(9) },
            "Invalid QuotaConfig: total quota guarantees 'cpus:9' exceed cluster capacity 'cpus:4; mem:8000' (use 'force' flag",
          ],
          [
            { role: "ads", limits: { cpu: { value: 1 } } },
            "Invalid QuotaConfig: role 'ads': no host has a resource 'cpu' that can be counted (use 'force' flag",
          ],
          [
            { role: "web", limits: cpus(0.25) },
            "Invalid QuotaConfig: role 'web' is already consuming 'cpus:",
          ],
        ] as const) {
          const [status, text] = yield* quotas(served, [{ role: "fine", limits: cpus(1) }, config])
          expect([status, String(text).slice(0, sentence.length)]).toEqual([400, sentence])
        }
        expect(yield* shown(served, "/quota")).toEqual({})
        expect(yield* quotas(served, [])).toEqual(done)
        expect(yield* quotas(served, [{ role: "ads", guarantees: cpus(9) }], true)).toEqual(done)
        expect(yield* shown(served, "/quota")).toMatchObject({
          configs: [{ role: "ads", guarantees: { cpus: { value: 9 } } }],
        })
        // One that was taken away is still listed (mesos-transcripts README, 20).
        expect(yield* quotas(served, [{ role: "ads" }])).toEqual(done)
        expect(yield* shown(served, "/quota")).toEqual({
          infos: [{ role: "ads" }],
          configs: [{ role: "ads" }],
        })
      }),
    ))

  it("are set and removed in the older form, by either way", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const cpus = (value: number, more: object = {}) => [
          { name: "cpus", type: "SCALAR", scalar: { value }, ...more },
        ]
        const post = (quota: object) =>
          Effect.map(
            served.ask("/quota", { method: "POST", body: JSON.stringify(quota) }),
            ({ status, body }) => [status, body],
          )
        const set = (quota: object) => call(served, "SET_QUOTA", { quota_request: quota })
        const remove = (role: string) =>
          Effect.map(served.ask(`/master/quota/${role}`, { method: "DELETE" }), ({ status, body }) => [
            status,
            body,
          ])
        const refused = "Failed to validate set quota request: "
        for (const [quota, sentence] of [
          [{ guarantee: cpus(1) }, "QuotaInfo with invalid role: Role names cannot be the empty string"],
          [
            { role: "we b", guarantee: cpus(1) },
            "QuotaInfo with invalid role: Role component 'we b' is invalid",
          ],
          [{ role: "web" }, "QuotaInfo with empty 'guarantee'"],
          [
            { role: "web", guarantee: cpus(-1) },
            "QuotaInfo with invalid resource: Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0",
          ],
          [
            { role: "web", guarantee: cpus(1, { role: "web" }) },
            "QuotaInfo must not contain any ReservationInfo",
          ],
          [
            { role: "web", guarantee: [...cpus(1), ...cpus(1)] },
            "QuotaInfo contains duplicate resource name 'cpus'",
          ],
          [
            { role: "web", guarantee: [{ name: "ports", type: "SET", set: { item: ["a"] } }] },
            "QuotaInfo must not include non-scalar resources",
          ],
        ] as const) {
          for (const way of [set, post]) {
            const [status, text] = yield* way(quota)
            const expected = `${refused}${sentence}`
            expect([status, String(text).slice(0, expected.length)]).toEqual([400, expected])
          }
        }
        const nested = [400, "Setting quota on nested role 'web/a' is not supported yet"]
        expect(yield* set({ role: "web/a", guarantee: cpus(1) })).toEqual(nested)
        const overcommit = (guarantees: string) => [
          409,
          `Quota guarantees overcommit the cluster (use 'force' to bypass this check): Total quota guarantees '${guarantees}' exceed cluster capacity 'cpus:4; mem:8000'`,
        ]
        expect(yield* set({ role: "ads", guarantee: cpus(9) })).toEqual(overcommit("cpus:9"))
        expect(yield* set({ role: "ads", guarantee: cpus(9), force: true })).toEqual(done)
        expect(yield* post({ role: "web", guarantee: cpus(1) })).toEqual(overcommit("cpus:10"))
        expect(yield* call(served, "REMOVE_QUOTA", { role: "ads" })).toEqual(done)
        expect(yield* post({ role: "web", guarantee: cpus(1) })).toEqual(done)
        expect(yield* set({ role: "web", guarantee: cpus(1) })).toEqual([
          400,
          `${refused}Cannot set quota for role 'web' which already has quota`,
        ])
        // A guarantee is the limit, too, as it was before the two were told apart.
        expect(yield* shown(served, "/quota")).toMatchObject({
          configs: [{ role: "web", guarantees: { cpus: { value: 1 } }, limits: { cpus: { value: 1 } } }],
        })
        expect(yield* remove("web")).toEqual(done)
        expect(yield* shown(served, "/quota")).toEqual({})
        // This kills Apache Mesos (mesos-transcripts crashes/REMOVE_QUOTA_unknown_role).
        const none = (where: string) => [400, `Failed to remove quota${where}: Role 'web' has no quota set`]
        expect(yield* remove("web")).toEqual(none(" for path '/master/quota/web'"))
        expect(yield* call(served, "REMOVE_QUOTA", { role: "web" })).toEqual(none(""))
        expect((yield* remove("%zz"))[0]).toBe(400)
        expect((yield* served.ask("/quota", { method: "POST", body: "[]" })).status).toBe(400)
        expect(yield* remove("")).toEqual([
          400,
          "Failed to parse remove quota request for path '/master/quota/': expected 3 tokens, found 2 tokens",
        ])
        const { headers } = yield* served.ask("/quota", { method: "PUT", body: "" })
        expect(headers.allow).toBe("GET, POST, DELETE")
        expect((yield* served.ask("/weights", { method: "POST", body: "" })).headers.allow).toBe("GET, PUT")
      }),
    ))

  it("as large as a number can be are more than the cluster, and do the master no harm", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const most = [{ name: "cpus", type: "SCALAR", scalar: { value: 9e12 } }]
        const set = (role: string, force: boolean) =>
          call(served, "SET_QUOTA", { quota_request: { role, guarantee: most, force } })
        expect(yield* set("a", true)).toEqual(done)
        expect((yield* set("b", false))[0]).toBe(409)
        expect(yield* set("b", true)).toEqual(done)
        expect((yield* quotas(served, [{ role: "c", guarantees: { cpus: { value: 1 } } }]))[0]).toBe(400)
        expect((yield* call(served, "GET_QUOTA"))[0]).toBe(200)
      }),
    ))

  it("and weights survive the master, whose configuration says otherwise", () =>
    run(
      Effect.gen(function* () {
        const context = yield* Layer.build(MemoryJournal.layer())
        const journal = Layer.succeed(Journal, Context.get(context, Journal))
        yield* Effect.scoped(
          Effect.gen(function* () {
            const served = yield* serveMaster({ journal })
            expect(yield* weights(served, { role: "web", weight: 4 })).toEqual(done)
            expect(yield* quotas(served, [{ role: "web", limits: { cpus: { value: 1 } } }])).toEqual(done)
          }),
        )
        const served = yield* serveMaster({ journal })
        expect(yield* shown(served, "/weights")).toEqual([{ role: "web", weight: 4 }])
        expect(yield* shown(served, "/quota")).toMatchObject({
          configs: [{ role: "web", limits: { cpus: { value: 1 } } }],
        })
      }),
    ))
})
