import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { type AgentPace, makeListeningStreams } from "../../../runtime/master/ListeningStreams.ts"
import { heartbeatMs, masterPaceMs, reportPaceMs } from "../../../runtime/protocol/AgentProtocol.ts"

const agents = 10_000

const withAgents = (bearsPace: boolean, check: (paces: ReadonlyArray<AgentPace>) => void) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.map(makeListeningStreams, ({ open }) =>
        check(Array.from({ length: agents }, (_, index) => open(`s${index}`, () => {}, bearsPace))),
      ),
    ),
  )

describe("the pace of agents", () => {
  it("is what there are so many of, also for those who came first, once they have been told", () =>
    withAgents(true, (paces) => {
      expect(paces[0]!.paceMs).toBe(heartbeatMs)
      const paceMs = reportPaceMs(agents)
      const waitMs = masterPaceMs(paceMs, true)
      expect(paces[0]!.heartbeat()).toEqual({ json: `{"type":"Heartbeat","paceMs":${paceMs}}`, waitMs })
      expect(paces[0]!.heartbeat()).toEqual({ json: '{"type":"Heartbeat"}', waitMs })
      for (const { heartbeat } of paces) heartbeat()
      const perSecond = paces.reduce((sum, { heartbeat }) => sum + 1_000 / heartbeat().waitMs, 0)
      expect(perSecond).toBeLessThan(200)
    }))

  it("stays what it was for an agent that cannot be told another one", () =>
    withAgents(false, (paces) => {
      expect(paces[0]!.heartbeat()).toEqual({ json: '{"type":"Heartbeat"}', waitMs: heartbeatMs })
    }))

  it("is not told anew for each agent that comes", () =>
    withAgents(true, (paces) => {
      const last = paces[agents - 1]!
      expect(last.heartbeat().json).toBe('{"type":"Heartbeat"}')
    }))
})
