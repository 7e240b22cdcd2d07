import { Effect } from "effect"
import type { Kernel } from "./CgroupKernel.ts"
import { findV1Mount, parseCgroupMounts } from "./CgroupMounts.ts"

export { parseCgroupMounts } from "./CgroupMounts.ts"

/** Controllers that gleaner uses, in the order in which a process joins them: frozen first, so that a half-joined process can be stopped. */
export const controllerNames = ["freezer", "memory", "cpu", "cpuacct", "pids"] as const
export type ControllerName = (typeof controllerNames)[number]

/** One v1 hierarchy; co-mounted controllers share it. */
export interface Hierarchy {
  readonly mountPoint: string
  readonly controllers: ReadonlyArray<ControllerName>
}

export interface ControllerFact {
  readonly name: ControllerName
  readonly found: "v1" | "v2" | "missing"
  /** Absent when the controller is missing. */
  readonly mountPoint?: string
  readonly writable: boolean
  /** Control files looked for in the hierarchy's root, and whether they are there. */
  readonly files: Readonly<Record<string, boolean>>
}

export interface MissingFeature {
  readonly feature: string
  readonly means: string
  readonly remedy: string
}

/** What this kernel and its administrator offer, for `gleaner doctor` and for the agent's own choices. */
export interface CgroupFacts {
  readonly version: "v1" | "v2" | "none"
  readonly controllers: ReadonlyArray<ControllerFact>
  readonly hierarchies: ReadonlyArray<Hierarchy>
  readonly hasCpuQuota: boolean
  readonly hasSwapLimit: boolean
  readonly hasOomKillCount: boolean
  readonly hasFreezer: boolean
  readonly hasPidsLimit: boolean
  readonly missing: ReadonlyArray<MissingFeature>
}

/** Files that lie in a hierarchy's root as well; freezer.state and pids.max exist only below it. */
const probedFiles: Readonly<Record<ControllerName, ReadonlyArray<string>>> = {
  freezer: ["tasks", "cgroup.procs"],
  memory: [
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.oom_control",
    "memory.use_hierarchy",
  ],
  cpu: ["cpu.shares", "cpu.cfs_quota_us"],
  cpuacct: ["cpuacct.usage"],
  pids: ["tasks"],
}

/**
 * Looks where each hierarchy is mounted and which files exist; nothing is assumed and nothing is changed. A hierarchy
 * counts as writable when its root is, or when the parent group in it was given to the agent's user.
 */
export const discover = (kernel: Kernel, parent = "gleaner"): Effect.Effect<CgroupFacts> =>
  Effect.gen(function* () {
    const mounts = parseCgroupMounts(yield* Effect.orElseSucceed(kernel.read("/proc/mounts"), () => ""))
    const v2 = mounts.find((mount) => mount.type === "cgroup2")
    const v2Controllers =
      v2 === undefined
        ? []
        : (yield* Effect.orElseSucceed(kernel.read(`${v2.mountPoint}/cgroup.controllers`), () => "")).split(
            /\s+/,
          )

    const controllers: Array<ControllerFact> = []
    for (const name of controllerNames) {
      const mount = findV1Mount(mounts, name)
      if (mount === undefined) {
        const isV2 = v2 !== undefined && v2Controllers.includes(name === "cpuacct" ? "cpu" : name)
        const place = isV2 ? { mountPoint: v2.mountPoint } : {}
        controllers.push({ name, found: isV2 ? "v2" : "missing", ...place, writable: false, files: {} })
        continue
      }
      const files: Record<string, boolean> = {}
      for (const file of probedFiles[name]) files[file] = yield* kernel.exists(`${mount.mountPoint}/${file}`)
      const writable =
        (yield* kernel.canWrite(mount.mountPoint)) ||
        (yield* kernel.canWrite(`${mount.mountPoint}/${parent}`))
      controllers.push({ name, found: "v1", mountPoint: mount.mountPoint, writable, files })
    }
    const oomControl = controllers.find((one) => one.files["memory.oom_control"] === true)
    const oomText =
      oomControl === undefined
        ? ""
        : yield* Effect.orElseSucceed(kernel.read(`${oomControl.mountPoint}/memory.oom_control`), () => "")
    return summarise(controllers, /^oom_kill \d/m.test(oomText))
  })

const summarise = (controllers: ReadonlyArray<ControllerFact>, hasOomKillCount: boolean): CgroupFacts => {
  const v1 = controllers.filter((one) => one.found === "v1")
  const has = (file: string) => v1.some((one) => one.files[file] === true)
  const isMounted = (name: ControllerName) => v1.some((one) => one.name === name)
  const found = {
    hasCpuQuota: has("cpu.cfs_quota_us"),
    hasSwapLimit: has("memory.memsw.limit_in_bytes"),
    hasOomKillCount,
    hasFreezer: isMounted("freezer"),
    hasPidsLimit: isMounted("pids"),
  }
  const version =
    v1.length > 0 ? "v1" : controllers.some((one) => one.found === "v2") ? "v2" : ("none" as const)
  return {
    version,
    controllers,
    hierarchies: hierarchiesOf(v1),
    ...found,
    missing: [
      ...(version === "v2" ? [v2Only] : []),
      ...controllers
        .filter((one) => one.found !== "v1" && version !== "v2")
        .map((one) => missingControllers[one.name]),
      ...v1.filter((one) => !one.writable).map(notWritable),
      ...(isMounted("cpu") && !found.hasCpuQuota ? [noCpuQuota] : []),
      ...(isMounted("memory") && !found.hasSwapLimit ? [noSwapLimit] : []),
      ...(isMounted("memory") && !found.hasOomKillCount ? [noOomKillCount] : []),
    ],
  }
}

const hierarchiesOf = (v1: ReadonlyArray<ControllerFact>): ReadonlyArray<Hierarchy> =>
  [...new Set(v1.map((one) => one.mountPoint!))].map((mountPoint) => ({
    mountPoint,
    controllers: v1.filter((one) => one.mountPoint === mountPoint).map((one) => one.name),
  }))

// What a missing part means for the operator: spec/legacy-kernel.md and spec/mesos.md §3.13.

const mountIt = (name: string) =>
  `mount it: mkdir -p /cgroup/${name} && mount -t cgroup -o ${name} none /cgroup/${name} (el6: service cgconfig start)`

export const missingControllers: Readonly<Record<ControllerName, MissingFeature>> = {
  cpu: {
    feature: "cpu controller",
    means: "the CPU use of tasks cannot be limited; tasks are refused",
    remedy: mountIt("cpu"),
  },
  cpuacct: {
    feature: "cpuacct controller",
    means: "the CPU time of tasks is not known, usage shows 0",
    remedy: mountIt("cpuacct"),
  },
  memory: {
    feature: "memory controller",
    means: "the memory of tasks cannot be limited; tasks are refused",
    remedy: `${mountIt("memory")}; Debian kernels want cgroup_enable=memory at boot`,
  },
  freezer: {
    feature: "freezer controller",
    means: "tasks cannot be paused, and ending one that forks quickly takes several rounds of SIGKILL",
    remedy: mountIt("freezer"),
  },
  pids: {
    feature: "pids controller",
    means: "the number of processes of a task is not limited (kernels before 4.3 never have it)",
    remedy: "nothing to do on an old kernel; else mount it like the others",
  },
}

export const v2Only: MissingFeature = {
  feature: "cgroup v1",
  means: "this host has only cgroup v2, which gleaner does not use yet; tasks are refused",
  remedy:
    "boot with systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller, or choose another host",
}

export const noCpuQuota: MissingFeature = {
  feature: "CFS quota",
  means: "only the weight cpu.shares limits tasks: no ceiling holds while the host is idle (el6 before 6.2)",
  remedy: "boot a kernel with CONFIG_CFS_BANDWIDTH, or accept weights alone with --cpu-quota=if-present",
}

export const noSwapLimit: MissingFeature = {
  feature: "limit of memory plus swap",
  means: "a task above its memory limit may swap instead of ending",
  remedy: "boot with swapaccount=1, or turn swap off",
}

export const noOomKillCount: MissingFeature = {
  feature: "count of OOM kills",
  means: "an OOM kill is concluded from failcnt and exit code 137, which is weaker evidence",
  remedy: "nothing to do; kernels before 4.13 do not have it",
}

const notWritable = (fact: ControllerFact): MissingFeature => ({
  feature: `write access to the ${fact.name} hierarchy`,
  means: `no cgroup can be created below ${fact.mountPoint}; tasks are refused`,
  remedy: `run the agent as root, or give ${fact.mountPoint}/gleaner to its user`,
})
