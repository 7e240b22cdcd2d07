import { describe, expect, it } from "vitest"
import { monitorActions, monitorPolicy, monitorStory, storyOfHost } from "../../bench/MonitorBench.ts"
import { defaultMonitorSettings, initialMonitorState } from "../../core/monitor/State.ts"
import { naiveMonitor } from "../support/naive/Monitor.ts"

describe("the monitor's bench", () => {
  it("times stories in which the block does what the naive twin does", () => {
    for (const isConstant of [true, false]) {
      const story = monitorStory(isConstant)
      const told = monitorActions(initialMonitorState(1_000, monitorPolicy), story)
      for (const host of [0, 499, 999]) {
        const expected = naiveMonitor(monitorPolicy, defaultMonitorSettings, storyOfHost(story, host)).flat()
        expect(expected.length).toBeGreaterThan(10)
        expect(told[host]).toEqual(expected)
      }
    }
  })
})
