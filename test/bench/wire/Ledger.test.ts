import { beforeEach, describe, expect, it } from "vitest"
import { Ledger } from "../../../bench/wire/Ledger.ts"

let ledger = new Ledger()
beforeEach(() => {
  ledger = new Ledger()
})

/** As one launch goes in a cluster that does everything right. */
const goThrough = (taskId: string) => {
  ledger.started(taskId)
  ledger.told(taskId, "TASK_RUNNING", undefined)
  ledger.acknowledged(taskId, "TASK_RUNNING")
  ledger.told(taskId, "TASK_FINISHED", undefined)
  ledger.acknowledged(taskId, "TASK_FINISHED")
  ledger.ended(taskId)
}

describe("the ledger of a wire bench", () => {
  it("is content when each launch ended in one acknowledged status", () => {
    for (let count = 0; count < 3; count++) goThrough(ledger.launch(0, 0))
    ledger.verify()
    expect(ledger).toMatchObject({ count: 3, completed: 3, open: 0 })
  })

  it("takes a task as dropped only for an offer that was gone, and without an agent", () => {
    const taskId = ledger.launch(0, 0)
    ledger.told(taskId, "TASK_DROPPED", "Task launched with invalid offers: Offer O1 is no longer valid")
    ledger.verify()
    expect(ledger).toMatchObject({ completed: 0, droppedCount: 1, open: 0 })
    expect(() => ledger.told(ledger.launch(0, 0), "TASK_DROPPED", "because")).toThrow("TASK_DROPPED: because")
  })

  const wrong: ReadonlyArray<readonly [what: string, go: (taskId: string) => void, says: string]> = [
    ["a launch that nobody hears of again", () => {}, "t0 was lost: launched and nothing more"],
    ["an end that is told twice", (id) => ledger.told(id, "TASK_FINISHED", undefined), "t0: finished after"],
    ["a start that is told again", (id) => ledger.told(id, "TASK_RUNNING", undefined), "t0: running after"],
    ["a second launch on an agent", (id) => ledger.started(id), "t0 was launched twice"],
    ["a second acknowledgement to the agent", (id) => ledger.ended(id), "acknowledged twice"],
    ["another end", (id) => ledger.told(id, "TASK_LOST", "gone"), "t0 came to TASK_LOST: gone"],
    ["a task of nobody", () => ledger.told("t7", "TASK_RUNNING", undefined), "nobody launched t7"],
  ]
  it.each(wrong)("finds %s", (what, go, says) => {
    const taskId = ledger.launch(0, 0)
    if (what !== "a launch that nobody hears of again") goThrough(taskId)
    expect(() => {
      go(taskId)
      ledger.verify()
    }).toThrow(says)
  })

  it("finds an end that its agent never heard of", () => {
    const taskId = ledger.launch(0, 0)
    ledger.started(taskId)
    for (const state of ["TASK_RUNNING", "TASK_FINISHED"]) {
      ledger.told(taskId, state, undefined)
      ledger.acknowledged(taskId, state)
    }
    expect(() => ledger.verify()).toThrow("reached its agent 1 times and ended there 0 times, not 1")
  })
})
