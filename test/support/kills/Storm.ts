import { readdirSync, readFileSync } from "node:fs"
import { basename } from "node:path"
import { pause } from "../Gleaner.ts"
import type { Chance } from "./Chance.ts"
import type { Host } from "./Host.ts"
import type { Supervised } from "./Supervised.ts"

export interface StormCounts {
  readonly launcherKills: number
  readonly launcherPauses: number
  /** All at once. */
  readonly blackouts: number
  readonly containersWithoutLauncher: ReadonlyArray<string>
}

interface LauncherProcess {
  readonly pid: number
  readonly containerId: string
}

/** The shells that stay outside their task and write its exit code down; their first stage in the task's place is none of them. */
const findLaunchers = (folder: string): ReadonlyArray<LauncherProcess> => {
  const shells = readdirSync("/proc").flatMap((name) => {
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0")
      const at = words.findIndex((word) => word.endsWith("/launch.sh"))
      const runFolder = words[at + 1]
      if (at === -1 || runFolder === undefined || !runFolder.startsWith(folder)) return []
      const stat = readFileSync(`/proc/${name}/stat`, "utf8")
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])
      return [{ pid: Number(name), parent, containerId: basename(runFolder) }]
    } catch {
      return [] // no process, or it has ended
    }
  })
  const pids = new Set(shells.map(({ pid }) => pid))
  return shells.filter(({ parent }) => !pids.has(parent))
}

const weights = {
  killAgent: 26,
  killMaster: 18,
  killMonitor: 14,
  killFramework: 18,
  blackout: 3,
  stopAgent: 4,
  stopMaster: 3,
  stopMonitor: 3,
  pauseAgent: 7,
  pauseMaster: 6,
  pauseMonitor: 7,
  pauseFramework: 5,
  killLauncher: 2,
  pauseLauncher: 4,
}

/**
 * Several blows in one instant, or time to get far. Where there is a monitor, lulls as well: offers come again only when
 * it, master and agent have all been well for two or three seconds.
 */
const drawGapMs = (chance: Chance, hasLulls: boolean): number => {
  const ranges = { instant: [0, 40], short: [100, 500], long: [500, 1_500], lull: [2_500, 5_000] } as const
  const [least, most] = ranges[chance.choose({ instant: 6, short: 4, long: 5, lull: hasLulls ? 5 : 0 })]
  return chance.between(least, most)
}

/** Short mostly; often longer than the monitor's lease. */
const drawPauseMs = (chance: Chance): number =>
  chance.between(
    ...chance.pick<[number, number]>([
      [20, 300],
      [300, 1_000],
      [1_000, 2_500],
    ]),
  )

/** How long a storm goes on: for a time, or until so many processes were killed. */
export type StormGoal = { readonly seconds: number } | { readonly kills: number }

/** After so many blows something must have been launched, or the storm waits for it: on a slow machine nothing is ever hit otherwise. */
const blowsPerLaunch = 5
const launchMsMax = 10_000

/**
 * Blows at random until the goal is reached; whoever dies is started again by its supervisor. `countLaunches` tells how
 * many were accepted so far.
 */
export const rage = async (
  host: Host,
  framework: Supervised,
  chance: Chance,
  goal: StormGoal,
  countLaunches: () => number,
): Promise<StormCounts> => {
  const { agent, master, monitor } = host
  const beganMs = performance.now()
  const without = new Set<string>()
  let [launcherKills, launcherPauses, blackouts] = [0, 0, 0]
  const signalLauncher = (signal: NodeJS.Signals): LauncherProcess | undefined => {
    const launchers = findLaunchers(host.data)
    if (launchers.length === 0) return undefined
    const launcher = chance.pick(launchers)
    try {
      process.kill(launcher.pid, signal)
      return launcher
    } catch {
      return undefined // it has ended
    }
  }
  const blows: Record<keyof typeof weights, () => void> = {
    killAgent: () => agent.kill(),
    killMaster: () => master.kill(),
    killMonitor: () => monitor.kill(),
    killFramework: () => framework.kill(),
    blackout: () => {
      for (const one of [agent, master, monitor, framework]) one.kill()
      blackouts++
    },
    stopAgent: () => agent.stopCleanly(),
    stopMaster: () => master.stopCleanly(),
    stopMonitor: () => monitor.stopCleanly(),
    pauseAgent: () => agent.pauseFor(drawPauseMs(chance)),
    pauseMaster: () => master.pauseFor(drawPauseMs(chance)),
    pauseMonitor: () => monitor.pauseFor(drawPauseMs(chance)),
    pauseFramework: () => framework.pauseFor(drawPauseMs(chance)),
    killLauncher: () => {
      const launcher = signalLauncher("SIGKILL")
      if (launcher === undefined) return
      without.add(launcher.containerId)
      launcherKills++
    },
    pauseLauncher: () => {
      const launcher = signalLauncher("SIGSTOP")
      if (launcher === undefined) return
      launcherPauses++
      setTimeout(() => {
        try {
          process.kill(launcher.pid, "SIGCONT")
        } catch {} // killed meanwhile
      }, drawPauseMs(chance))
    },
  }
  const isOver = () =>
    "seconds" in goal
      ? performance.now() - beganMs >= goal.seconds * 1_000
      : [agent, master, monitor, framework].reduce((sum, { kills }) => sum + kills, 0) >= goal.kills
  let launched = 0
  for (let blow = 1; !isOver(); blow++) {
    await pause(drawGapMs(chance, monitor.lives > 0))
    if (blow % blowsPerLaunch === 0) {
      const endMs = performance.now() + launchMsMax
      while (countLaunches() === launched && performance.now() < endMs && !isOver()) await pause(100)
      launched = countLaunches()
    }
    blows[chance.choose(weights)]()
  }
  // However short the storm was, nobody is spared.
  for (const one of [agent, master, monitor, framework]) {
    while (one.kills === 0 && one.lives > 0) {
      one.kill()
      await pause(20)
    }
  }
  return { launcherKills, launcherPauses, blackouts, containersWithoutLauncher: [...without] }
}
