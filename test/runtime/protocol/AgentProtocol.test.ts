import { Either, Schema } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { resourcesToPlain } from "../../../core/resources/PlainForm.ts"
import {
  AgentReport,
  heartbeatMs,
  MasterRecord,
  masterPaceMs,
  masterSilenceMsOf,
  Registration,
  reportPaceMs,
  silenceMsMax,
  silenceMsOf,
} from "../../../runtime/protocol/AgentProtocol.ts"
import { anyResources } from "../../support/ResourceGenerators.ts"

// What one side writes, the other reads as it was: over JSON, for every message.

const text = fc.string({ maxLength: 12, unit: "binary" })
const orNull = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: null })
const milli = fc.nat({ max: 1e12 })
const resources = fc.dictionary(fc.constantFrom("cpus", "mem", "disk", "gpus.x"), milli, {
  noNullPrototype: true,
})
const list = <A>(item: fc.Arbitrary<A>) => fc.array(item, { maxLength: 3 })
const label = fc.record({ key: text, value: text })
const launched = fc.record({
  taskId: text,
  frameworkId: text,
  agentId: text,
  name: text,
  role: text,
  resources,
  command: fc.record({
    shell: fc.boolean(),
    value: text,
    arguments: list(text),
    environment: list(fc.record({ name: text, value: text })),
    user: orNull(text),
  }),
  frameworkUser: text,
  killGraceMs: orNull(fc.nat()),
  labels: list(label),
})
/** As written by this release, and by those until 0.3. */
const spec = fc.oneof(
  launched,
  fc.tuple(launched, orNull(text)).map(([task, principal]) => ({ ...task, principal })),
)
const status = fc.record({
  taskId: text,
  frameworkId: text,
  agentId: orNull(text),
  state: fc.constantFrom("TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED", "TASK_UNKNOWN"),
  source: fc.constantFrom("SOURCE_MASTER", "SOURCE_AGENT", "SOURCE_EXECUTOR"),
  reason: orNull(text),
  message: orNull(text),
  uuid: orNull(text),
  wallMs: fc.nat(),
  containerId: orNull(text),
  labels: list(label),
})
/** Amounts as the protocol bounds them. */
const fullResources = fc.oneof(
  resources,
  anyResources.map(resourcesToPlain).filter((plain) => JSON.stringify(plain).search(/\d{13}/) < 0),
)
const outcome = fc.record({ frameworkId: text, operationId: text, problem: orNull(text) })
const registration = fc.record({
  protocolVersion: fc.nat(),
  agentId: orNull(text),
  masterId: orNull(text),
  address: fc.record({ hostname: text, ip: text, port: fc.nat() }),
  total: fullResources,
  reserve: resources,
  attributes: list(fc.record({ name: text, value: text })),
  version: text,
  processedId: fc.nat(),
  tasks: list(fc.record({ spec, status: orNull(status) })),
  checkpointed: fullResources,
  outcomes: list(outcome),
})
const report = fc.record({
  agentId: text,
  streamId: text,
  number: fc.nat(),
  processedId: fc.nat(),
  reserve: resources,
  isStopping: fc.boolean(),
  outcomes: list(outcome),
  statuses: list(fc.record({ status, latestState: fc.constantFrom("TASK_RUNNING", "TASK_FAILED") })),
})
const message = fc.oneof(
  fc.record({ type: fc.constant("LaunchTask"), spec }),
  fc.record({ type: fc.constant("KillTask"), frameworkId: text, taskId: text, graceMs: orNull(fc.nat()) }),
  fc.record({ type: fc.constant("AcknowledgeStatus"), frameworkId: text, taskId: text, uuid: text }),
  fc.record({
    type: fc.constant("CheckpointResources"),
    resources: fullResources,
    destroyed: fullResources,
    operation: orNull(fc.record({ frameworkId: text, operationId: text })),
  }),
  fc.record({
    type: fc.constant("CheckpointResources"),
    resources: fullResources,
    destroyed: fullResources,
    operation: fc.constant(null),
    operations: list(fc.record({ frameworkId: text, operationId: text, hasVolumes: fc.boolean() })),
  }),
  fc.record({ type: fc.constant("AcknowledgeOperation"), frameworkId: text, operationId: text }),
)
const record = fc.oneof(
  fc.record({ type: fc.constant("Registered"), masterId: text, agentId: text, streamId: text }),
  fc.record({ type: fc.constant("Message"), id: fc.nat(), message }),
  fc.record({ type: fc.constant("Refused"), reason: text }),
  fc.constant({ type: "Heartbeat" }),
)

describe("the agent protocol", () => {
  it.each<[string, Schema.Schema<unknown>, fc.Arbitrary<object>]>([
    ["a registration", Registration as Schema.Schema<unknown>, registration],
    ["a report", AgentReport as Schema.Schema<unknown>, report],
    ["a record of the master", MasterRecord as Schema.Schema<unknown>, record],
  ])("reads %s as it was written", (_, schema, arbitrary) => {
    const decode = Schema.decodeUnknownSync(schema)
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(decode(JSON.parse(JSON.stringify(value)))).toEqual(value)
      }),
    )
  })

  it.each<[string, unknown]>([
    ["a record of another kind", { type: "Shiny" }],
    ["a message of another kind", { type: "Message", id: 1, message: { type: "FreezeTask" } }],
    ["a message without a number", { type: "Message", message: { type: "KillTask" } }],
    ["nothing", null],
  ])("does not take %s", (_, value) => {
    expect(Either.isLeft(Schema.decodeUnknownEither(MasterRecord)(value))).toBe(true)
  })

  it.each<[string, object]>([
    ["negative", { total: { cpus: -1 } }],
    ["fractional", { total: { cpus: 0.5 } }],
    ["told as text", { total: { cpus: "1" } }],
    ["beyond exact sums", { total: { cpus: 1e12 + 1 } }],
    ["named like nothing", { total: { "a b": 1 } }],
    ["too many", { total: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`n${index}`, 1])) }],
  ])("does not take resources that are %s", (_, change) => {
    const [valid] = fc.sample(registration, { numRuns: 1, seed: 1 })
    const decode = Schema.decodeUnknownEither(Registration)
    expect(Either.isRight(decode({ ...valid, later: "field" }))).toBe(true)
    expect(Either.isLeft(decode({ ...valid, ...change }))).toBe(true)
  })
})

describe("the pace of agents that have nothing to say", () => {
  it("is the protocol's in a small cluster, and 500 reports a second of all together in a large one", () => {
    for (const agents of [0, 1, 500, 2_500]) expect(reportPaceMs(agents)).toBe(heartbeatMs)
    expect(silenceMsOf(heartbeatMs)).toBe(silenceMsMax)
    fc.assert(
      fc.property(fc.integer({ min: 2_500, max: 9_000 }), (agents) => {
        expect(Math.abs(agents / (reportPaceMs(agents) / 1_000) - 500)).toBeLessThan(1)
      }),
    )
    expect(reportPaceMs(9_000)).toBe(18_000)
    expect(reportPaceMs(1_000_000)).toBe(18_750)
  })

  it("never makes the master so slow that an agent takes it for gone", () => {
    fc.assert(
      fc.property(fc.nat({ max: 100_000 }), (agents) => {
        const paceMs = reportPaceMs(agents)
        for (const bearsPace of [true, false]) {
          const beatMs = masterPaceMs(paceMs, bearsPace)
          expect(beatMs).toBeGreaterThanOrEqual(heartbeatMs)
          expect(1.5 * beatMs).toBeLessThan(bearsPace ? masterSilenceMsOf(paceMs) : silenceMsMax)
        }
        expect(3 * paceMs).toBeLessThan(silenceMsOf(paceMs))
      }),
    )
  })
})
