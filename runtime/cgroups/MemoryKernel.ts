import { Effect, Layer } from "effect"
import type { ControllerName } from "./CgroupFacts.ts"
import { asKernelFailure, CgroupKernel, type Kernel, KernelRefused } from "./CgroupKernel.ts"
import {
  freshFiles,
  type Group,
  type KernelProfile,
  type Process,
  profiles,
  readOnlyFiles,
  type Verdict,
} from "./MemoryKernelRules.ts"
import type { PlainKernel } from "./PlainKernel.ts"

export interface MemoryKernelOptions {
  /** `modern`: a 4.13+ kernel with pids; `el6`: 2.6.32-220 as in spec/legacy-kernel.md. Default `modern`. */
  readonly profile?: keyof typeof profiles
  /** Mount point → controllers (`cpuset` too); default one hierarchy per controller where the profile's distribution has it. */
  readonly mounts?: Readonly<Record<string, ReadonlyArray<ControllerName | "cpuset">>>
  /** Extra lines of /proc/mounts, such as a cgroup2 mount. */
  readonly otherMounts?: string
  readonly isRoot?: boolean
  /** Reads of freezer.state that still answer FREEZING. */
  readonly freezingReads?: number
  /** rmdir calls that answer EBUSY after the last member ended. */
  readonly busyRmdirs?: number
}

export interface SpawnOptions {
  /** `tasks` files that the new process writes itself into. */
  readonly join: ReadonlyArray<string>
  /** A child each time the kernel is asked anything while this process may run, at most so often. */
  readonly forks?: number
  /** Survives SIGKILL that often, as a process in uninterruptible I/O does. */
  readonly survives?: number
}

/** The v1 kernel as a value: what the agent sees through `kernel`, and what a test does behind its back. */
export interface MemoryKernel {
  readonly kernel: Kernel
  readonly layer: Layer.Layer<CgroupKernel>
  readonly spawn: (options: SpawnOptions) => number
  readonly exit: (pid: number) => void
  /** Signals that reached a process that is still there, in order. */
  readonly signalsOf: (pid: number) => ReadonlyArray<NodeJS.Signals>
  readonly alive: () => ReadonlyArray<number>
  /** Charges memory to a process's group; above a limit of the group or an ancestor the process is killed. */
  readonly charge: (pid: number, bytes: number) => void
  /** Overwrites a counter or a limit without any rule, as another program or a broken kernel would. */
  readonly force: (path: string, text: string) => void
  /** Every group below the mount points, for leftovers. */
  readonly groups: () => ReadonlyArray<string>
  /** Runs before each write of the agent: the place where another process races it. */
  readonly beforeWrite: (hook: ((path: string) => void) | undefined) => void
}

/**
 * The in-memory twin of cgroup v1 for tests and for development without root. It answers with the errno that the
 * kernel was seen to answer (spec/legacy-kernel.md): EINVAL for a quota above the parent's or below a child's, EBUSY for
 * rmdir with members or children and for a memory limit below usage, a SIGKILL that waits for THAWED, and so on.
 */
export const makeMemoryKernel = (options: MemoryKernelOptions = {}): MemoryKernel => {
  const profile: KernelProfile = profiles[options.profile ?? "modern"]
  const mounts = options.mounts ?? profile.mounts
  const isRoot = options.isRoot ?? true
  const groups = new Map<string, Group>()
  const processes = new Map<number, Process>()
  let nextPid = 1000
  let hook: ((path: string) => void) | undefined

  const makeGroup = (path: string, controllers: ReadonlyArray<string>, parent: Group | undefined) => {
    const group: Group = {
      path,
      parent,
      controllers,
      files: freshFiles(profile, controllers, parent),
      members: new Set(),
      freezingReads: 0,
      busyRmdirs: options.busyRmdirs ?? 0,
    }
    groups.set(path, group)
  }
  for (const [path, controllers] of Object.entries(mounts)) makeGroup(path, controllers, undefined)

  const childrenOf = (group: Group) => [...groups.values()].filter((one) => one.parent === group)
  const dirname = (path: string) => path.slice(0, path.lastIndexOf("/"))
  const basename = (path: string) => path.slice(path.lastIndexOf("/") + 1)

  const isFrozen = (group: Group): boolean =>
    group.files.get("freezer.state") === "FROZEN" ||
    (profile.freezesNested && group.parent !== undefined && isFrozen(group.parent))
  const isProcessFrozen = (process: Process) => [...process.groups.values()].some(isFrozen)

  const end = (process: Process) => {
    for (const group of process.groups.values()) group.members.delete(process.pid)
    processes.delete(process.pid)
  }
  const deliverKill = (process: Process) => {
    if (process.survives > 0) process.survives -= 1
    else end(process)
  }

  /** Lets everything run a little that is not frozen: forkers fork, thawed processes die of their pending SIGKILL. */
  const tick = () => {
    for (const process of [...processes.values()]) {
      if (isProcessFrozen(process)) continue
      if (process.isKillPending) {
        process.isKillPending = false
        deliverKill(process)
      } else if (process.forks > 0) {
        process.forks -= 1
        fork(process)
      }
    }
  }

  const fork = (parent: Process) => {
    const pids = parent.groups.get("pids")
    const max = pids?.files.get("pids.max")
    if (pids !== undefined && max !== undefined && max !== "max" && pids.members.size >= Number(max)) return
    const child: Process = {
      ...parent,
      pid: nextPid++,
      groups: new Map(parent.groups),
      signals: [],
      forks: 0,
    }
    processes.set(child.pid, child)
    for (const group of child.groups.values()) group.members.add(child.pid)
  }

  const join = (process: Process, group: Group): Verdict => {
    const key = group.controllers.join(",")
    const old = process.groups.get(key)
    if (isFrozen(group) || (old !== undefined && isFrozen(old)))
      return profile.joinsFrozen ? undefined : "EBUSY"
    if (group.files.get("cpuset.cpus") === "" || group.files.get("cpuset.mems") === "") return "ENOSPC"
    old?.members.delete(process.pid)
    process.groups.set(key, group)
    if (group.controllers.includes("pids")) process.groups.set("pids", group)
    group.members.add(process.pid)
    return undefined
  }

  const groupOf = (path: string) => groups.get(dirname(path))

  const readFile = (path: string): string | undefined => {
    if (path === "/proc/mounts") {
      const lines = Object.entries(mounts).map(
        ([mountPoint, names]) =>
          `cgroup ${mountPoint.replace(/ /g, "\\040")} cgroup rw,relatime,${names.join(",")} 0 0\n`,
      )
      return `proc /proc proc rw 0 0\n${lines.join("")}${options.otherMounts ?? ""}`
    }
    const group = groupOf(path)
    if (group === undefined) return undefined
    const name = basename(path)
    if (name === "tasks" || name === "cgroup.procs")
      return [...group.members].map((pid) => `${pid}\n`).join("")
    if (name === "freezer.state" && group.files.has(name)) return `${freezerText(group)}\n`
    if (name === "pids.current" && group.files.has(name)) return `${group.members.size}\n`
    const text = group.files.get(name)
    return text === undefined ? undefined : `${text}\n`
  }

  const freezerText = (group: Group) => {
    if (!isFrozen(group)) return "THAWED"
    if (group.freezingReads <= 0) return "FROZEN"
    group.freezingReads -= 1
    return "FREEZING"
  }

  const writeFile = (path: string, text: string): Verdict => {
    const group = groupOf(path)
    const name = basename(path)
    if (group === undefined) return "ENOENT"
    if (name === "tasks") {
      const process = processes.get(Number(text))
      return process === undefined ? "ESRCH" : join(process, group)
    }
    if (name === "cgroup.procs" || readOnlyFiles.has(name)) return "EINVAL"
    if (!group.files.has(name)) return "ENOENT"
    const rule = profile.rules[name]
    if (rule === undefined) return "EINVAL"
    const accepted = rule({ group, text: text.trim(), children: childrenOf(group), profile })
    if ("errno" in accepted) return accepted.errno
    group.files.set(name, accepted.value)
    if (name === "freezer.state" && accepted.value === "FROZEN")
      group.freezingReads = options.freezingReads ?? 0
    return undefined
  }

  const answerNow = <A>(
    operation: KernelRefused["operation"],
    path: string,
    run: () => { readonly value: A } | string,
  ): A => {
    tick()
    const result = run()
    if (typeof result === "string") throw new KernelRefused({ operation, path, errno: result })
    return result.value
  }
  const asEffect = <A>(ask: () => A): Effect.Effect<A, KernelRefused> =>
    Effect.try({ try: ask, catch: (error) => asKernelFailure(error) as KernelRefused })
  const answer: <A>(...question: Parameters<typeof answerNow<A>>) => Effect.Effect<A, KernelRefused> = (
    ...question
  ) => asEffect(() => answerNow(...question))
  const done = (verdict: Verdict) => verdict ?? { value: undefined }

  const plain: PlainKernel = {
    read: (path) =>
      answerNow("read", path, () => {
        const text = readFile(path)
        return text === undefined ? "ENOENT" : { value: text }
      }),
    write: (path, text) =>
      answerNow("write", path, () => {
        if (!isRoot) return "EACCES"
        hook?.(path)
        return done(writeFile(path, text))
      }),
    groups: (path) =>
      answerNow("list", path, () => {
        const group = groups.get(path)
        return group === undefined ? "ENOENT" : { value: childrenOf(group).map((one) => basename(one.path)) }
      }),
  }

  const kernel: Kernel = {
    ownPid: 999,
    pageBytes: 4096,
    plain,
    read: (path) => asEffect(() => plain.read(path)),
    write: (path, text) => asEffect(() => plain.write(path, text)),
    exists: (path) => Effect.sync(() => groups.has(path) || readFile(path) !== undefined),
    canWrite: (path) => Effect.sync(() => isRoot && (groups.has(path) || readFile(path) !== undefined)),
    groups: (path) => asEffect(() => plain.groups(path)),
    mkdir: (path) =>
      answer("mkdir", path, () => {
        if (!isRoot) return "EACCES"
        const parent = groupOf(path)
        if (parent === undefined) return "ENOENT"
        if (groups.has(path) || readFile(path) !== undefined) return "EEXIST"
        makeGroup(path, parent.controllers, parent)
        return { value: undefined }
      }),
    rmdir: (path) =>
      answer("rmdir", path, () => {
        const group = groups.get(path)
        if (group === undefined) return "ENOENT"
        if (group.members.size > 0 || childrenOf(group).length > 0) return "EBUSY"
        if (group.busyRmdirs > 0) {
          group.busyRmdirs -= 1
          return "EBUSY"
        }
        groups.delete(path)
        return { value: undefined }
      }),
    kill: (pid, signal) =>
      answer("kill", `/proc/${pid}`, () => {
        const process = processes.get(pid)
        if (process === undefined) return "ESRCH"
        process.signals.push(signal)
        if (signal === "SIGKILL" && isProcessFrozen(process)) process.isKillPending = true
        else if (signal === "SIGKILL") deliverKill(process)
        return { value: undefined }
      }),
  }

  return {
    kernel,
    layer: Layer.succeed(CgroupKernel, kernel),
    spawn: ({ join: paths, forks, survives }) => {
      const process: Process = {
        pid: nextPid++,
        groups: new Map(),
        signals: [],
        isKillPending: false,
        forks: forks ?? 0,
        survives: survives ?? 0,
      }
      processes.set(process.pid, process)
      for (const path of paths) {
        const verdict = writeFile(path, String(process.pid))
        if (verdict !== undefined) {
          end(process)
          throw new KernelRefused({ operation: "write", path, errno: verdict })
        }
      }
      return process.pid
    },
    exit: (pid) => {
      const process = processes.get(pid)
      if (process !== undefined) end(process)
    },
    signalsOf: (pid) => processes.get(pid)?.signals ?? [],
    alive: () => [...processes.keys()],
    charge: (pid, bytes) => {
      const process = processes.get(pid)
      const group = [...(process?.groups.values() ?? [])].find((one) => one.controllers.includes("memory"))
      if (process === undefined || group === undefined) return
      if (!profile.charge(group, bytes)) end(process)
    },
    force: (path, text) => {
      groupOf(path)?.files.set(basename(path), text)
    },
    groups: () => [...groups.values()].filter((one) => one.parent !== undefined).map((one) => one.path),
    beforeWrite: (next) => {
      hook = next
    },
  }
}
