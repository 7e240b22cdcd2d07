import { gunzipSync } from "node:zlib"
import { wrongResult } from "../allocation/WrongResult.ts"
import { type CallConnection, fieldOfHead, type WireReply } from "./Connection.ts"
import { statusText } from "./EmulatedAgent.ts"
import { Emulation } from "./Emulation.ts"
import type { WireJob, WireResult } from "./Job.ts"
import { figure } from "./LaunchesMode.ts"
import type { MasterProcess } from "./MasterProcess.ts"

// Reading the whole state of a cluster, over and over, as dashboards and exporters do. The tasks come with agents that another
// master knew, so that a hundred thousand of them are there at once.

const nobody = { take: () => [] }
/** Size of the state that Apache Mesos was measured with; one agent, as there. */
const smallStateMb = 3.2
const connections = 8
/** Until offers have been made, and what came with the registrations is durable. */
const settleMs = 3_000

interface Reading {
  readonly name: string
  readonly fields: string
  readonly status: number
}

const readings: ReadonlyArray<Reading> = [
  { name: "as it is", fields: "", status: 200 },
  { name: "gzip", fields: "Accept-Encoding: gzip\r\n", status: 200 },
  { name: "ETag, unchanged", fields: "If-None-Match: ETAG\r\n", status: 304 },
]

export const measureState = async (
  job: WireJob,
  startMaster: () => Promise<MasterProcess>,
): Promise<WireResult> => {
  const large = await withMaster(startMaster, (master) => measureSize(job, job.agents, job.tasks, master))
  const tasks = Math.min(job.tasks, Math.max(1, Math.round((smallStateMb / large.mb) * job.tasks)))
  const small = await withMaster(startMaster, (master) => measureSize(job, 1, tasks, master))
  return {
    figures: [
      figure("/state, large: size", "MB", [large.mb]),
      figure("/state, large: first answer", "ms", [large.firstMs]),
      figure("/state, large: from cache", "ms", large.cachedMs, "≤ 50", (ms) => ms <= 50),
      figure("/state, large: after one change", "ms", large.changedMs),
      ...(large.unchangedMs.length === 0
        ? []
        : [figure("/state, large: unchanged by ETag", "ms", large.unchangedMs)]),
      figure("/health while it is made", "ms", [large.stallMs]),
      figure("/state, small: size", "MB", [small.mb]),
      ...[...small.rates].map(([name, values]) =>
        figure(`/state, small: ${name}`, "/s", values, "≥ 500", (rate) => rate >= 500),
      ),
      figure("RSS of the master, large", "MB", [large.rssMb]),
    ],
    verified: `each state had all of its ${job.tasks.toLocaleString("en-US")} and ${tasks.toLocaleString("en-US")} tasks, the same packed and unpacked, and changed with the cluster`,
  }
}

const withMaster = async <A>(
  startMaster: () => Promise<MasterProcess>,
  use: (master: MasterProcess) => Promise<A>,
): Promise<A> => {
  const master = await startMaster()
  try {
    return await use(master)
  } finally {
    await master.stop()
  }
}

const measureSize = async (job: WireJob, agents: number, tasks: number, master: MasterProcess) => {
  const emulation = new Emulation(master)
  try {
    await fill(emulation, job.frameworks, agents, tasks)
    await emulation.pause(settleMs)
    const calls = emulation.calls()
    const get = (fields = "", connection: CallConnection = calls) =>
      emulation.during(connection.ask({ method: "GET", path: "/state", fields }))
    const health = emulation.calls()
    const firstAskedMs = performance.now()
    const [first, stallMs] = await Promise.all([
      get().then((reply) => ({ reply, ms: performance.now() - firstAskedMs })),
      emulation
        .during(health.ask({ method: "GET", path: "/health" }))
        .then(() => performance.now() - firstAskedMs),
    ])
    const etag = verify(first.reply, tasks, agents)
    const cachedMs: Array<number> = []
    const unchangedMs: Array<number> = []
    const changedMs: Array<number> = []
    for (let round = 0; round < 5; round++) {
      cachedMs.push(await timed(() => get()))
      if (etag !== undefined) unchangedMs.push(await timed(() => get(`If-None-Match: ${etag}\r\n`)))
    }
    const packed = await get("Accept-Encoding: gzip\r\n")
    const isPacked = fieldOfHead(packed.head, "content-encoding") === "gzip"
    const rates = new Map<string, Array<number>>()
    if (agents === 1) {
      for (const reading of readings) {
        if (reading.status === 304 && etag === undefined) continue
        if (reading.name === "gzip" && !isPacked) continue
        const values: Array<number> = []
        for (let round = 0; round < job.rounds; round++)
          values.push(await readFor(emulation, job.seconds * 1_000, reading, etag ?? ""))
        rates.set(reading.name, values)
      }
    }
    if (isPacked) await verifyPacked(get)
    for (let round = 0; round < 3; round++) {
      await emulation.addFrameworks(1, nobody, () => `other-new-${round}`)
      changedMs.push(await timed(async () => verifyNews(await get(), `other-new-${round}`)))
    }
    return {
      mb: first.reply.body.length / 1e6,
      firstMs: first.ms,
      stallMs,
      cachedMs,
      unchangedMs,
      changedMs,
      rates,
      rssMb: master.usage().rssMb,
    }
  } finally {
    emulation.close()
  }
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

/** Returns the ETag, if there is one. */
const verify = ({ status, head, body }: WireReply, tasks: number, agents: number): string | undefined => {
  if (status !== 200) wrongResult(`/state answered ${status}`)
  const { frameworks, slaves } = JSON.parse(body.toString("utf8")) as {
    readonly frameworks: ReadonlyArray<{ readonly tasks: ReadonlyArray<unknown> }>
    readonly slaves: ReadonlyArray<unknown>
  }
  const shown = frameworks.reduce((sum, framework) => sum + framework.tasks.length, 0)
  if (shown !== tasks || slaves.length !== agents)
    wrongResult(`/state has ${shown} tasks on ${slaves.length} agents, not ${tasks} on ${agents}`)
  return fieldOfHead(head, "etag")
}

/** Between two answers an offer's timeout may come, but not each time. */
const verifyPacked = async (get: (fields?: string) => Promise<WireReply>): Promise<void> => {
  for (let attempt = 0; attempt < 5; attempt++) {
    const packed = await get("Accept-Encoding: gzip\r\n")
    const plain = await get()
    if (gunzipSync(packed.body).equals(plain.body)) return
  }
  wrongResult("/state is another one when it comes packed")
}

const verifyNews = ({ body }: WireReply, frameworkId: string): void => {
  if (!body.includes(frameworkId)) wrongResult(`/state does not know ${frameworkId}, which has subscribed`)
}

/** Of the answers to somebody who names the state that he has: offers come back after their timeout, which is news. */
const newsShareMax = 0.01

/**
 * Answers a second, with some connections that each ask again as soon as they have one; of a state that is not the one they
 * named they name it from then on.
 */
const readFor = async (
  emulation: Emulation,
  ms: number,
  reading: Reading,
  firstEtag: string,
): Promise<number> => {
  const endMs = performance.now() + ms
  let answers = 0
  let news = 0
  const startMs = performance.now()
  const read = async () => {
    const calls = emulation.calls()
    let etag = firstEtag
    while (performance.now() < endMs) {
      const fields = reading.fields.replace("ETAG", etag)
      const reply = await emulation.during(calls.ask({ method: "GET", path: "/state", fields }))
      if (reply.status === 200 && reading.status === 304) {
        etag = fieldOfHead(reply.head, "etag") ?? ""
        news++
      } else if (reply.status !== reading.status)
        wrongResult(`/state answered ${reply.status}, not ${reading.status}`)
      answers++
    }
    calls.close()
  }
  await Promise.all(Array.from({ length: connections }, read))
  if (news > newsShareMax * answers)
    wrongResult(`${news} of ${answers} answers to an ETag were whole states, though next to nothing changed`)
  return (answers / (performance.now() - startMs)) * 1_000
}

const fill = async (
  emulation: Emulation,
  frameworks: number,
  agents: number,
  tasks: number,
): Promise<void> => {
  const idOf = (index: number) => `other-F${index}`
  const perAgent = Math.ceil(tasks / agents)
  let left = tasks
  await emulation.addAgents(agents, (index) => {
    const agentId = `other-S${index}`
    const count = Math.min(perAgent, left)
    left -= count
    const texts = Array.from({ length: count }, (_, number) => {
      const frameworkId = idOf((index + number) % frameworks)
      return taskText({ frameworkId, taskId: `task-${index}-${number}`, agentId })
    })
    return {
      cpus: perAgent,
      known: `"agentId":"${agentId}","masterId":"other","tasks":[${texts.join()}]`,
    }
  })
  await emulation.addFrameworks(frameworks, nobody, idOf)
}

const taskText = (ids: {
  readonly frameworkId: string
  readonly taskId: string
  readonly agentId: string
}): string =>
  `{"spec":{"taskId":"${ids.taskId}","frameworkId":"${ids.frameworkId}","agentId":"${ids.agentId}","name":"${ids.taskId}","role":"role-0",` +
  `"resources":{"cpus":500,"mem":64000},"command":{"shell":true,"value":"sleep 1000","arguments":[],"environment":[{"name":"N","value":"1"}],"user":null},` +
  `"frameworkUser":"nobody","killGraceMs":null,"labels":[{"key":"tier","value":"batch"}]},"status":${statusText(ids, "TASK_RUNNING")}}`
