import { readdirSync, readFileSync, statSync } from "node:fs"
import { basename } from "node:path"
import { nanosPerTick } from "../../host/CpuTimes.ts"
import type { ProcessIdentity } from "../../host/ProcessIdentity.ts"

/** A process of this host as /proc shows it; zombies are left out. */
export interface ProcessFacts {
  readonly pid: number
  readonly parentPid: number
  readonly groupId: number
  readonly sessionId: number
  readonly startTicks: number
  readonly isStopped: boolean
  readonly cpuNanos: number
  /** The part of it that the kernel spent for the process. */
  readonly systemNanos: number
  readonly threads: number
  readonly rssBytes: number
  /** Read only for those that may matter, because each costs a system call or three. */
  readonly containerId: () => string | undefined
  readonly words: () => ReadonlyArray<string>
  /** Whether it runs as this process's user. */
  readonly isOwn: () => boolean
}

export type Member = Pick<
  ProcessFacts,
  "pid" | "isStopped" | "cpuNanos" | "systemNanos" | "threads" | "rssBytes"
>

const readOr = <A>(path: string, otherwise: A): string | A => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return otherwise // ended, or of another user
  }
}

const marker = "MESOS_CONTAINER_ID="

export const readProcesses = (): ReadonlyArray<ProcessFacts> =>
  readdirSync("/proc")
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .filter((pid) => pid > 1 && pid !== process.pid)
    .map(readProcess)
    .filter((facts): facts is ProcessFacts => facts !== undefined)

/** proc(5): fields count from behind the name, which may hold spaces and parentheses. */
const readProcess = (pid: number): ProcessFacts | undefined => {
  const stat = readOr(`/proc/${pid}/stat`, undefined)
  if (stat === undefined) return undefined
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const number = (index: number) => Number(fields[index])
  if (fields[0] === "Z" || fields[0] === "X") return undefined
  return {
    pid,
    parentPid: number(1),
    groupId: number(2),
    sessionId: number(3),
    startTicks: number(19),
    isStopped: fields[0] === "T" || fields[0] === "t",
    // Own and of children that were waited for.
    cpuNanos: (number(11) + number(12) + number(13) + number(14)) * nanosPerTick,
    systemNanos: (number(12) + number(14)) * nanosPerTick,
    threads: number(17),
    get rssBytes() {
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(readOr(`/proc/${pid}/status`, ""))?.[1] ?? 0) * 1024
    },
    containerId: () =>
      readOr(`/proc/${pid}/environ`, "")
        .split("\0")
        .find((entry) => entry.startsWith(marker))
        ?.slice(marker.length),
    words: () => readOr(`/proc/${pid}/cmdline`, "").split("\0"),
    isOwn: () => {
      try {
        return statSync(`/proc/${pid}`).uid === process.getuid?.()
      } catch {
        return false
      }
    },
  }
}

/** `launch.sh RUN_DIR …` with the container's run folder; what it forks looks the same until it executes something. */
const isLaunching = ({ words, isOwn }: ProcessFacts, containerId: string): boolean => {
  const [, script, runDir] = words()
  if (script === undefined || basename(script) !== "launch.sh") return false
  // Anybody may call something launch.sh and have us read what he names as its run folder.
  return basename(runDir ?? "") === containerId && isOwn()
}

/** The first process of the task, as launch.sh wrote it down; undefined before it got so far. */
const firstPid = (runDir: string): number | undefined => {
  const joined = /^joined (\d+) /.exec(readOr(`${runDir}/progress`, ""))?.[1]
  return joined === undefined ? undefined : Number(joined)
}

export interface Found {
  /** Ascending by pid. */
  readonly members: ReadonlyArray<Member>
  /** Process groups that the container made: a signal to one reaches all of it at once, also what forks meanwhile. */
  readonly groups: ReadonlyArray<number>
  /** The launcher and what it starts to write down the exit code: in one of these groups, but no members. */
  readonly bystanders: ReadonlyArray<Member>
  /** The session that the launcher leads, when it was seen. */
  readonly session: ProcessIdentity | undefined
}

/**
 * The container's processes among all. The launcher must outlive the task, so that the exit code is not lost.
 *
 * @param knownSession from an earlier look; counts only while its pid was not given to somebody else.
 */
export const findMembers = (
  processes: ReadonlyArray<ProcessFacts>,
  containerId: string,
  knownSession: ProcessIdentity | undefined,
): Found => {
  const launcher = processes.find((one) => one.sessionId === one.pid && isLaunching(one, containerId))
  const session = launcher ?? knownSession
  const isSessionTaken = processes.some(
    (one) => one.pid === session?.pid && one.startTicks !== session.startTicks,
  )
  const sessionId = isSessionTaken ? undefined : session?.pid
  const taskPid = launcher === undefined ? undefined : firstPid(launcher.words()[2]!)
  const isLaunchers = (one: ProcessFacts) =>
    launcher !== undefined &&
    (one.pid === launcher.pid ||
      (one.parentPid === launcher.pid && taskPid !== undefined && one.pid !== taskPid))

  const memberPids = new Set<number>()
  for (const one of processes)
    if (!isLaunchers(one) && (one.sessionId === sessionId || one.containerId() === containerId))
      memberPids.add(one.pid)
  addDescendants(memberPids, processes)
  const members = processes.filter((one) => memberPids.has(one.pid)).sort((a, b) => a.pid - b.pid)
  // A group lies within one session; a session of strangers may have a marked process, but is theirs.
  const isOwnSession = (id: number) => id === sessionId || memberPids.has(id)
  const groups = new Set(members.filter((one) => isOwnSession(one.sessionId)).map((one) => one.groupId))
  return {
    members,
    groups: [...groups],
    bystanders: processes.filter((one) => groups.has(one.groupId) && !memberPids.has(one.pid)),
    session: launcher === undefined ? undefined : { pid: launcher.pid, startTicks: launcher.startTicks },
  }
}

const addDescendants = (pids: Set<number>, processes: ReadonlyArray<ProcessFacts>) => {
  for (let sizeBefore = -1; sizeBefore !== pids.size; ) {
    sizeBefore = pids.size
    for (const one of processes) if (pids.has(one.parentPid)) pids.add(one.pid)
  }
}
