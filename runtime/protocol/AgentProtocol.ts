import { Schema } from "effect"
import type { AgentMessage } from "../../core/master/Action.ts"
import type { ReportedTask } from "../../core/master/Event.ts"
import type { OperationOutcome } from "../../core/master/Operation.ts"
import { isAmounts } from "../../core/resources/HeldResources.ts"
import {
  type PlainResources,
  plainToResources,
  type UnreadableResources,
} from "../../core/resources/PlainForm.ts"
import { isResourceName, type Quantities } from "../../core/resources/Quantities.ts"
import { type TaskSpec, type TaskStatus, taskStates } from "../../core/Task.ts"

// gleaner's own protocol between agent and master (design §4): one long-lived stream of records down, posts up.
//
//   POST /gleaner/v1/agent/subscribe   Registration → 200, RecordIO stream of MasterRecord
//   POST /gleaner/v1/agent/report      AgentReport  → 202 once all of it is durable at the master
//
// Down: every message has a number and is sent again after a reconnection until the agent has reported it as processed
// (`processedId`); the agent drops numbers it has seen. Up: reports are numbered within their stream, one is under way at
// a time, and the 202 is its acknowledgement; the master ignores what comes late or twice, so that an old reserve never
// replaces a newer one. Statuses are also repeated by the agent's machine until their framework has acknowledged them.

/** Raised with every change that an older peer would misread; a peer of another version is refused. */
export const protocolVersion = 3

export const subscribePath = "/gleaner/v1/agent/subscribe"
export const reportPath = "/gleaner/v1/agent/report"

/** An agent registers with all its tasks, commands included; what does not fit here could never come back. */
export const registrationBytesMax = 64 * 1024 * 1024

/** The master writes a heartbeat this often; the agent reports at least this often, unless it is told another pace. */
export const heartbeatMs = 5_000
/** Silence in either direction after which a peer gives the stream up. */
export const silenceMsMax = 20_000

/**
 * How often each of so many agents is asked to report, when it has nothing to say: beyond 2,500 less often, so that all together
 * say it 500 times a second. At most so seldom that a lost agent is noticed as soon as in Apache Mesos, after 75 s of silence.
 */
export const reportPaceMs = (agents: number): number =>
  Math.min(18_750, Math.max(heartbeatMs, Math.ceil((agents / 500) * 1_000)))

/** Silence of an agent of this pace after which the master gives its stream up. */
export const silenceMsOf = (paceMs: number): number => (silenceMsMax / heartbeatMs) * paceMs

/**
 * How often the master writes to an agent of this pace: each of many thousand writes costs it more than what is written. Agents of
 * earlier releases give it up after {@link silenceMsMax}, whatever their pace.
 */
export const masterPaceMs = (paceMs: number, bearsPace: boolean): number =>
  bearsPace && paceMs > heartbeatMs ? 3 * paceMs : Math.min(8_000, paceMs)

/** Silence of the master after which an agent of this pace gives the stream up; at the slowest pace 94 s. */
export const masterSilenceMsOf = (paceMs: number): number =>
  paceMs > heartbeatMs ? 5 * paceMs : silenceMsMax

const Text = Schema.String
const OrNull = <A, I>(schema: Schema.Schema<A, I>) => Schema.NullOr(schema)
/** At most a thousand million of Mesos's units: sums over all agents of a cluster stay exact whole numbers. */
const Milli = Schema.Int.pipe(Schema.between(0, 1e12))

/** Of a message or a report; 0 = none yet. */
const MessageNumber = Schema.Int.pipe(Schema.between(0, 2 ** 52))

/** Every name is a column in all books of the master's allocator, of every host and role. */
const resourceNamesMax = 64

const QuantitiesSchema: Schema.Schema<Quantities> = Schema.Record({ key: Text, value: Milli }).pipe(
  Schema.filter((resources) => {
    const names = Object.keys(resources)
    if (names.length > resourceNamesMax)
      return `${names.length} resources: at most ${resourceNamesMax} are taken`
    return names.every(isResourceName) || "a name that no resource can have"
  }),
)

/** Reservations, volumes, ranges and items of one host or task: each is looked at in every cycle of the master's allocator. */
const resourcesMax = 4_096

const isSmall = (value: number): boolean => value <= 1e12
const isMilli = (value: number): boolean => Number.isSafeInteger(value) && value >= 0 && isSmall(value)

/** As amounts: what nearly everything is. Otherwise the plain form of all that resources can be. */
const resourcesProblem = (held: PlainResources): string | undefined => {
  if (isAmounts(held)) {
    const names = Object.keys(held)
    if (names.length > resourceNamesMax)
      return `${names.length} resources: at most ${resourceNamesMax} are taken`
    if (!names.every(isResourceName)) return "a name that no resource can have"
    const wrong = names.find((name) => !isMilli(held[name]!))
    return wrong === undefined ? undefined : `"${wrong}" is no whole number of thousandths from 0 to 10^12`
  }
  let parts = 0
  for (const { kind, value } of plainToResources(held)) {
    if (typeof value === "number" && !isSmall(value)) return `more than 10^12 thousandths of ${kind.name}`
    parts += typeof value === "number" ? 1 : value.length
  }
  if (parts > resourcesMax) return `${parts} resources, ranges and items: at most ${resourcesMax} are taken`
  const names = new Set(held.map(({ name }) => name))
  return names.size > resourceNamesMax
    ? `${names.size} names of resources: at most ${resourceNamesMax} are taken`
    : undefined
}

const ResourcesSchema: Schema.Schema<PlainResources> = Schema.declare(
  (input): input is PlainResources => typeof input === "object" && input !== null,
  { identifier: "resources" },
).pipe(
  Schema.filter((held) => {
    try {
      return resourcesProblem(held) ?? true
    } catch (error) {
      return (error as UnreadableResources).message
    }
  }),
)

const LabelSchema = Schema.Struct({ key: Text, value: Text })

const TaskStateSchema = Schema.Literal(...taskStates)

const TaskSpecSchema: Schema.Schema<TaskSpec> = Schema.Struct({
  taskId: Text,
  frameworkId: Text,
  agentId: Text,
  name: Text,
  role: Text,
  resources: ResourcesSchema,
  command: Schema.Struct({
    shell: Schema.Boolean,
    value: Text,
    arguments: Schema.Array(Text),
    environment: Schema.Array(Schema.Struct({ name: Text, value: Text })),
    user: OrNull(Text),
  }),
  frameworkUser: Text,
  principal: Schema.optionalWith(OrNull(Text), { exact: true }),
  killGraceMs: OrNull(Schema.Number),
  labels: Schema.Array(LabelSchema),
  maxCompletionMs: Schema.optionalWith(Schema.Number, { exact: true }),
  shown: Schema.optionalWith(
    Schema.Struct({
      discovery: Schema.optionalWith(Schema.Object, { exact: true }),
      container: Schema.optionalWith(Schema.Object, { exact: true }),
    }),
    { exact: true },
  ),
  executor: Schema.optionalWith(
    Schema.Struct({ executorId: Text, resources: ResourcesSchema, groupId: Text }),
    { exact: true },
  ),
})

const TaskStatusSchema: Schema.Schema<TaskStatus> = Schema.Struct({
  taskId: Text,
  frameworkId: Text,
  agentId: OrNull(Text),
  state: TaskStateSchema,
  source: Schema.Literal("SOURCE_MASTER", "SOURCE_AGENT", "SOURCE_EXECUTOR"),
  reason: OrNull(Text),
  message: OrNull(Text),
  uuid: OrNull(Text),
  wallMs: Schema.Number,
  containerId: OrNull(Text),
  labels: Schema.Array(LabelSchema),
  executorId: Schema.optionalWith(Text, { exact: true }),
  unreachableWallMs: Schema.optionalWith(Schema.Number, { exact: true }),
  parentContainerId: Schema.optionalWith(Text, { exact: true }),
  executorPid: Schema.optionalWith(Schema.Number, { exact: true }),
  ip: Schema.optionalWith(Text, { exact: true }),
})

const ReportedTaskSchema: Schema.Schema<ReportedTask> = Schema.Struct({
  spec: TaskSpecSchema,
  status: OrNull(TaskStatusSchema),
})

const OperationRefSchema = Schema.Struct({ frameworkId: Text, operationId: Text })

const OutcomeSchema: Schema.Schema<OperationOutcome> = Schema.Struct({
  ...OperationRefSchema.fields,
  problem: OrNull(Text),
})

/** First post of an agent, and again after every lost stream. */
export const Registration = Schema.Struct({
  protocolVersion: Schema.Number,
  agentId: OrNull(Text),
  /** The master that gave the id and numbered the messages; null before the first registration. */
  masterId: OrNull(Text),
  address: Schema.Struct({ hostname: Text, ip: Text, port: Schema.Number }),
  total: ResourcesSchema,
  /** Part of `total` that is kept for the host's own work (role `primary`); what tasks hold already is not taken away. */
  reserve: QuantitiesSchema,
  attributes: Schema.Array(Schema.Struct({ name: Text, value: Text })),
  version: Text,
  /** The highest message number of that master it has processed; 0 = none. */
  processedId: MessageNumber,
  tasks: Schema.Array(ReportedTaskSchema),
  /** What is reserved and made on the host, as a master has told; and what came of operations, until that master has heard it. */
  checkpointed: ResourcesSchema,
  outcomes: Schema.Array(OutcomeSchema),
  /** It waits for a master that asks it to report less often as long as {@link masterSilenceMsOf} says. */
  bearsPace: Schema.optional(Schema.Boolean),
})
export type Registration = typeof Registration.Type

/** What an agent posts while its stream lives; without statuses it is a heartbeat. */
export const AgentReport = Schema.Struct({
  agentId: Text,
  streamId: Text,
  /** 1, 2, 3, … within the stream. */
  number: MessageNumber,
  processedId: MessageNumber,
  /** As in {@link Registration}, as it is now. */
  reserve: QuantitiesSchema,
  /** The agent ends its tasks and takes no more. */
  isStopping: Schema.Boolean,
  outcomes: Schema.Array(OutcomeSchema),
  statuses: Schema.Array(Schema.Struct({ status: TaskStatusSchema, latestState: TaskStateSchema })),
})
export type AgentReport = typeof AgentReport.Type

const AgentMessageSchema: Schema.Schema<AgentMessage> = Schema.Union(
  Schema.Struct({ type: Schema.Literal("LaunchTask"), spec: TaskSpecSchema }),
  Schema.Struct({ type: Schema.Literal("LaunchGroup"), specs: Schema.Array(TaskSpecSchema) }),
  Schema.Struct({
    type: Schema.Literal("KillTask"),
    frameworkId: Text,
    taskId: Text,
    graceMs: OrNull(Schema.Number),
    drain: Schema.optionalWith(Schema.Struct({ graceMaxMs: OrNull(Schema.Number), isGone: Schema.Boolean }), {
      exact: true,
    }),
  }),
  Schema.Struct({
    type: Schema.Literal("AcknowledgeStatus"),
    frameworkId: Text,
    taskId: Text,
    uuid: Text,
  }),
  Schema.Struct({
    type: Schema.Literal("CheckpointResources"),
    resources: ResourcesSchema,
    destroyed: ResourcesSchema,
    operation: OrNull(OperationRefSchema),
    operations: Schema.optionalWith(
      Schema.Array(Schema.Struct({ ...OperationRefSchema.fields, hasVolumes: Schema.Boolean })),
      { exact: true },
    ),
  }),
  Schema.Struct({ type: Schema.Literal("AcknowledgeOperation"), ...OperationRefSchema.fields }),
)

/** What a framework says of itself, for those who ask the agent; nothing is decided by it. */
export const FrameworkFacts = Schema.Struct({
  id: Text,
  name: Text,
  user: Text,
  roles: Schema.Array(Text),
  principal: OrNull(Text),
  hostname: Text,
  webuiUrl: OrNull(Text),
  checkpoint: Schema.Boolean,
  failoverTimeoutMs: Schema.Number,
  capabilities: Schema.Array(Text),
})
export type FrameworkFacts = typeof FrameworkFacts.Type

const Pace = Schema.Number.pipe(Schema.between(heartbeatMs, 60_000))

/** What the master writes on the stream; `Registered` is the first record, or `Refused` or `ShutDown` the only one. */
export const MasterRecord = Schema.Union(
  Schema.Struct({
    type: Schema.Literal("Registered"),
    masterId: Text,
    agentId: Text,
    streamId: Text,
    /** How often the agent is asked to report at least; left out when it is {@link heartbeatMs}. */
    paceMs: Schema.optional(Pace),
    /** Those that have tasks on it. */
    frameworks: Schema.optional(Schema.Array(FrameworkFacts)),
  }),
  /** Instead of `Registered`: the agent may not join like this. */
  Schema.Struct({ type: Schema.Literal("Refused"), reason: Text }),
  /** The last record: the agent is to end its tasks and itself, and not to come back until somebody starts it anew. */
  Schema.Struct({ type: Schema.Literal("ShutDown"), reason: Text }),
  Schema.Struct({
    type: Schema.Literal("Message"),
    id: Schema.Number,
    message: AgentMessageSchema,
    /** Of the framework of a launch, when this stream has not told it yet or it has changed. */
    framework: Schema.optional(FrameworkFacts),
  }),
  Schema.Struct({
    type: Schema.Literal("Heartbeat"),
    /** From now on instead of what was said last; only to agents that bear it. */
    paceMs: Schema.optional(Pace),
  }),
)
export type MasterRecord = typeof MasterRecord.Type
