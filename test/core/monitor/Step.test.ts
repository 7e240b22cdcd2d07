import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { initialMonitorState } from "../../../core/monitor/State.ts"
import { arbitraryPolicy, arbitraryStory, runMonitor, testSettings } from "../../support/MonitorScenes.ts"
import { naiveMonitor } from "../../support/naive/Monitor.ts"

describe("the monitor", () => {
  it("does what its naive twin does, which looks at the whole story at every step", () => {
    fc.assert(
      fc.property(arbitraryPolicy, arbitraryStory(1), (policy, story) => {
        const actions = runMonitor(initialMonitorState(1, policy, testSettings), story)
        const expected = naiveMonitor(policy, testSettings, story)
        actions.forEach((given, index) => {
          expect(given, `event ${index}, ${story[index]!.type} at ${story[index]!.nowMs}`).toEqual(
            expected[index],
          )
        })
      }),
      { numRuns: 200 },
    )
  })
})
