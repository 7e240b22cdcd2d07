import { wrongResult } from "../allocation/WrongResult.ts"
import { Emulation } from "./Emulation.ts"
import type { WireJob, WireResult } from "./Job.ts"
import { figure } from "./LaunchesMode.ts"
import type { MasterProcess } from "./MasterProcess.ts"

// Agents that are connected and have nothing to do, and frameworks that hold offers: what does keeping them cost?

/** Until those who came first have been told the pace of all, with their next heartbeat, and keep it. */
const settleMs = 20_000
const coreShareMax = 0.1
const rssMbMax = 1_500
const nobody = { take: () => [] }

export const measureAgents = async (job: WireJob, master: MasterProcess): Promise<WireResult> => {
  const emulation = new Emulation(master)
  try {
    const startMs = performance.now()
    await emulation.addAgents(job.agents, () => ({ cpus: 16 }))
    const joinedMs = performance.now() - startMs
    const idle = await measureIdle(emulation, master, job)
    const calls = emulation.calls()
    const reply = await emulation.during(calls.ask({ method: "GET", path: "/slaves" }))
    const { slaves } = JSON.parse(reply.body.toString("utf8")) as {
      slaves: ReadonlyArray<{ active: boolean }>
    }
    const active = slaves.filter((slave) => slave.active).length
    if (active !== job.agents) wrongResult(`the master has ${active} active agents, not ${job.agents}`)
    return {
      figures: [
        figure("agents joined per second", "/s", [(job.agents / joinedMs) * 1_000]),
        figure("RSS of the master", "MB", idle.rssMb, `≤ ${rssMbMax}`, (mb) => mb <= rssMbMax),
        figure(
          "CPU of the idle master",
          "% of a core",
          idle.cores.map((share) => 100 * share),
          "≤ 10",
          (share) => share <= 100 * coreShareMax,
        ),
        figure("longest answer to /health", "ms", [idle.longestMs]),
      ],
      verified: `${active.toLocaleString("en-US")} agents are active after ${job.seconds * job.rounds} s of heartbeats`,
    }
  } finally {
    emulation.close()
  }
}

export const measureFrameworks = async (job: WireJob, master: MasterProcess): Promise<WireResult> => {
  const emulation = new Emulation(master)
  try {
    await emulation.addAgents(job.agents, () => ({ cpus: 16 }))
    const startMs = performance.now()
    await emulation.addFrameworks(job.frameworks, nobody)
    const subscribedMs = performance.now() - startMs
    const idle = await measureIdle(emulation, master, job)
    const events = emulation.frameworks.map((framework) => framework.events)
    // SUBSCRIBED and a heartbeat at once, and one every 15 s.
    const fewest = Math.min(...events)
    if (fewest < 2) wrongResult(`a framework got ${fewest} events, not at least SUBSCRIBED and HEARTBEAT`)
    const withOffers = emulation.frameworks.filter(({ offers }) => offers > 0).length
    // Whoever comes later takes what an offer's timeout gives back: with as many hosts as frameworks everybody gets one.
    const offers = emulation.frameworks.reduce((sum, framework) => sum + framework.offers, 0)
    if (offers < job.agents) wrongResult(`${offers} offers of ${job.agents} hosts were made`)
    return {
      figures: [
        figure("frameworks subscribed per second", "/s", [(job.frameworks / subscribedMs) * 1_000]),
        figure("frameworks that got offers", "", [withOffers]),
        figure("RSS of the master", "MB", idle.rssMb),
        figure(
          "CPU of the master",
          "% of a core",
          idle.cores.map((share) => 100 * share),
        ),
        figure("longest answer to /health", "ms", [idle.longestMs]),
      ],
      verified: `${job.frameworks.toLocaleString("en-US")} frameworks are subscribed and were told ${events.reduce((sum, count) => sum + count, 0).toLocaleString("en-US")} events`,
    }
  } finally {
    emulation.close()
  }
}

/** Also how long somebody waits who asks ten times a second whether the master is alive. */
const measureIdle = async (emulation: Emulation, master: MasterProcess, job: WireJob) => {
  await emulation.pause(Math.min(settleMs, 2_000 * job.seconds))
  const calls = emulation.calls()
  const cores: Array<number> = []
  const rssMb: Array<number> = []
  let longestMs = 0
  for (let round = 0; round < job.rounds; round++) {
    const startMs = performance.now()
    const before = master.usage()
    while (performance.now() - startMs < job.seconds * 1_000) {
      const askedMs = performance.now()
      const { status } = await emulation.during(calls.ask({ method: "GET", path: "/health" }))
      if (status !== 200) wrongResult(`/health answered ${status}`)
      longestMs = Math.max(longestMs, performance.now() - askedMs)
      await emulation.pause(100)
    }
    const after = master.usage()
    cores.push((after.cpuMs - before.cpuMs) / (performance.now() - startMs))
    rssMb.push(after.rssMb)
  }
  return { cores, rssMb, longestMs }
}
