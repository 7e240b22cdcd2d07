import { describe, expect, it } from "vitest"
import type { AgentMessage } from "../../../core/master/Action.ts"
import { makeOutbox } from "../../../runtime/master/Outbox.ts"
import { specOf } from "../../support/MasterHarness.ts"

const kill = (taskId: string): AgentMessage => ({ type: "KillTask", frameworkId: "f", taskId, graceMs: null })
const launch = (taskId: string): AgentMessage => ({
  type: "LaunchTask",
  spec: specOf(taskId, "f", "a", { cpus: 1 }),
})

describe("the outbox", () => {
  it("numbers messages over all agents, after the last number of the journal", () => {
    const outbox = makeOutbox([], 41)
    expect([outbox.add("a", kill("1")), outbox.add("b", kill("2")), outbox.add("a", kill("3"))]).toEqual([
      { id: 42, to: "a", message: kill("1") },
      { id: 43, to: "b", message: kill("2") },
      { id: 44, to: "a", message: kill("3") },
    ])
    expect(outbox.pending("a", 0).map(({ id }) => id)).toEqual([42, 44])
    expect(outbox.pending("a", 42).map(({ id }) => id)).toEqual([44])
    expect(outbox.pending("c", 0)).toEqual([])
    expect(outbox.size()).toBe(3)
  })

  it("drops what an agent has processed, and says whether that was anything", () => {
    const outbox = makeOutbox([], 0)
    for (const taskId of ["1", "2", "3"]) outbox.add("a", kill(taskId))
    outbox.add("b", kill("4"))
    expect(outbox.processed("a", 0)).toBe(false)
    expect(outbox.processed("a", 2)).toBe(true)
    expect(outbox.processed("a", 2)).toBe(false)
    expect(outbox.processed("nobody", 9)).toBe(false)
    expect(outbox.pending("a", 0).map(({ id }) => id)).toEqual([3])
    expect(outbox.processed("a", 99)).toBe(true)
    expect(outbox.size()).toBe(1)
  })

  it("goes on with what the journal has kept", () => {
    const outbox = makeOutbox([{ id: 3, to: "a", message: kill("1") }], 7)
    expect(outbox.add("a", kill("2")).id).toBe(8)
    expect(outbox.pending("a", 0)).toEqual([
      { id: 3, message: kill("1") },
      { id: 8, message: kill("2") },
    ])
  })

  it("numbers above what an agent has processed, which a journal restored from an older copy does not know", () => {
    const outbox = makeOutbox([{ id: 3, to: "a", message: kill("1") }], 3)
    expect(outbox.processed("a", 10)).toBe(true)
    expect(outbox.add("a", kill("2")).id).toBe(11)
    // What is no number of a message changes nothing.
    for (const wrong of [9, 0, -1, 11.5, 1e300, Number.MAX_SAFE_INTEGER]) outbox.processed("b", wrong)
    expect(outbox.add("a", kill("3")).id).toBe(12)
  })

  it("knows whose launch is still on its way", () => {
    const outbox = makeOutbox([], 0)
    outbox.add("a", launch("1"))
    outbox.add("a", kill("1"))
    outbox.add("a", launch("2"))
    expect(outbox.launching("a", 0)).toEqual(["f/1", "f/2"])
    expect(outbox.launching("a", 1)).toEqual(["f/2"])
    expect(outbox.launching("a", 3)).toEqual([])
  })
})
