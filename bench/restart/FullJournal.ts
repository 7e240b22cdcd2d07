import type { TaskRequest } from "../../core/master/OperationRequest.ts"
import { defaultMasterSettings, initialMasterState, type MasterState } from "../../core/master/State.ts"
import type { TaskStatus } from "../../core/Task.ts"
import { encodeBatch, isStoreFailure } from "../../runtime/journal/EncodedBatch.ts"
import { defaultKeepEvents, defaultKeepSize } from "../../runtime/journal/LogBounds.ts"
import { openSqliteStore } from "../../runtime/journal/SqliteStore.ts"
import type { MachineClock } from "../../runtime/MachineClock.ts"
import { type Mail, type Outgoing, processMails, type UnstampedEvent } from "../../runtime/master/Mailbox.ts"
import { makeOutbox } from "../../runtime/master/Outbox.ts"
import { runFactsOf } from "../../runtime/master/RunFacts.ts"

export interface ClusterSize {
  readonly agents: number
  readonly tasks: number
}

/** What the journal holds in the end. */
export interface MadeJournal {
  readonly state: MasterState
  readonly events: number
  readonly rows: number
  readonly outbox: number
}

const frameworks = 10

/** Mails that one batch takes, as a busy master's does. */
const batchSize = 2_000

const acceptsOfBatch = 200

/**
 * The journal of a master with so many agents and so many tasks that run: it has really been stepped through all of it, and
 * what it was stepped with is the log. One launch in a hundred is still on its way.
 */
export const makeFullJournal = (path: string, size: ClusterSize): MadeJournal => {
  const store = openSqliteStore({ path, keepEvents: defaultKeepEvents, keepSize: defaultKeepSize })
  const state = initialMasterState("bench", "seed", defaultMasterSettings)
  const outbox = makeOutbox([], 0)
  let nowMs = 0
  let events = 0
  const clock: MachineClock = { nowMs: () => nowMs, wallMs: () => 1_700_000_000_000 + nowMs }
  let isFirst = true
  const run = runFactsOf({
    ...{ settings: defaultMasterSettings, newMasterId: "bench", newSeed: "seed" },
    identity: { version: "bench" },
  })
  const take = (mails: ReadonlyArray<Mail>): ReadonlyArray<Outgoing> => {
    nowMs += 10
    const { batch, effects } = processMails(state, outbox, clock, mails)
    const encoded = encodeBatch(isFirst ? { ...batch, run } : batch)
    isFirst = false
    events += batch.events.length
    if (isStoreFailure(encoded)) throw new Error(encoded.detail)
    const { failure } = store.append([encoded])
    if (failure !== undefined) throw new Error(failure.detail)
    return effects
  }
  const takeAll = (given: ReadonlyArray<UnstampedEvent>): ReadonlyArray<Outgoing> => {
    const effects: Array<Outgoing> = []
    for (let at = 0; at < given.length; at += batchSize)
      effects.push(...take(given.slice(at, at + batchSize).map((event) => mailOf(event))))
    return effects
  }
  try {
    take([mailOf({ type: "MasterStarted" })])
    takeAll(Array.from({ length: size.agents }, (_, index) => registration(index)))
    const offered = takeAll(Array.from({ length: frameworks }, (_, index) => subscription(index)))
    const perAgent = size.tasks / size.agents
    const accepts: Array<UnstampedEvent> = []
    for (const effect of offered) {
      if (effect.type !== "OfferResources") continue
      for (const { offer } of effect.offers)
        accepts.push(acceptance(offer.frameworkId, offer.id, offer.agentId, perAgent))
    }
    for (let at = 0; at < accepts.length; at += acceptsOfBatch)
      take(accepts.slice(at, at + acceptsOfBatch).map((event) => mailOf(event)))
    const running = Array.from(state.tasks.values(), ({ spec }) => spec)
    takeAll(running.map((spec) => report(spec)))
    takeAll(running.map((spec) => acknowledgement(spec)))
    // The agents have taken in nearly all of it.
    const agentIds = Array.from(state.agents.keys())
    for (let at = 0; at < agentIds.length; at += batchSize)
      take(
        agentIds
          .slice(at, at + batchSize)
          .map((to) => ({ event: () => undefined, caller: undefined, processed: lastButOne(outbox, to) })),
      )
    const { entities } = store.recover()
    return { state, events, rows: entities.length / 3, outbox: outbox.size() }
  } finally {
    store.close()
  }
}

const mailOf = (event: UnstampedEvent): Mail => ({
  event: () => event,
  caller: undefined,
  processed: undefined,
})

const lastButOne = (outbox: ReturnType<typeof makeOutbox>, to: string) => {
  const pending = outbox.pending(to, 0)
  return { to, upToId: pending[pending.length - 2]?.id ?? 0 }
}

// What stands in each is as long as in a cluster of people: names of hosts, command lines, labels.

const registration = (index: number): UnstampedEvent => ({
  type: "AgentRegistered",
  streamId: `agent-stream-${index}`,
  agentId: null,
  address: { hostname: `host-${index}.rack-${index % 40}.example.org`, ip: "10.0.0.1", port: 5051 },
  total: { cpus: 32_000, mem: 131_072_000, disk: 1_000_000_000 },
  reserve: { cpus: 2_000, mem: 4_096_000 },
  attributes: [{ name: "rack", value: `r${index % 40}` }],
  version: "bench",
  ...{ tasks: [], launching: [], acknowledging: [], checkpointed: {}, outcomes: [], converting: [] },
})

const subscription = (index: number): UnstampedEvent => ({
  type: "FrameworkSubscribed",
  streamId: `framework-stream-${index}`,
  frameworkId: null,
  info: {
    name: `framework-${index}`,
    user: "nobody",
    roles: [`role-${index}`],
    principal: null,
    hostname: "scheduler.example.org",
    webuiUrl: null,
    checkpoint: true,
    failoverTimeoutMs: 604_800_000,
    labels: [],
    capabilities: ["MULTI_ROLE", "RESERVATION_REFINEMENT", "PARTITION_AWARE"],
    minAllocatable: {},
    constraints: {},
  },
  suppressedRoles: [],
})

const acceptance = (
  frameworkId: string,
  offerId: string,
  agentId: string,
  count: number,
): UnstampedEvent => ({
  type: "OffersAccepted",
  frameworkId,
  offerIds: [offerId],
  operations: [{ type: "LAUNCH", tasks: Array.from({ length: count }, (_, index) => task(agentId, index)) }],
  refuseMs: 3_600_000,
})

const task = (agentId: string, index: number): TaskRequest => ({
  taskId: `instance-${agentId}-${index}.8b0b2a6e-7d2c-4b1e-9d7c-0a5d1f3f6b11`,
  agentId,
  name: `service-${index}`,
  resources: { cpus: 100, mem: 128_000 },
  role: null,
  command: {
    shell: true,
    value: "exec /opt/service/bin/start --config /etc/service/production.conf --port $PORT0",
    arguments: [],
    environment: [
      { name: "SERVICE_ENVIRONMENT", value: "production" },
      { name: "SERVICE_REGION", value: "eu-central" },
    ],
    user: null,
  },
  killGraceMs: 5_000,
  labels: [{ key: "owner", value: "team-with-a-name" }],
  problem: null,
})

interface Launched {
  readonly taskId: string
  readonly frameworkId: string
  readonly agentId: string
}

const uuidOf = (taskId: string): string => `${taskId.slice(-36)}-running`

const report = ({ taskId, frameworkId, agentId }: Launched): UnstampedEvent => {
  const status: TaskStatus = {
    ...{ taskId, frameworkId, agentId, state: "TASK_RUNNING", source: "SOURCE_EXECUTOR" },
    ...{ reason: null, message: null, uuid: uuidOf(taskId), wallMs: 1_700_000_000_000 },
    ...{ containerId: "0d1444ad-41d3-4e71-8d58-e38acca20e68", labels: [] },
  }
  return { type: "StatusReported", agentId, status, latestState: "TASK_RUNNING" }
}

const acknowledgement = ({ taskId, frameworkId, agentId }: Launched): UnstampedEvent => ({
  ...{ type: "StatusAcknowledged" as const, frameworkId, agentId, taskId, uuid: uuidOf(taskId) },
})
