import { spreadOf } from "../allocation/Line.ts"
import { wrongResult } from "../allocation/WrongResult.ts"
import { Emulation } from "./Emulation.ts"
import type { WireFigure, WireJob, WireResult } from "./Job.ts"
import type { MasterProcess } from "./MasterProcess.ts"

// ACCEPT → TASK_RUNNING acknowledged → TASK_FINISHED acknowledged, for tasks that take no time themselves. First as many as go, with
// every cpu of every host wanted at all times; then at seven tenths of that rate, to see how long one launch takes.

const warmUpMs = 3_000
const rateShare = 0.7
/** What is wanted comes in at this pace; below a millisecond timers do not go. */
const paceMs = 2
const drainMsMax = 30_000

/** Tasks that want to run: as many as there is room for, or so many a second. */
class WantedTasks {
  private waiting: Array<number> = []
  private first = 0
  private isEndless = false
  private timer: NodeJS.Timeout | undefined

  readonly take = (most: number): ReadonlyArray<number> => {
    if (this.isEndless) return new Array<number>(most).fill(performance.now())
    const taken = this.waiting.slice(this.first, this.first + most)
    this.first += taken.length
    if (this.first > 10_000) {
      this.waiting = this.waiting.slice(this.first)
      this.first = 0
    }
    return taken
  }

  get backlog(): number {
    return this.waiting.length - this.first
  }

  wantEndlessly(): void {
    this.isEndless = true
  }

  wantPerSecond(rate: number, use: () => void): void {
    this.isEndless = false
    const startMs = performance.now()
    let made = 0
    this.timer = setInterval(() => {
      // Also those that were wanted while this process was late.
      while (startMs + (made * 1_000) / rate <= performance.now())
        this.waiting.push(startMs + (made++ * 1_000) / rate)
      use()
    }, paceMs)
  }

  stop(): void {
    this.isEndless = false
    clearInterval(this.timer)
    this.waiting = []
    this.first = 0
  }
}

export const percentile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const measureLaunches = async (job: WireJob, master: MasterProcess): Promise<WireResult> => {
  const emulation = new Emulation(master)
  const { ledger } = emulation
  const wanted = new WantedTasks()
  try {
    await emulation.addAgents(job.agents, () => ({ cpus: Math.ceil(job.tasks / job.agents) }))
    wanted.wantEndlessly()
    await emulation.addFrameworks(job.frameworks, wanted)
    await warmUp(emulation, job)

    const rates: Array<number> = []
    const masterCores: Array<number> = []
    const microsPerLaunch: Array<number> = []
    const ownCores: Array<number> = []
    for (let round = 0; round < job.rounds; round++) {
      const before = {
        completed: ledger.completed,
        ms: performance.now(),
        master: master.usage(),
        own: process.cpuUsage(),
      }
      await emulation.pause(job.seconds * 1_000)
      const ms = performance.now() - before.ms
      const own = process.cpuUsage(before.own)
      rates.push(((ledger.completed - before.completed) / ms) * 1_000)
      if (ledger.completed === before.completed)
        wrongResult(
          `not one launch came to its end in ${job.seconds} s: is this machine busy with something else?`,
        )
      const masterCpuMs = master.usage().cpuMs - before.master.cpuMs
      masterCores.push(masterCpuMs / ms)
      microsPerLaunch.push((masterCpuMs * 1_000) / (ledger.completed - before.completed))
      ownCores.push((own.user + own.system) / 1_000 / ms)
    }
    const { rssMb } = master.usage()
    const rate = spreadOf(rates).median
    wanted.stop()
    await drained(emulation)

    const useAll = () => {
      for (const framework of emulation.frameworks) framework.useOffers()
    }
    const latency = await measureLatency(emulation, wanted, rate * rateShare, job.seconds * 1_000, useAll)
    wanted.stop()
    await drained(emulation)
    ledger.verify()
    await verifyBooks(emulation)
    const at = `at ${Math.round(rate * rateShare).toLocaleString("en-US")}/s`
    return {
      figures: [
        figure("launchesPerSecond", "/s", rates, "≥ 5,000", (median) => median >= 5_000),
        figure(`accept → running p50 ${at}`, "ms", [percentile(latency.accepted, 0.5)]),
        figure(
          `accept → running p99 ${at}`,
          "ms",
          [percentile(latency.accepted, 0.99)],
          "≤ 100",
          (ms) => ms <= 100,
        ),
        figure(`wanted → offer → accept → running p50 ${at}`, "ms", [percentile(latency.wanted, 0.5)]),
        figure(
          `wanted → offer → accept → running p99 ${at}`,
          "ms",
          [percentile(latency.wanted, 0.99)],
          "≤ 100",
          (ms) => ms <= 100,
        ),
        figure("CPU of the master", "cores", masterCores),
        figure("CPU of the master for one launch", "µs", microsPerLaunch),
        figure("CPU of the emulator", "cores", ownCores),
        figure("RSS of the master", "MB", [rssMb]),
        figure("journal", "MB", [master.journalMb()]),
      ],
      verified: `${ledger.completed.toLocaleString("en-US")} launches each ended in one acknowledged terminal status, ${ledger.droppedCount} were dropped with their rescinded offers; the master's books are empty`,
    }
  } finally {
    wanted.stop()
    emulation.close()
  }
}

/** Until what runs is compiled and every host has been used a few times; a busy machine takes longer for it. */
const warmUp = async (emulation: Emulation, job: WireJob): Promise<void> => {
  await emulation.pause(warmUpMs)
  for (let waits = 0; emulation.ledger.completed < 2 * job.tasks && waits < 3; waits++)
    await emulation.pause(warmUpMs)
}

const measureLatency = async (
  emulation: Emulation,
  wanted: WantedTasks,
  rate: number,
  ms: number,
  useAll: () => void,
) => {
  const { ledger } = emulation
  const measured = { accepted: [] as Array<number>, wanted: [] as Array<number> }
  wanted.wantPerSecond(rate, useAll)
  await emulation.pause(warmUpMs)
  ledger.onRunning = (index) => {
    const nowMs = performance.now()
    measured.accepted.push(nowMs - ledger.acceptedAtMs[index]!)
    measured.wanted.push(nowMs - ledger.wantedAtMs[index]!)
  }
  await emulation.pause(ms)
  ledger.onRunning = () => {}
  if (measured.wanted.length < (rate * ms) / 1_000 / 2)
    wrongResult(
      `at ${Math.round(rate)}/s only ${measured.wanted.length} tasks came to run in ${ms} ms; ${wanted.backlog} wait for an offer`,
    )
  return measured
}

/** Nothing is under way any more. */
const drained = async (emulation: Emulation): Promise<void> => {
  const { ledger } = emulation
  const startMs = performance.now()
  while (ledger.open > 0) {
    if (performance.now() - startMs > drainMsMax)
      wrongResult(
        `after ${drainMsMax / 1_000} s without new launches ${ledger.open} are still open: ${ledger.describeOpen()}`,
      )
    await emulation.pause(20)
  }
}

/** What the master says that it still has. */
const verifyBooks = async (emulation: Emulation): Promise<void> => {
  const calls = emulation.calls()
  const get = async (path: string) =>
    (await emulation.during(calls.ask({ method: "GET", path }))).body.toString("utf8")
  const messages = async () => /^gleaner_master_outbox_messages (\d+)$/m.exec(await get("/metrics"))?.[1]
  // The last reports of agents that have processed everything may be on their way.
  const startMs = performance.now()
  for (let left = await messages(); left !== "0"; left = await messages()) {
    if (performance.now() - startMs > drainMsMax)
      wrongResult(`${left} messages to agents are still waiting at the master`)
    await emulation.pause(100)
  }
  const { frameworks, orphan_tasks: orphans } = JSON.parse(await get("/state")) as {
    frameworks: ReadonlyArray<{ tasks: ReadonlyArray<unknown>; unreachable_tasks: ReadonlyArray<unknown> }>
    orphan_tasks: ReadonlyArray<unknown>
  }
  const tasks = frameworks.flatMap((each) => [...each.tasks, ...each.unreachable_tasks]).concat(orphans)
  if (tasks.length > 0) wrongResult(`the master still has ${tasks.length} tasks: ${JSON.stringify(tasks[0])}`)
  const { slaves } = JSON.parse(await get("/slaves")) as {
    slaves: ReadonlyArray<{ id: string; used_resources: { cpus: number; mem: number } }>
  }
  if (slaves.length !== emulation.agents.length)
    wrongResult(`the master has ${slaves.length} agents, not ${emulation.agents.length}`)
  const used = slaves.find(({ used_resources }) => used_resources.cpus !== 0 || used_resources.mem !== 0)
  if (used !== undefined) wrongResult(`${used.id} still has ${JSON.stringify(used.used_resources)} in use`)
}

export const figure = (
  name: string,
  unit: string,
  values: ReadonlyArray<number>,
  goal?: string,
  isReached?: (median: number) => boolean,
): WireFigure => {
  const spread = spreadOf(values)
  return {
    name,
    unit,
    ...spread,
    goal:
      goal === undefined || isReached === undefined
        ? null
        : { text: goal, isReached: isReached(spread.median) },
  }
}
