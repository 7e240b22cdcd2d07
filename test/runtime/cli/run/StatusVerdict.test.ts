import { describe, expect, it } from "vitest"
import type { TaskState } from "../../../../core/Task.ts"
import { judgeStatus } from "../../../../runtime/cli/run/StatusVerdict.ts"

const judge = (state: TaskState, hasBegun: boolean, reason?: string) =>
  judgeStatus({ task_id: { value: "t" }, state, ...(reason === undefined ? {} : { reason }) }, hasBegun)
const asked = "REASON_RECONCILIATION"

describe("a status", () => {
  it.each<[TaskState]>([
    ["TASK_STAGING"],
    ["TASK_STARTING"],
    ["TASK_RUNNING"],
    ["TASK_KILLING"],
    ["TASK_UNREACHABLE"],
  ])("%s is no end, told or asked for", (state) => {
    for (const hasBegun of [false, true]) {
      expect([judge(state, hasBegun), judge(state, hasBegun, asked)]).toEqual(["GoesOn", "GoesOn"])
    }
  })

  it.each<[TaskState]>([["TASK_FINISHED"], ["TASK_FAILED"], ["TASK_KILLED"], ["TASK_ERROR"]])(
    "%s ends the task when it is told, and is still to be told when it was asked for",
    (state) => {
      for (const hasBegun of [false, true]) {
        expect([judge(state, hasBegun), judge(state, hasBegun, asked)]).toEqual(["Over", "ToldStill"])
      }
    },
  )

  it.each<[TaskState]>([["TASK_UNKNOWN"], ["TASK_GONE"], ["TASK_GONE_BY_OPERATOR"], ["TASK_LOST"]])(
    "%s in answer ends a task that has begun, and gives one that has not another try",
    (state) => {
      expect([judge(state, true, asked), judge(state, false, asked)]).toEqual(["Over", "NotBegun"])
    },
  )

  it("about lost offers gives another try, whatever the state is called", () => {
    const reason = "REASON_INVALID_OFFERS"
    const states: ReadonlyArray<TaskState> = ["TASK_LOST", "TASK_DROPPED", "TASK_ERROR"]
    expect(states.map((state) => judge(state, false, reason))).toEqual(Array(3).fill("NotBegun"))
  })

  it("TASK_DROPPED of an agent gives another try, as long as the task has not begun", () => {
    expect([judge("TASK_DROPPED", false), judge("TASK_DROPPED", true)]).toEqual(["NotBegun", "Over"])
  })

  it("of a task that is wrong, or lost after it began, is its end", () => {
    expect(judge("TASK_ERROR", false, "REASON_TASK_INVALID")).toBe("Over")
    expect(judge("TASK_LOST", true, "REASON_AGENT_REMOVED")).toBe("Over")
  })
})
