import { Effect, type Scope } from "effect"
import { type MasterFixtureOptions, run, type ServedMaster, serveMaster } from "./MasterFixture.ts"
import { statusOf } from "./MasterHarness.ts"

export const withMaster = (
  use: (served: ServedMaster) => Effect.Effect<void, unknown, Scope.Scope>,
  options: MasterFixtureOptions = {},
) => run(Effect.flatMap(serveMaster(options), use))

/** One agent, one framework with a running and an ended task, and an offer of the rest. */
export const busy = (served: ServedMaster) =>
  Effect.gen(function* () {
    const agent = yield* served.agent
    const framework = yield* served.framework
    yield* Effect.promise(async () => {
      await agent.join({ attributes: [{ name: "rack", value: "r1" }] })
      await framework.subscribe({ failover_timeout: 60, principal: "p" })
      for (const id of ["t1", "t2"]) {
        const { offers } = await framework.next("OFFERS")
        await framework.launch(offers.offers[0], { id, cpus: 0.5, command: { value: "sleep 9" } })
      }
      await agent.report({
        statuses: [
          statusOf("m-S0", "m-0000", "t1", "TASK_RUNNING"),
          statusOf("m-S0", "m-0000", "t2", "TASK_FINISHED"),
        ],
      })
    })
  })
