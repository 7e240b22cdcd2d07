import {
  type CgroupFacts,
  type ControllerFact,
  controllerNames,
  missingControllers,
  noCpuQuota,
  noOomKillCount,
  noSwapLimit,
  parseCgroupMounts,
  v2Only,
} from "../cgroups/CgroupFacts.ts"
import type { ActiveProbeResults, ProbeResult } from "./ActiveProbes.ts"
import type { DoctorHost } from "./DoctorHost.ts"
import {
  type Finding,
  type FindingStatus,
  findingOf,
  fromMissing,
  presence,
  type Subject,
} from "./Finding.ts"

// What can be limited, by spec/legacy-kernel.md; the words for what is missing are those of runtime/cgroups.

/** @param probes undefined when nothing was tried (`--quick`, or nothing to try). */
export const cgroupFindings = (
  host: DoctorHost,
  facts: CgroupFacts,
  parent: string,
  probes: ActiveProbeResults | undefined,
): ReadonlyArray<Finding> => [
  versionFinding(facts),
  ...controllerNames.map((name) => controllerFinding(facts.controllers.find((one) => one.name === name)!)),
  writeAccess(facts, parent),
  cpuQuota(facts),
  probed(quotaBites, facts.hasCpuQuota, probes, probes?.cpuQuota, "missing"),
  fileFinding(facts, memoryLimit, "memory.limit_in_bytes", "missing"),
  swapLimit(host, facts),
  oomEvents(facts),
  probed(freezing, facts.hasFreezer, probes, probes?.freezer, "degraded"),
  joining(host, facts),
  wholeTree(host, facts, parent),
  ...unusedControllers(host),
]

const versionFinding = (facts: CgroupFacts): Finding => {
  if (facts.version === "v1") {
    const count = facts.hierarchies.length
    const found = `${count} ${count === 1 ? "hierarchy" : "hierarchies"} in use`
    return findingOf(fromMissing("cgroup-v1", v2Only, true), "ok", found)
  }
  if (facts.version === "none") return findingOf(noCgroups, "missing", "no cgroup hierarchy in /proc/mounts")
  const mount = facts.controllers.find((one) => one.found === "v2")?.mountPoint
  return findingOf(fromMissing("cgroup-v1", v2Only, true), "missing", `only cgroup v2 at ${mount}`)
}

const noCgroups: Subject = {
  id: "cgroup-v1",
  area: "cgroups",
  feature: "cgroup v1",
  without: "nothing can be limited; tasks are refused",
  remedy:
    "mount the hierarchies (el6: service cgconfig start), or, inside a container, bind the host's into it; gleaner up --unconfined runs tasks without any limit",
  isNeeded: true,
}

const controllerFinding = (fact: ControllerFact): Finding => {
  const isNeeded = fact.name === "cpu" || fact.name === "memory"
  const subject = fromMissing(`controller-${fact.name}`, missingControllers[fact.name], isNeeded)
  if (fact.found === "v1") return findingOf(subject, "ok", fact.mountPoint!)
  const found = fact.found === "v2" ? `only in cgroup v2 at ${fact.mountPoint}` : "not mounted"
  return findingOf(subject, isNeeded ? "missing" : "degraded", found)
}

const writeAccess = (facts: CgroupFacts, parent: string): Finding => {
  const subject: Subject = {
    id: "cgroup-write",
    area: "cgroups",
    feature: "write access to cgroups",
    without: "no cgroup can be created; tasks are refused",
    remedy: `run the agent as root, or give the folder ${parent} in each hierarchy to its user`,
    isNeeded: true,
  }
  const v1 = facts.controllers.filter((one) => one.found === "v1")
  const closed = v1.filter((one) => !one.writable).map((one) => one.mountPoint)
  if (v1.length === 0) return findingOf(subject, "missing", "no v1 hierarchy to write to")
  return closed.length === 0
    ? findingOf(subject, "ok", `all ${facts.hierarchies.length} hierarchies`)
    : findingOf(subject, "missing", `not writable: ${[...new Set(closed)].join(", ")}`)
}

const placeOf = (facts: CgroupFacts, file: string): string | undefined => {
  const fact = facts.controllers.find((one) => one.files[file] === true)
  return fact === undefined ? undefined : `${fact.mountPoint}/${file}`
}

const fileFinding = (facts: CgroupFacts, subject: Subject, file: string, absent: FindingStatus): Finding =>
  presence(subject, placeOf(facts, file), absent)

const cpuQuota = (facts: CgroupFacts): Finding =>
  fileFinding(facts, fromMissing("cfs-quota", noCpuQuota, true), "cpu.cfs_quota_us", "missing")

const quotaBites: Subject = {
  id: "cfs-quota-bites",
  area: "cgroups",
  feature: "CFS quota, tried",
  without: "tasks use more cpu than they were lent, and the harvest ceiling does not hold",
  remedy: "use a kernel whose CONFIG_CFS_BANDWIDTH works; until then lend no cpu on this host",
  isNeeded: true,
}

const freezing: Subject = {
  id: "freezer-works",
  area: "cgroups",
  feature: "freezer, tried",
  without: "tasks cannot be paused, and ending one that forks quickly takes several rounds of SIGKILL",
  remedy: "see dmesg for tasks that refuse to freeze; gleaner falls back to SIGKILL alone",
}

const probed = (
  subject: Subject,
  canTry: boolean,
  probes: ActiveProbeResults | undefined,
  result: ProbeResult | undefined,
  whenFailing: FindingStatus,
): Finding => {
  if (!canTry) return findingOf(subject, whenFailing, "nothing to try: the file is not there")
  // Not tried is not known to be broken; the file's own finding stands.
  if (probes === undefined) return findingOf(subject, "ok", "not tried (--quick)")
  if (result === undefined)
    return findingOf(
      { ...subject, remedy: "run gleaner doctor as root" },
      "degraded",
      "not tried: no write access",
    )
  const status = { works: "ok", fails: whenFailing, unclear: "degraded" } as const
  return findingOf(subject, status[result.outcome], result.detail)
}

const memoryLimit: Subject = {
  id: "memory-limit",
  area: "cgroups",
  feature: "memory limit",
  without: "the memory of tasks cannot be limited; tasks are refused",
  remedy: "boot with cgroup_enable=memory and mount the memory controller",
  isNeeded: true,
}

const swapLimit = (host: DoctorHost, facts: CgroupFacts): Finding => {
  const subject = fromMissing("memory-swap-limit", noSwapLimit)
  const place = placeOf(facts, "memory.memsw.limit_in_bytes")
  const swaps = (host.readText("/proc/swaps") ?? "").trim().split("\n").length - 1
  return place === undefined && swaps <= 0
    ? findingOf(subject, "ok", "not found, but this host has no swap")
    : presence(subject, place, "degraded")
}

const oomEvents = (facts: CgroupFacts): Finding => {
  const subject = fromMissing("oom-kill-count", noOomKillCount)
  const place = placeOf(facts, "memory.oom_control")
  if (facts.hasOomKillCount) return findingOf(subject, "ok", `oom_kill in ${place}`)
  return findingOf(subject, "degraded", place === undefined ? "not found" : `${place} without a count`)
}

const joining = (host: DoctorHost, facts: CgroupFacts): Finding => {
  const subject: Subject = {
    id: "cgroup-procs-writable",
    area: "cgroups",
    feature: "writable cgroup.procs",
    without:
      "a running process moves thread by thread; tasks enter through `tasks` before they start, so no limit is lost",
    remedy: "nothing to do (el6 before 6.4)",
  }
  const files = facts.hierarchies.map((one) => `${one.mountPoint}/cgroup.procs`)
  const readOnly = files.filter((file) => ((host.mode(file) ?? 0) & 0o222) === 0)
  if (files.length === 0) return findingOf(subject, "degraded", "no v1 hierarchy")
  return readOnly.length === 0
    ? findingOf(subject, "ok", files[0]!)
    : findingOf(subject, "degraded", `read-only: ${readOnly[0]}`)
}

const wholeTree = (host: DoctorHost, facts: CgroupFacts, parent: string): Finding => {
  const subject: Subject = {
    id: "memory-use-hierarchy",
    area: "cgroups",
    feature: "memory of whole trees",
    without: "the harvest ceiling counts only processes directly in the parent, not the tasks below it",
    remedy: `end everything below the parent cgroup ${parent} and remove it: gleaner makes it anew with use_hierarchy 1`,
  }
  const place = placeOf(facts, "memory.use_hierarchy")
  if (place === undefined) return findingOf(subject, "degraded", "memory.use_hierarchy not found")
  const own = place.replace(/\/[^/]*$/, `/${parent}/memory.use_hierarchy`)
  const value = host.readText(own)?.trim()
  if (value === undefined) return findingOf(subject, "ok", `${place}; set when the parent is made`)
  return findingOf(subject, value === "1" ? "ok" : "degraded", `${own} is ${value}`)
}

/** Mounted or not, for people who plan with them: gleaner writes none of these yet. */
const unusedControllers = (host: DoctorHost): ReadonlyArray<Finding> => {
  const mounts = parseCgroupMounts(host.readText("/proc/mounts") ?? "")
  const mountOf = (name: string) =>
    mounts.find((one) => one.type === "cgroup" && one.options.includes(name))?.mountPoint
  const blkio = mountOf("blkio")
  const throttle = blkio === undefined ? undefined : `${blkio}/blkio.throttle.read_bps_device`
  return [
    presence(
      {
        id: "blkio-throttle",
        area: "cgroups",
        feature: "disk rates (blkio.throttle)",
        without: "the disk rates of tasks cannot be limited; gleaner does not limit them yet in any case",
        remedy: "mount blkio (kernels since el6.1)",
      },
      throttle !== undefined && host.exists(throttle) ? throttle : undefined,
      "degraded",
    ),
    presence(
      {
        id: "cpuset",
        area: "cgroups",
        feature: "cpuset controller",
        without: "tasks cannot be kept to certain cpus; gleaner does not pin them yet in any case",
        remedy: "mount cpuset",
      },
      mountOf("cpuset"),
      "degraded",
    ),
  ]
}
