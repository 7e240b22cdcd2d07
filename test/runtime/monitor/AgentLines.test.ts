import { describe, expect, it } from "vitest"
import { parseAgentLine } from "../../../runtime/monitor/AgentLines.ts"
import { grantOf } from "../../support/FakeMonitorAgent.ts"

const task = {
  containerId: "c1",
  frameworkId: "f",
  taskId: "t",
  priority: -1,
  ageMs: 1.5,
  lostWork: 0,
  cpuMilli: 100,
  memMilli: 100,
  isFrozen: false,
}
const granted = { ...grantOf("gleaner/sub"), tasks: [task] }

describe("parseAgentLine", () => {
  it("takes what the protocol says", () => {
    for (const line of [
      granted,
      { type: "Heard", number: 3 },
      { type: "Heard", number: 3, tasks: [task, task] },
      { type: "Refused", reason: "r" },
      { type: "Revoked", reason: "r" },
    ])
      expect(parseAgentLine(JSON.stringify(line))).toEqual(line)
  })

  it.each([
    [null, "not an object"],
    [[], "not an object"],
    [{ ...granted, protocolVersion: "1" }, "protocolVersion"],
    [{ ...granted, cgroupParent: "../etc" }, "cgroupParent"],
    [{ ...granted, cgroupParent: "/abs" }, "cgroupParent"],
    [{ ...granted, cgroupParent: "a/../b" }, "cgroupParent"],
    [{ ...granted, lent: { cpuMilli: -1, memMilli: 1 } }, "lent"],
    [{ ...granted, tasks: undefined }, "tasks is not a list"],
    [{ ...granted, tasks: [task, { ...task, containerId: "a/b" }] }, "tasks[1] is not a task"],
    [{ ...granted, tasks: [{ ...task, cpuMilli: 1.5 }] }, "tasks[0]"],
    [{ type: "Heard", number: -1 }, "Heard.number"],
    [{ type: "Heard", number: 1, tasks: Array.from({ length: 10_001 }, () => task) }, "10001 entries"],
    [{ type: "Revoked" }, "Revoked.reason"],
  ])("refuses %j", (line, reason) => {
    expect(parseAgentLine(JSON.stringify(line))).toContain(reason)
  })
})
