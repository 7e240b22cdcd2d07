import { ParseResult } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { taskStates } from "../../../core/Task.ts"
import { AgentReport } from "../../../runtime/protocol/AgentProtocol.ts"
import { readQuickReport } from "../../../runtime/protocol/QuickReport.ts"
import { nearly } from "../../support/ChangedJson.ts"

const decode = ParseResult.decodeUnknownEither(AgentReport)

const textOrNull = fc.option(fc.string(), { nil: null })
const state = fc.constantFrom(...taskStates)

const status = fc.record(
  {
    taskId: fc.string(),
    frameworkId: fc.string(),
    agentId: textOrNull,
    state,
    source: fc.constantFrom("SOURCE_MASTER", "SOURCE_AGENT", "SOURCE_EXECUTOR"),
    reason: textOrNull,
    message: textOrNull,
    uuid: textOrNull,
    wallMs: fc.nat(),
    containerId: textOrNull,
    labels: fc.array(fc.record({ key: fc.string(), value: fc.string() }), { maxLength: 2 }),
    executorId: fc.string(),
    parentContainerId: fc.string(),
    executorPid: fc.nat(),
  },
  {
    requiredKeys: [
      "taskId",
      "frameworkId",
      "agentId",
      "state",
      "source",
      "reason",
      "message",
      "uuid",
      "wallMs",
      "containerId",
      "labels",
    ],
  },
)

const report = fc.record({
  agentId: fc.string(),
  streamId: fc.string(),
  number: fc.nat(),
  processedId: fc.nat(),
  reserve: fc.dictionary(fc.constantFrom("cpus", "mem", "disk"), fc.nat()),
  isStopping: fc.boolean(),
  outcomes: fc.constant([]),
  statuses: fc.array(fc.record({ status, latestState: state }), { maxLength: 3 }),
})

type Json = { readonly [member: string]: unknown }

describe("a report that is read by hand", () => {
  it("is the report that its Schema reads, or left to that", () => {
    fc.assert(
      fc.property(nearly(report), (json) => {
        const quick = readQuickReport(json as Json)
        if (quick === undefined) return
        const read = decode(json)
        expect(read).toMatchObject({ _tag: "Right" })
        if (read._tag === "Right") expect(quick).toStrictEqual(read.right)
      }),
      { numRuns: 3_000 },
    )
  })

  it("is every one that agents write, unless it tells what came of operations", () => {
    fc.assert(
      fc.property(report, (json) => {
        const sent = JSON.parse(JSON.stringify(json)) as Json
        expect(readQuickReport(sent)).toStrictEqual(sent)
      }),
      { numRuns: 300 },
    )
  })
})
