import { describe, expect, it } from "vitest"
import type { AgentMessage } from "../../../core/master/Action.ts"
import { firstIdAt, makeOutbox } from "../../../runtime/master/Outbox.ts"
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

  it("begins above all that an earlier process can have given, so that what it sends before an agent is back is no old message", () => {
    // The copy ends at 3; what was given after it was made is lost, and the agents have seen some of that.
    const copiedMs = Date.UTC(2026, 0, 1)
    const lost = makeOutbox([], 3, firstIdAt(copiedMs))
    const seen = Array.from({ length: 1_000 }, () => lost.add("a", kill("x")).id).at(-1)!
    const restored = makeOutbox([{ id: 3, to: "a", message: kill("1") }], 3, firstIdAt(copiedMs + 1_000))
    const { id } = restored.add("a", kill("2"))
    // The agent comes back, before it another one that has seen even more.
    restored.processed("b", seen + 10)
    restored.processed("a", seen)
    expect(restored.pending("a", seen)).toEqual([{ id, message: kill("2") }])
  })

  it("goes on with its numbers whatever the clock says", () => {
    for (const wallMs of [-1, 0, Number.NaN, 1e17, Number.POSITIVE_INFINITY])
      expect(makeOutbox([], 41, firstIdAt(wallMs)).add("a", kill("1")).id).toBe(42)
    expect(makeOutbox([], 41, firstIdAt(5)).add("a", kill("1")).id).toBe(500)
    const ahead = makeOutbox([], 1e15, firstIdAt(Date.UTC(2026, 0, 1)))
    expect([ahead.lastId(), ahead.add("a", kill("1")).id, ahead.lastId()]).toEqual([1e15, 1e15 + 1, 1e15 + 1])
  })

  it("knows which operations are still on their way, alone or with others", () => {
    const outbox = makeOutbox([], 0)
    const message = { type: "CheckpointResources", resources: {}, destroyed: {}, operation: null } as const
    const [one, two, three] = ["1", "2", "3"].map((operationId) => ({ frameworkId: "f", operationId }))
    outbox.add("a", message)
    outbox.add("a", { ...message, operation: one! })
    outbox.add("a", { ...message, operations: [two!, three!].map((ref) => ({ ...ref, hasVolumes: true })) })
    expect(outbox.converting("a", 0)).toEqual(["f/1", "f/2", "f/3"])
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
