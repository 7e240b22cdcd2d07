import { Effect, type Scope } from "effect"
import { describe, expect, it } from "vitest"
import type { ExplainView } from "../../../runtime/master/ExplainView.ts"
import {
  type MasterFixtureOptions,
  run,
  type ServedMaster,
  serveMaster,
} from "../../support/MasterFixture.ts"
import { settingsWithoutPause, statusOf } from "../../support/MasterHarness.ts"

const withMaster = (
  use: (served: ServedMaster) => Effect.Effect<void, unknown, Scope.Scope>,
  options: MasterFixtureOptions = {},
) => run(Effect.flatMap(serveMaster(options), use))

const priorities = {
  settings: {
    allocator: { ...settingsWithoutPause.allocator, priorities: { batch: -1 } },
  },
}

/** Two hosts; framework `shop` in role web runs a task on the first and is offered the rest of both. */
const busy = (served: ServedMaster, role = "web") =>
  Effect.gen(function* () {
    const first = yield* served.agent
    const second = yield* served.agent
    const framework = yield* served.framework
    yield* Effect.promise(async () => {
      await first.join({ address: { hostname: "host-a", ip: "127.0.0.1", port: 5051 } })
      await framework.subscribe({ name: "shop", roles: [role] })
      const { offers } = await framework.next("OFFERS")
      await framework.launch(offers.offers[0], { id: "t1", cpus: 3, mem: 6_000, command: { value: "x" } })
      await first.report({ statuses: [statusOf("m-S0", "m-0000", "t1", "TASK_RUNNING")] })
      await framework.next("OFFERS")
      await second.join({ address: { hostname: "host-b", ip: "127.0.0.2", port: 5051 } })
      await framework.next("OFFERS")
    })
    return { first, second, framework }
  })

const explained = (served: ServedMaster, query: string) =>
  Effect.map(served.ask(`/explain?${query}`), ({ status, body }) => {
    expect([status, body]).toEqual([200, body])
    return JSON.parse(body) as ExplainView
  })

describe("/explain", () => {
  it("needs the secret", () =>
    withMaster(({ ask }) =>
      Effect.gen(function* () {
        const reply = yield* ask("/explain?role=web", { headers: { Authorization: "Bearer x" } })
        expect(reply.status).toBe(401)
      }),
    ))

  it("says why a framework gets no offers, whether named by id or by name", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        for (const name of ["m-0000", "shop"]) {
          const view = yield* explained(served, `framework=${name}`)
          expect(view.framework).toEqual({ id: "m-0000", name: "shop" })
          expect(view.wanted).toEqual({})
          expect(view.answers).toHaveLength(1)
          expect(view.answers[0]).toMatchObject({
            role: "web",
            refusal: null,
            text: "2 hosts: offered to it already",
            stops: null,
            groups: [
              {
                stage: "ownOffer",
                count: 2,
                text: "offered to it already",
                hosts: [
                  { id: "m-S0", hostname: "host-a", verdict: { stage: "ownOffer" } },
                  { id: "m-S1", hostname: "host-b", verdict: { stage: "ownOffer" } },
                ],
              },
            ],
          })
        }
        const [other] = (yield* explained(served, "framework=shop&role=batch")).answers
        expect(other).toMatchObject({
          refusal: "notSubscribed",
          groups: [],
          text: "framework shop (m-0000) is not subscribed to role batch",
        })
      }),
    ))

  it("counts filters down with the machine's time", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const { framework } = yield* busy(served)
        yield* Effect.promise(async () => {
          const offers = framework.events
            .filter(({ type }) => type === "OFFERS")
            .flatMap(({ offers }) => offers.offers.map(({ id }: { id: unknown }) => id))
          await framework.call({
            type: "DECLINE",
            decline: { offer_ids: offers.slice(1), filters: { refuse_seconds: 90 } },
          })
        })
        const [answer] = (yield* explained(served, "framework=shop")).answers
        expect(answer!.text).toMatch(/^2 hosts: filtered for (89|90) s more$/)
        expect(answer!.groups[0]!.hosts[0]!.verdict).toMatchObject({
          stage: "filtered",
          backoffMs: 0,
          refused: "cpus:1; mem:2000",
        })
      }),
    ))

  it("says why a task does not fit, in whose hands what it needs is", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* busy(served)
        const text = (query: string) =>
          Effect.map(explained(served, query), ({ answers }) => answers[0]!.text)
        expect(yield* text("role=web&cpus=5")).toBe("2 hosts: too small even when empty, short of cpus by 1")
        expect(yield* text("role=web&cpus=2&mem=4096")).toBe(
          "1 host: held by tasks of shop (m-0000); 1: offered to shop (m-0000)",
        )
        const view = yield* explained(served, "role=ads&cpus=5&mem=9000.5&ports=1")
        expect(view.framework).toBeNull()
        expect(view.wanted).toEqual({ cpus: 5, mem: 9000.5, ports: 1 })
        expect(view.answers[0]!.remark).toBe("no framework wants offers for role ads")
        expect(view.answers[0]!.groups[0]!.hosts[0]!.verdict).toEqual({
          stage: "tooSmall",
          missing: { cpus: 1, mem: 1000.5, ports: 1 },
        })
      }),
    ))

  it("says whom one would have to stop, where roles have priorities", () =>
    withMaster(
      (served) =>
        Effect.gen(function* () {
          const { second } = yield* busy(served, "batch")
          yield* Effect.promise(async () => {
            await second.report({ reserve: { cpus: 4_000 } })
          })
          const view = yield* explained(served, "role=web&cpus=2&mem=4096")
          const [stop, ...others] = view.answers[0]!.stops!
          expect(others).toEqual([])
          expect(stop).toMatchObject({
            agent_id: "m-S0",
            hostname: "host-a",
            is_least: true,
            tasks: [
              {
                framework_id: "m-0000",
                framework_name: "shop",
                task_id: "t1",
                role: "batch",
                resources: "cpus:3; mem:6000",
                lost_cpu_seconds: stop!.lost_cpu_seconds,
              },
            ],
          })
          // Nobody is stopped for one of its own kind, for what fits anyhow, or for no task at all.
          expect((yield* explained(served, "role=batch&cpus=2")).answers[0]!.stops).toEqual([])
          expect((yield* explained(served, "role=web")).answers[0]!.stops).toBeNull()
          expect((yield* explained(served, "framework=shop&cpus=1")).answers[0]!.stops).toBeNull()
        }),
      priorities,
    ))

  it("names some hosts of a group, or all", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        for (let number = 0; number < 12; number++) {
          const agent = yield* served.agent
          yield* Effect.promise(() =>
            agent.join({ address: { hostname: `h${number}`, ip: `127.0.1.${number}`, port: 5051 } }),
          )
        }
        const countOf = (query: string) =>
          Effect.map(explained(served, query), ({ answers }) => {
            const { count, hosts } = answers[0]!.groups[0]!
            return [count, hosts.length]
          })
        expect(yield* countOf("role=web")).toEqual([12, 10])
        expect(yield* countOf("role=web&hosts=all")).toEqual([12, 12])
      }),
    ))

  it.each([
    ["", 400, "name a framework or a role: /explain?framework=ID, /explain?role=NAME&cpus=2&mem=4096"],
    ["role=", 400, "role must not be empty"],
    ["role=a//b", 400, "Role 'a//b' cannot contain two adjacent slashes"],
    ["role=a&role=b", 400, "parameter role is given more than once"],
    ["role=a&hosts=some", 400, "hosts=some: only hosts=all is known"],
    ["role=a&cpu=2", 400, "cpu is no parameter, and no host has a resource of that name"],
    ["role=a&__proto__=2", 400, "__proto__ is no parameter, and no host has a resource of that name"],
    ["role=a&cpus=-1", 400, "cpus=-1 is no amount: write a number such as cpus=2"],
    ["role=a&cpus=", 400, "cpus= is no amount: write a number such as cpus=2"],
    ["role=a&mem=4G", 400, "mem=4G is no amount: write a number such as mem=2"],
    ["framework=x", 404, "no framework has the id or the name x"],
  ])("refuses ?%s", (query, status, sentence) =>
    withMaster(({ ask }) =>
      Effect.gen(function* () {
        const reply = yield* ask(`/explain?${query}`)
        expect([reply.status, reply.body]).toEqual([status, sentence])
      }),
    ),
  )

  it("wants an id where a name is not enough", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        for (const framework of [yield* served.framework, yield* served.framework]) {
          yield* Effect.promise(() => framework.subscribe({ name: "twin" }))
          yield* Effect.promise(() => framework.next("SUBSCRIBED"))
        }
        const { status, body } = yield* served.ask("/explain?framework=twin")
        expect([status, body]).toEqual([
          400,
          "2 frameworks are called twin: name one by its id, m-0000, m-0001",
        ])
      }),
    ))
})
