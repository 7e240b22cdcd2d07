import { Effect, Logger } from "effect"
import { describe, expect, it } from "vitest"
import type { AgentAction } from "../../../core/agent/Action.ts"
import type { Agent } from "../../../runtime/agent/Agent.ts"
import { type MasterLink, makeMasterLink } from "../../../runtime/agent/MasterLink.ts"
import { openAgent } from "../../support/AgentFixture.ts"
import { run, secret, serveMaster } from "../../support/MasterFixture.ts"
import { makeRelay } from "../../support/Relay.ts"

// The agent's real link and the real master, over a wire that can be cut; only the tasks are make-believe.

/** Tasks start at once and end when they are destroyed. */
const carryOut = (action: AgentAction, agent: Agent, link: MasterLink | undefined) => {
  if (action.type === "SendStatus") link?.send(action.status, action.latestState)
  if (action.type === "StartTask") {
    const { frameworkId, taskId } = action.spec
    agent.submit({ type: "TaskStarted", frameworkId, taskId })
  }
  if (action.type === "DestroyContainer") agent.submit({ ...action, type: "ContainerDestroyed" })
}

const linkThrough = (url: string) =>
  Effect.gen(function* () {
    let link: MasterLink | undefined
    const agent = yield* openAgent({
      carryOut: (action, self) => Effect.sync(() => carryOut(action, self, link)),
    })
    link = yield* makeMasterLink(
      {
        masterUrl: url,
        secret,
        reserve: () => ({}),
        facts: {
          address: { hostname: "h", ip: "127.0.0.1", port: 5051 },
          total: { cpus: 4_000, mem: 8_000_000 },
          attributes: [],
          version: "1",
        },
      },
      agent,
    )
    yield* link.registered
    return agent
  })

describe("master and agent", () => {
  it("carry a task to its acknowledged end, though the wire is cut in the middle", () =>
    run(
      Effect.gen(function* () {
        const { master, url, framework: open } = yield* serveMaster()
        const relay = yield* makeRelay({ host: "127.0.0.1", port: Number(new URL(url).port) })
        const agent = yield* linkThrough(relay.url)
        const framework = yield* open
        yield* Effect.promise(async () => {
          await framework.subscribe()
          const { offers } = await framework.next("OFFERS")
          await framework.launch(offers.offers[0], { id: "t", command: { value: "true" } })
          await framework.status("t", "TASK_STARTING")
          relay.cut()
          await framework.status("t", "TASK_RUNNING")
          relay.cut()
          await framework.call({
            type: "KILL",
            kill: { task_id: { value: "t" }, kill_policy: { grace_period: { nanoseconds: 0 } } },
          })
          const killed = await framework.status("t", "TASK_KILLED")
          expect(killed).toMatchObject({ agent_id: { value: "m-S0" }, source: "SOURCE_EXECUTOR" })
          while (agent.state.tasks.size > 0 || master.outboxSize() > 0) {
            await new Promise((resolve) => setTimeout(resolve, 5))
          }
        })
        expect(master.state.tasks.size).toBe(0)
        expect([...master.state.agents.keys()]).toEqual(["m-S0"])
        // Nobody was told that the task was lost meanwhile.
        const told = framework.events.flatMap(({ type, update }) =>
          type === "UPDATE" ? [update.status.state] : [],
        )
        expect([...new Set(told)]).toEqual(["TASK_STARTING", "TASK_RUNNING", "TASK_KILLED"])
      }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger))),
    ))
})
