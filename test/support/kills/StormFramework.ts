import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { makeChance } from "./Chance.ts"
import {
  type EntryBody,
  type LaunchIntent,
  type OperationIntent,
  openDiary,
  readDiary,
  type WireOperationStatus,
  type WireResource,
  type WireStatus,
} from "./Diary.ts"
import { taskCommand } from "./Evidence.ts"
import { isOperationEnd } from "./Ledger.ts"
import { isUnreserved, planOperations } from "./Operations.ts"
import { call, subscribe, type WireAccess, type WireEvent } from "./Wire.ts"

// A framework in a process of its own, made to be killed at any instruction: what it does and hears is in its diary
// before it acts on it, and a new life goes on from there under the same framework id.
//
//   node StormFramework.mjs FOLDER MASTER_URL SECRET_FILE SEED
//
//   FOLDER/diary, FOLDER/evidence/; once FOLDER/calm exists it launches nothing more

interface KnownTask {
  readonly intent: LaunchIntent
  /** Of the ACCEPT; undefined = never answered. */
  answer: number | undefined
  hasEnded: boolean
}

const role = "storm"
const outstandingMax = 30
const reconcileMs = 4_000
/** A framework that is away for less keeps its tasks. */
const failoverTimeoutSeconds = 600

const lossStates = ["TASK_LOST", "TASK_DROPPED", "TASK_GONE", "TASK_GONE_BY_OPERATOR", "TASK_UNKNOWN"]
const endStates = ["TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_ERROR", ...lossStates]

const [folder = "", url = "", secretFile = "", seedText = ""] = process.argv.slice(2)
const access: WireAccess = { url, secret: readFileSync(secretFile, "utf8").trim() }
const diaryPath = join(folder, "diary")
const tasks = new Map<string, KnownTask>()
let frameworkId: string | undefined
let streamId: string | undefined
const operations = new Map<string, { readonly intent: OperationIntent; hasEnded: boolean }>()
let accepts = 0
/** Tasks and operations whose ACCEPT this life has sent and not seen answered: the master cannot be asked about them yet. */
const inFlight = new Set<string>()

const past = readDiary(diaryPath)
const life = past.filter((entry) => entry.type === "born").length + 1
const chance = makeChance(Number(seedText) * 1000 + life)
// By seed, not by life: capabilities decide which losses the framework is told.
const isPartitionAware = Number(seedText) % 2 === 0
const write = openDiary(diaryPath, life)

/** What an entry means for what this framework knows; the past is taken in the same way as the present. */
const learn = (body: EntryBody): void => {
  if (body.type === "subscribed") frameworkId = body.frameworkId
  if (body.type === "launch") tasks.set(body.taskId, { intent: body, answer: undefined, hasEnded: false })
  if (body.type === "launch-answered" && body.status !== 0) {
    for (const taskId of body.taskIds) {
      const task = tasks.get(taskId)
      if (task === undefined) continue
      task.answer = body.status
      if (body.status !== 202) task.hasEnded = true
    }
  }
  if (body.type === "operation") operations.set(body.operationId, { intent: body, hasEnded: false })
  if (body.type === "operations-answered" && body.status >= 300)
    for (const id of body.operationIds) endOperation(id)
  if (body.type === "operation-update" && isOperationEnd(body.status))
    endOperation(body.status.operation_id.value)
  if (body.type === "update" && isEnd(body.status)) {
    const task = tasks.get(body.status.task_id.value)
    if (task !== undefined) task.hasEnded = true
  }
}

const endOperation = (id: string): void => {
  const operation = operations.get(id)
  if (operation !== undefined) operation.hasEnded = true
}

/** An answer to RECONCILE tells an end that a status of its own will follow, unless the task is lost. */
const isEnd = ({ state, uuid, reason }: WireStatus): boolean =>
  endStates.includes(state) &&
  (uuid !== undefined || reason !== "REASON_RECONCILIATION" || lossStates.includes(state))

const note = (body: EntryBody): void => {
  write(body)
  learn(body)
}

const say = async (type: string, payload: object): Promise<number> => {
  if (streamId === undefined || frameworkId === undefined) return 0
  const body = { type, framework_id: { value: frameworkId }, ...payload }
  const { status, body: text } = await call(access, streamId, body)
  if (status >= 300) note({ type: "refused", call: type, status, body: text.slice(0, 200) })
  return status
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const isCalm = () => existsSync(join(folder, "calm"))
const open = () => [...tasks.values()].filter((task) => !task.hasEnded)
const openOperations = () => [...operations.values()].filter((operation) => !operation.hasEnded)

// --- offers

const amountOf = (offer: WireEvent, name: string): number =>
  offer.resources
    .filter((resource: WireResource) => resource.name === name && isUnreserved(resource))
    .reduce((sum: number, resource: WireEvent) => sum + resource.scalar.value, 0)

const planTasks = (
  offer: WireEvent,
  reserving: ReadonlyArray<OperationIntent>,
): ReadonlyArray<LaunchIntent> => {
  const taken = reserving.filter(({ kind }) => kind === "RESERVE")
  let cpuMilli = Math.floor(amountOf(offer, "cpus") * 1000)
  let memMiB = Math.floor(amountOf(offer, "mem"))
  for (const intent of taken) {
    cpuMilli -= intent.cpuMilli
    memMiB -= intent.memMiB
  }
  const room = Math.min(chance.between(1, 12), outstandingMax - open().length)
  const planned: Array<LaunchIntent> = []
  while (planned.length < room) {
    const intent: LaunchIntent = {
      taskId: `t${life}-${tasks.size + planned.length}`,
      agentId: offer.agent_id.value,
      offerId: (offer.id as unknown as { value: string }).value,
      cpuMilli: chance.between(1, 10) * 10,
      memMiB: chance.between(16, 40),
      // Among them those that shells and launchers use themselves: 125 to 127, 128 + a signal.
      exitCode: chance.fraction() < 0.5 ? 0 : chance.pick([chance.between(1, 255), 125, 126, 127, 137]),
      runMs: chance.between(100, 5_000),
      shape: chance.choose({ plain: 7, forking: 2, deaf: 1 }),
    }
    if (intent.cpuMilli > cpuMilli || intent.memMiB > memMiB) break
    cpuMilli -= intent.cpuMilli
    memMiB -= intent.memMiB
    planned.push(intent)
  }
  return planned
}

const taskInfo = (intent: LaunchIntent) => ({
  name: intent.taskId,
  task_id: { value: intent.taskId },
  agent_id: { value: intent.agentId },
  resources: [
    { name: "cpus", type: "SCALAR", scalar: { value: intent.cpuMilli / 1000 } },
    { name: "mem", type: "SCALAR", scalar: { value: intent.memMiB } },
  ],
  command: { value: taskCommand(join(folder, "evidence"), intent) },
})

const useOffer = async (offer: WireEvent): Promise<void> => {
  if (chance.fraction() < 0.3) await wait(chance.between(0, 300))
  const refuse_seconds = isCalm() ? 3_600 : 0
  const prefix = `${life}-${accepts++}`
  const reserving = isCalm() ? [] : planOperations({ offer: offer as never, role, prefix, chance })
  const intents = reserving.map(({ intent }) => intent)
  const planned = isCalm() ? [] : planTasks(offer, intents)
  if (planned.length + reserving.length === 0) {
    await say("DECLINE", { decline: { offer_ids: [offer.id], filters: { refuse_seconds } } })
    return
  }
  const taskIds = planned.map(({ taskId }) => taskId)
  const operationIds = intents.map(({ operationId }) => operationId)
  for (const intent of planned) note({ type: "launch", ...intent })
  for (const intent of intents) note({ type: "operation", ...intent })
  for (const id of [...taskIds, ...operationIds]) inFlight.add(id)
  const launch =
    planned.length === 0 ? [] : [{ type: "LAUNCH", launch: { task_infos: planned.map(taskInfo) } }]
  const status = await say("ACCEPT", {
    accept: {
      offer_ids: [offer.id],
      operations: [...reserving.map(({ wire }) => wire), ...launch],
      filters: { refuse_seconds },
    },
  })
  note({ type: "launch-answered", taskIds, status })
  note({ type: "operations-answered", operationIds, status })
  for (const id of [...taskIds, ...operationIds]) inFlight.delete(id)
}

// --- statuses

const killLater = async (taskId: string): Promise<void> => {
  await wait(chance.between(0, 1_500))
  const task = tasks.get(taskId)
  if (task === undefined || task.hasEnded || streamId === undefined) return
  note({ type: "kill", taskId })
  const grace = chance.pick([
    {},
    { kill_policy: { grace_period: { nanoseconds: chance.between(0, 500) * 1e6 } } },
  ])
  const agent = chance.pick([{}, { agent_id: { value: task.intent.agentId } }])
  await say("KILL", { kill: { task_id: { value: taskId }, ...agent, ...grace } })
}

const takeStatus = async (status: WireStatus): Promise<void> => {
  note({ type: "update", status })
  const { task_id, agent_id, uuid } = status
  if (status.state === "TASK_RUNNING" && chance.fraction() < 0.12) void killLater(task_id.value)
  if (uuid === undefined) return
  if (chance.fraction() < 0.2) await wait(chance.between(0, 400))
  note({ type: "acknowledge", taskId: task_id.value, uuid })
  await say("ACKNOWLEDGE", { acknowledge: { agent_id, task_id, uuid } })
}

const askAboutTasks = async (): Promise<void> => {
  const asked = open().filter(({ intent }) => !inFlight.has(intent.taskId))
  if (streamId === undefined || asked.length === 0) return
  const isImplicit = chance.fraction() < 0.15
  const withAgent = chance.fraction() < 0.5
  const list = isImplicit
    ? []
    : asked.map(({ intent }) => ({
        task_id: { value: intent.taskId },
        ...(withAgent ? { agent_id: { value: intent.agentId } } : {}),
      }))
  note({ type: "reconcile", taskIds: isImplicit ? [] : asked.map(({ intent }) => intent.taskId) })
  await say("RECONCILE", { reconcile: { tasks: list } })
}

const takeOperationStatus = async (status: WireOperationStatus): Promise<void> => {
  note({ type: "operation-update", status })
  const { operation_id, agent_id, uuid } = status
  if (uuid === undefined) return
  if (chance.fraction() < 0.2) await wait(chance.between(0, 400))
  await say("ACKNOWLEDGE_OPERATION_STATUS", {
    acknowledge_operation_status: { operation_id, agent_id, uuid: uuid.value },
  })
}

const askAboutOperations = async (): Promise<void> => {
  const asked = openOperations().filter(({ intent }) => !inFlight.has(intent.operationId))
  if (streamId === undefined || asked.length === 0) return
  note({ type: "reconcile-operations", operationIds: asked.map(({ intent }) => intent.operationId) })
  const list = asked.map(({ intent }) => ({
    operation_id: { value: intent.operationId },
    agent_id: { value: intent.agentId },
  }))
  await say("RECONCILE_OPERATIONS", { reconcile_operations: { operations: list } })
}

// --- life

const take = (event: WireEvent): void => {
  switch (event.type) {
    case "SUBSCRIBED":
      note({ type: "subscribed", frameworkId: event.subscribed.framework_id.value })
      setTimeout(
        () => {
          void askAboutTasks()
          void askAboutOperations()
        },
        chance.between(0, 300),
      )
      return
    case "OFFERS":
      for (const offer of event.offers.offers) void useOffer(offer)
      return
    case "UPDATE":
      void takeStatus(event.update.status)
      return
    case "UPDATE_OPERATION_STATUS":
      void takeOperationStatus(event.update_operation_status.status)
      return
    case "ERROR":
      note({ type: "error", message: event.error.message })
  }
}

const frameworkInfo = () => ({
  user: "nobody",
  name: "storm",
  roles: [role],
  failover_timeout: failoverTimeoutSeconds,
  checkpoint: true,
  capabilities: [
    { type: "MULTI_ROLE" },
    { type: "RESERVATION_REFINEMENT" },
    ...(isPartitionAware ? [{ type: "PARTITION_AWARE" }] : []),
  ],
  ...(frameworkId === undefined ? {} : { id: { value: frameworkId } }),
})

const stayOnce = (): Promise<void> =>
  new Promise((resolve) => {
    const body = {
      type: "SUBSCRIBE",
      ...(frameworkId === undefined ? {} : { framework_id: { value: frameworkId } }),
      subscribe: { framework_info: frameworkInfo() },
    }
    void subscribe(access, body, take, resolve).then((answer) => {
      if ("streamId" in answer) {
        streamId = answer.streamId
        return
      }
      if (answer.status !== 0) note({ type: "refused", call: "SUBSCRIBE", status: answer.status, body: "" })
      resolve()
    })
  })

const settleWhenCalm = async (): Promise<void> => {
  for (;;) {
    await wait(100)
    if (isCalm() && streamId !== undefined && open().length + openOperations().length + inFlight.size === 0) {
      note({ type: "settled" })
      return
    }
  }
}

for (const entry of past) learn(entry)
note({ type: "born", pid: process.pid })
setInterval(() => {
  void askAboutTasks()
  void askAboutOperations()
}, reconcileMs)
void settleWhenCalm()
for (;;) {
  await stayOnce()
  streamId = undefined
  await wait(chance.between(50, 400))
}
