import { describe, expect, it } from "vitest"
import { withoutCommand } from "../../../core/agent/SpecSize.ts"
import { defaultAgentSettings, initialAgentState } from "../../../core/agent/State.ts"
import { stepAgent } from "../../../core/agent/Step.ts"
import type { TaskSpec } from "../../../core/Task.ts"
import { registrationBytesMax } from "../../../runtime/protocol/AgentProtocol.ts"
import { specOf } from "../../support/MasterHarness.ts"

const stamp = { nowMs: 0, wallMs: 0 }

/** As long as a task may be; each character takes two bytes. */
const longSpec = (taskId: string): TaskSpec => {
  const spec = specOf(taskId, "f", "a", { cpus: 1 })
  return { ...spec, command: { ...spec.command, value: "ü".repeat(131_000) } }
}
const bytesOf = (specs: ReadonlyArray<TaskSpec>) => Buffer.byteLength(JSON.stringify(specs))

describe("an agent", () => {
  it("takes only tasks with which it can come back to its master, and others again when there is room", () => {
    const state = initialAgentState("a", "seed", defaultAgentSettings)
    stepAgent(state, { type: "Registered", agentId: "a", ...stamp })
    const launch = (taskId: string) =>
      stepAgent(state, { type: "LaunchRequested", spec: longSpec(taskId), ...stamp }).actions.map((action) =>
        action.type === "SendStatus" ? action.status.state : action.type,
      )
    let count = 0
    while (launch(`t${count}`).includes("StartTask")) count++
    expect(count).toBeGreaterThan(100)
    expect(state.tasks.get(`f/t${count}`)).toMatchObject({
      phase: "gone",
      latest: { state: "TASK_DROPPED", message: expect.stringContaining("put long texts into files") },
    })
    // Also with many more that were dropped, and are not yet acknowledged.
    for (let more = 1; more <= 200; more++) expect(launch(`more${more}`)).toEqual(["TASK_DROPPED"])
    const reported = [...state.tasks.values()].map(({ spec, phase }) =>
      phase === "gone" ? withoutCommand(spec) : spec,
    )
    expect(bytesOf(reported)).toBeLessThan(0.8 * registrationBytesMax)
    const of = { frameworkId: "f", taskId: "t0", ...stamp }
    stepAgent(state, { type: "StartFailed", reason: "R", message: "m", ...of })
    expect(launch("next")).toContain("StartTask")
  })
})
