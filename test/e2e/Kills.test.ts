import { cpSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, describe, expect, it } from "vitest"
import { bundleForNode } from "../runtime/journal/WorkerBundle.ts"
import { eventually, missingForEnforcement, pause } from "../support/Gleaner.ts"
import { makeChance } from "../support/kills/Chance.ts"
import { findViolations, type StormRecord } from "../support/kills/Checker.ts"
import { readDiary } from "../support/kills/Diary.ts"
import { readEvidence } from "../support/kills/Evidence.ts"
import { Host } from "../support/kills/Host.ts"
import { rage, type StormCounts, type StormGoal } from "../support/kills/Storm.ts"
import type { Supervised } from "../support/kills/Supervised.ts"
import { tellStorm } from "../support/kills/Tally.ts"

// kill -9 of any process, in any order, loses and doubles nothing (laws L2, L3, L6, L7). GLEANER_KILL_SEED repeats a
// storm's choices, though not the machine's timing; GLEANER_KILL_SECONDS makes it longer or shorter, GLEANER_KILL_KILLS
// says instead how many processes to kill in all; GLEANER_KILL_KEEP names a folder for everything that was written, to look
// into afterwards. `npm run kills -- --help` tells the same as options.

const seed = Number(process.env.GLEANER_KILL_SEED ?? Math.floor(Math.random() * 1_000_000))
const seconds = Number(process.env.GLEANER_KILL_SECONDS ?? 60)
const kills = Number(process.env.GLEANER_KILL_KILLS ?? 0)
/** A kill and all that comes back after it, on a busy machine with lulls between them. */
const killMsMax = 6_000

/** A share of what was asked for. */
const goalOf = (share: number): StormGoal =>
  kills > 0 ? { kills: Math.ceil(kills * share) } : { seconds: Math.ceil(seconds * share) }
const stormMsMax = Math.max(seconds * 1_000, kills * killMsMax)
/** How long everything may take to settle: statuses are repeated after 10 s, 20 s, 40 s. */
const calmMsMax = 120_000

/** Looks until the limit; what is missing then, the checker names. */
const settles = async (look: () => boolean | Promise<boolean>, msMax: number): Promise<void> => {
  const endMs = performance.now() + msMax
  while (performance.now() < endMs && !(await look())) await pause(100)
}

const countLaunches = (diaryPath: string): number =>
  readDiary(diaryPath).filter((entry) => entry.type === "launch-answered" && entry.status === 202).length

const startFramework = async (host: Host): Promise<Supervised> => {
  const script = fileURLToPath(await bundleForNode("test/support/kills/StormFramework.ts"))
  const words = [script, host.folder, host.url, join(host.data, "secret"), String(seed)]
  const framework = host.superviseCommand("framework", process.execPath, words)
  framework.start()
  return framework
}

/** Lets everything settle, and gathers what is known of the storm. */
const collect = async (host: Host, framework: Supervised, storm: StormCounts): Promise<StormRecord> => {
  const diaryPath = join(host.folder, "diary")
  writeFileSync(join(host.folder, "calm"), "")
  const capacity = (await host.connected()).slaves[0]!.resources
  await settles(() => readDiary(diaryPath).some(({ type }) => type === "settled"), calmMsMax)
  const holdsNothing = async () => {
    const { slaves, frameworks } = await host.readState()
    const used = slaves.every(({ used_resources }) => used_resources.cpus === 0)
    return used && frameworks.every(({ tasks }) => tasks.length === 0) && host.containers().length === 0
  }
  await settles(holdsNothing, 20_000)
  const [state, reserved] = [await host.readState(), await host.readReserved("storm")]
  // While the agent still runs, so that nothing is cleaned up by its stop.
  const [processes, cgroups] = [host.taskProcesses(), host.containers()]
  await framework.end("SIGKILL")
  const left = await host.end()
  return {
    diary: readDiary(diaryPath),
    evidence: readEvidence(host.evidence),
    containersWithoutLauncher: storm.containersWithoutLauncher,
    capacity: { cpuMilli: capacity.cpus * 1_000, memMiB: capacity.mem },
    end: {
      state,
      reserved,
      processes: [...processes, ...left],
      cgroups,
      deserters: [...host.daemons, framework].flatMap(({ desertions }) => desertions),
    },
  }
}

describe.skipIf(missingForEnforcement !== undefined)("kill -9 at random", () => {
  let host: Host | undefined
  afterEach(async () => {
    const keep = process.env.GLEANER_KILL_KEEP
    if (keep !== undefined && host !== undefined)
      cpSync(host.folder, join(keep, basename(host.folder)), { recursive: true })
    await host?.remove()
    host = undefined
  })

  // With a monitor little is lent for long, since each death of it or of the agent takes everything back; without one
  // there is more to lose.
  it.each([
    { name: "a monitored host", isMonitored: true, goal: goalOf(kills > 0 ? 2 / 3 : 1) },
    { name: "a host without a monitor", isMonitored: false, goal: goalOf(kills > 0 ? 1 / 3 : 1 / 2) },
  ])(
    "loses and doubles nothing on $name",
    async ({ name, isMonitored, goal }) => {
      const size = "seconds" in goal ? `${goal.seconds} s` : `${goal.kills} kills`
      process.stderr.write(`a storm of ${size} on ${name}, GLEANER_KILL_SEED=${seed}\n`)
      const chance = makeChance(seed)
      host = await Host.start({ isMonitored, restartMs: () => chance.between(0, 800) })
      const framework = await startFramework(host)
      const diaryPath = join(host.folder, "diary")
      await eventually(() => readDiary(diaryPath).some(({ type }) => type === "subscribed") || undefined)
      const storm = await rage(host, framework, chance, goal, () => countLaunches(diaryPath))
      const record = await collect(host, framework, storm)

      const processes = [...host.daemons, framework]
      process.stderr.write(`${tellStorm(seed, processes, storm, record)}\n`)
      const violations = findViolations(record)
      const told = violations.map(({ kind, who, what }) => `${kind}: ${who}: ${what}`)
      expect(told, host.logs()).toEqual([])
      // A storm that was too quiet proves nothing.
      for (const { kills, options } of processes) expect(kills, options.name).toBeGreaterThan(0)
      expect(record.evidence.size).toBeGreaterThan(0)
    },
    stormMsMax + calmMsMax + 90_000,
  )
})
