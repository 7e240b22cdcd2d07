/** errno of a refusal, undefined when accepted. */
export type Verdict = string | undefined

export interface Group {
  readonly path: string
  readonly parent: Group | undefined
  readonly controllers: ReadonlyArray<string>
  readonly files: Map<string, string>
  readonly members: Set<number>
  freezingReads: number
  busyRmdirs: number
}

export interface Process {
  readonly pid: number
  /** Group per hierarchy. */
  readonly groups: Map<string, Group>
  readonly signals: Array<NodeJS.Signals>
  isKillPending: boolean
  forks: number
  survives: number
}

interface WriteAttempt {
  readonly group: Group
  readonly text: string
  readonly children: ReadonlyArray<Group>
  readonly profile: KernelProfile
}

type Rule = (attempt: WriteAttempt) => { readonly value: string } | { readonly errno: string }

/** What differs between kernels, measured in spec/legacy-kernel.md and on a 6.x host. */
export interface KernelProfile {
  readonly mounts: Readonly<Record<string, ReadonlyArray<string>>>
  readonly filesOf: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly rules: Readonly<Record<string, Rule>>
  readonly unlimitedBytes: string
  readonly roundsPagesUp: boolean
  /** A frozen parent freezes nested groups since 3.12. */
  readonly freezesNested: boolean
  /** Since 3.12 a process may enter a frozen group and freezes there; before: EBUSY. */
  readonly joinsFrozen: boolean
  /** False: the charge broke a limit and the kernel kills. */
  readonly charge: (group: Group, bytes: number) => boolean
}

const accept = (value: string | number) => ({ value: String(value) })
const refuse = (errno: string) => ({ errno })
const numberIn = (group: Group | undefined, file: string) => Number(group?.files.get(file) ?? Number.NaN)

/** Share of one cpu that a quota allows; infinite without one. */
const ratioOf = (quota: number, period: number) => (quota < 0 ? Number.POSITIVE_INFINITY : quota / period)
const ratioIn = (group: Group) =>
  ratioOf(numberIn(group, "cpu.cfs_quota_us"), numberIn(group, "cpu.cfs_period_us"))

/** tg_cfs_schedulable_down of the kernel: a finite quota may not exceed its parent's, from either side. */
const isSchedulable = (group: Group, children: ReadonlyArray<Group>, ratio: number) => {
  const parentRatio = group.parent === undefined ? Number.POSITIVE_INFINITY : effectiveRatio(group.parent)
  if (ratio !== Number.POSITIVE_INFINITY && ratio > parentRatio) return false
  const own = Math.min(ratio, parentRatio)
  return children.every((child) => ratioIn(child) === Number.POSITIVE_INFINITY || ratioIn(child) <= own)
}
const effectiveRatio = (group: Group): number =>
  Math.min(
    ratioIn(group),
    group.parent === undefined ? Number.POSITIVE_INFINITY : effectiveRatio(group.parent),
  )

const writeQuota: Rule = ({ group, text, children }) => {
  const quota = Number(text)
  if (!Number.isInteger(quota) || group.parent === undefined) return refuse("EINVAL")
  if (quota >= 0 && quota < 1000) return refuse("EINVAL")
  const ratio = ratioOf(quota, numberIn(group, "cpu.cfs_period_us"))
  return isSchedulable(group, children, ratio) ? accept(quota < 0 ? -1 : quota) : refuse("EINVAL")
}

const writePeriod: Rule = ({ group, text, children }) => {
  const period = Number(text)
  if (!Number.isInteger(period) || period < 1000 || period > 1_000_000) return refuse("EINVAL")
  const ratio = ratioOf(numberIn(group, "cpu.cfs_quota_us"), period)
  return isSchedulable(group, children, ratio) ? accept(period) : refuse("EINVAL")
}

const writeShares: Rule = ({ group, text }) => {
  const shares = Number(text)
  if (!Number.isInteger(shares) || shares < 0 || group.parent === undefined) return refuse("EINVAL")
  return accept(Math.min(262_144, Math.max(2, shares)))
}

const bytesOf = (text: string, profile: KernelProfile): number | undefined => {
  if (text === "-1") return Number(profile.unlimitedBytes)
  const bytes = Number(text)
  if (!Number.isInteger(bytes) || bytes < 0) return undefined
  return (profile.roundsPagesUp ? Math.ceil(bytes / 4096) : Math.floor(bytes / 4096)) * 4096
}

/** `other` is the limit that must stay above (for the plain one) or below (for the one with swap). */
const writeMemLimit =
  (usageFile: string, otherFile: string, isOrdered: (limit: number, other: number) => boolean): Rule =>
  ({ group, text, profile }) => {
    const limit = bytesOf(text, profile)
    if (limit === undefined || group.parent === undefined) return refuse("EINVAL")
    const other = numberIn(group, otherFile)
    if (!Number.isNaN(other) && !isOrdered(limit, other)) return refuse("EINVAL")
    if (limit < numberIn(group, usageFile)) return refuse("EBUSY")
    return accept(text === "-1" ? profile.unlimitedBytes : limit)
  }

const rules: Readonly<Record<string, Rule>> = {
  "cpu.shares": writeShares,
  "cpu.cfs_quota_us": writeQuota,
  "cpu.cfs_period_us": writePeriod,
  "memory.limit_in_bytes": writeMemLimit(
    "memory.usage_in_bytes",
    "memory.memsw.limit_in_bytes",
    (limit, withSwap) => limit <= withSwap,
  ),
  "memory.memsw.limit_in_bytes": writeMemLimit(
    "memory.memsw.usage_in_bytes",
    "memory.limit_in_bytes",
    (withSwap, limit) => withSwap >= limit,
  ),
  "memory.use_hierarchy": ({ group, text, children }) => {
    if (text !== "0" && text !== "1") return refuse("EINVAL")
    if (group.parent?.files.get("memory.use_hierarchy") === "1")
      return text === "1" ? accept(1) : refuse("EINVAL")
    return children.length > 0 ? refuse("EBUSY") : accept(text)
  },
  "memory.swappiness": ({ group, text, profile }) =>
    !profile.freezesNested && group.parent?.files.get("memory.use_hierarchy") === "1"
      ? refuse("EINVAL")
      : accept(text),
  "freezer.state": ({ text }) => (text === "FROZEN" || text === "THAWED" ? accept(text) : refuse("EINVAL")),
  "pids.max": ({ text }) => (text === "max" || /^\d+$/.test(text) ? accept(text) : refuse("EINVAL")),
  "cpuset.cpus": ({ text }) => accept(text),
  "cpuset.mems": ({ text }) => accept(text),
}

/** Counters that the kernel keeps; a write is refused. */
export const readOnlyFiles: ReadonlySet<string> = new Set([
  "cpu.stat",
  "cpuacct.usage",
  "memory.usage_in_bytes",
  "memory.memsw.usage_in_bytes",
  "memory.oom_control",
  "pids.current",
])

const chargeGroup = (group: Group, bytes: number): boolean => {
  const chain: Array<Group> = [group]
  while (chain[chain.length - 1]!.parent?.files.get("memory.use_hierarchy") === "1")
    chain.push(chain[chain.length - 1]!.parent!)
  const full = chain.find(
    (one) => numberIn(one, "memory.usage_in_bytes") + bytes > numberIn(one, "memory.limit_in_bytes"),
  )
  if (full !== undefined) {
    full.files.set("memory.memsw.failcnt", String(numberIn(full, "memory.memsw.failcnt") + 1))
    const kills = /^oom_kill (\d+)$/m.exec(group.files.get("memory.oom_control") ?? "")
    if (kills !== null)
      group.files.set(
        "memory.oom_control",
        `oom_kill_disable 0\nunder_oom 0\noom_kill ${Number(kills[1]) + 1}`,
      )
    return false
  }
  for (const one of chain)
    for (const kind of ["memory", "memory.memsw"]) {
      const used = numberIn(one, `${kind}.usage_in_bytes`) + bytes
      one.files.set(`${kind}.usage_in_bytes`, String(used))
      one.files.set(
        `${kind}.max_usage_in_bytes`,
        String(Math.max(used, numberIn(one, `${kind}.max_usage_in_bytes`))),
      )
    }
  return true
}

const memoryFiles = (unlimited: string) => ({
  "memory.limit_in_bytes": unlimited,
  "memory.usage_in_bytes": "0",
  "memory.max_usage_in_bytes": "0",
  "memory.failcnt": "0",
  "memory.memsw.limit_in_bytes": unlimited,
  "memory.memsw.usage_in_bytes": "0",
  "memory.memsw.max_usage_in_bytes": "0",
  "memory.memsw.failcnt": "0",
  "memory.swappiness": "60",
  "memory.use_hierarchy": "0",
})

const commonFiles = {
  cpu: {
    "cpu.shares": "1024",
    "cpu.cfs_period_us": "100000",
    "cpu.cfs_quota_us": "-1",
    "cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_time 0",
  },
  cpuacct: { "cpuacct.usage": "0" },
  cpuset: { "cpuset.cpus": "", "cpuset.mems": "" },
  freezer: { "freezer.state": "THAWED" },
}

export const profiles: { readonly modern: KernelProfile; readonly el6: KernelProfile } = {
  modern: {
    mounts: {
      "/sys/fs/cgroup/cpu,cpuacct": ["cpu", "cpuacct"],
      "/sys/fs/cgroup/memory": ["memory"],
      "/sys/fs/cgroup/freezer": ["freezer"],
      "/sys/fs/cgroup/pids": ["pids"],
    },
    filesOf: {
      ...commonFiles,
      memory: {
        ...memoryFiles("9223372036854771712"),
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0",
      },
      pids: { "pids.max": "max", "pids.current": "0" },
    },
    rules,
    unlimitedBytes: "9223372036854771712",
    roundsPagesUp: false,
    freezesNested: true,
    joinsFrozen: true,
    charge: chargeGroup,
  },
  el6: {
    mounts: {
      "/cgroup/cpuset": ["cpuset"],
      "/cgroup/cpu": ["cpu"],
      "/cgroup/cpuacct": ["cpuacct"],
      "/cgroup/memory": ["memory"],
      "/cgroup/freezer": ["freezer"],
    },
    filesOf: { ...commonFiles, memory: memoryFiles("9223372036854775807") },
    rules,
    unlimitedBytes: "9223372036854775807",
    roundsPagesUp: true,
    freezesNested: false,
    joinsFrozen: false,
    charge: chargeGroup,
  },
}

/** Files of a new group. A root has no freezer.state, no pids files, and a filled cpuset. */
export const freshFiles = (
  profile: KernelProfile,
  controllers: ReadonlyArray<string>,
  parent: Group | undefined,
): Map<string, string> => {
  const files = new Map<string, string>([
    ["tasks", ""],
    ["cgroup.procs", ""],
  ])
  for (const name of controllers) {
    if (parent === undefined && (name === "freezer" || name === "pids")) continue
    for (const [file, text] of Object.entries(profile.filesOf[name] ?? {})) files.set(file, text)
  }
  if (parent === undefined && controllers.includes("cpuset")) {
    files.set("cpuset.cpus", "0-3")
    files.set("cpuset.mems", "0")
  }
  // Inherited at creation, as is everything below a group that counts its whole tree.
  if (parent?.files.get("memory.use_hierarchy") === "1") files.set("memory.use_hierarchy", "1")
  return files
}
