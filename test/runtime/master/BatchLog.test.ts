import { Effect, HashMap, Logger, LogLevel } from "effect"
import { describe, expect, it } from "vitest"
import type { Batch } from "../../../runtime/journal/Journal.ts"
import { LogVerbosity, makeVerbosity } from "../../../runtime/LogVerbosity.ts"
import { logBatch } from "../../../runtime/master/BatchLog.ts"
import { launchOf, statusOf } from "../../support/MasterHarness.ts"

const secretLaunch = {
  ...launchOf("t", "m-S0", { cpus: 100 }),
  command: { shell: true, value: "curl -u me:hunter2", arguments: [], environment: [], user: null },
}

const batch: Batch = {
  events: [
    { type: "OffersAccepted", frameworkId: "m-0000", offerIds: ["m-O0"], launches: [secretLaunch] },
    { type: "StatusReported", agentId: "m-S0", status: statusOf("m-S0", "m-0000", "t", "TASK_RUNNING") },
    { type: "TimePassed" },
  ].map((event, atMs) => ({ atMs, event, actionsDigest: "" })),
  changes: [
    { kind: "task", key: "m-0000/t", value: { secret: "hunter2" } },
    { kind: "master", key: "counters", value: {} },
  ],
  outbox: [],
  delivered: [],
  dropped: [],
}

/** What is logged of a batch, when the verbosity is so high. */
const logged = (level: number, of: Batch = batch) => {
  const lines: Array<readonly [string, string, object]> = []
  const logger = Logger.make(({ logLevel, message, annotations }) => {
    lines.push([logLevel.label, String(message), Object.fromEntries(HashMap.toEntries(annotations))])
  })
  const verbosity = makeVerbosity(() => 0)
  verbosity.set(level, 1)
  Effect.runSync(
    logBatch(of, [{ type: "CloseStream", streamId: "s" }]).pipe(
      Effect.provideService(LogVerbosity, verbosity),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Logger.withMinimumLogLevel(LogLevel.All),
    ),
  )
  return lines
}

const summary = [
  "DEBUG",
  "took a batch of events",
  {
    events: { OffersAccepted: 1, StatusReported: 1, TimePassed: 1 },
    rows: { task: 1, master: 1 },
    effects: { CloseStream: 1 },
  },
] as const

describe("what the log says of a batch", () => {
  it("is nothing, unless somebody raised its verbosity, and nothing of a batch without events", () => {
    expect(logged(0)).toEqual([])
    expect(logged(2, { ...batch, events: [] })).toEqual([])
  })

  it("is its size at first, and at a higher verbosity each event with whom it is about", () => {
    expect(logged(1)).toEqual([summary])
    expect(logged(2)).toEqual([
      summary,
      ["TRACE", "took OffersAccepted", { frameworkId: "m-0000", offerIds: ["m-O0"] }],
      [
        "TRACE",
        "took StatusReported",
        { frameworkId: "m-0000", agentId: "m-S0", taskId: "t", state: "TASK_RUNNING" },
      ],
      ["TRACE", "took TimePassed", {}],
    ])
  })

  it("never has what tasks run", () => {
    expect(JSON.stringify(logged(9))).not.toContain("hunter2")
  })
})
