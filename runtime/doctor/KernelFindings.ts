import type { DoctorHost } from "./DoctorHost.ts"
import { type Finding, findingOf, presence, type Subject } from "./Finding.ts"

// Everything of a host outside cgroups and the data folder.

const host = (id: string, feature: string, without: string, remedy: string): Subject => ({
  ...{ id, area: "host", feature, without, remedy },
})
const kernel = (id: string, feature: string, without: string, remedy: string): Subject => ({
  ...{ id, area: "kernel", feature, without, remedy },
})

export const kernelFindings = async (on: DoctorHost): Promise<ReadonlyArray<Finding>> => [
  release(on),
  findingOf(
    host("distribution", "distribution", "nothing: for people only", "nothing to do"),
    "ok",
    distributionOf(on),
  ),
  root(on),
  node(on),
  memAvailable(on),
  pressure(on),
  namespaceFiles(on),
  await unshare(on),
  await userSwitch(on),
  noNewPrivs(on),
  inotify(on),
  entropy(on),
  clock(on),
  clockSync(on),
  openFiles(on),
]

/** Major, minor, patch and, on el6, the build: `2.6.32-220.el6.x86_64` → [2, 6, 32, 220]. */
export const parseRelease = (text: string): ReadonlyArray<number> =>
  (/^(\d+)\.(\d+)(?:\.(\d+))?(?:-(\d+))?/.exec(text) ?? []).slice(1).map((part) => Number(part ?? 0))

const isBefore = (text: string, ...version: ReadonlyArray<number>): boolean => {
  const found = parseRelease(text)
  const at = version.findIndex((part, index) => (found[index] ?? 0) !== part)
  return at !== -1 && (found[at] ?? 0) < version[at]!
}

const release = (on: DoctorHost): Finding =>
  findingOf(
    host(
      "kernel",
      "kernel release",
      "before 2.6.32-220 (el6.2) there is no CFS quota and no reason to believe that gleaner works",
      "update to the newest kernel of the distribution",
    ),
    isBefore(on.release, 2, 6, 32, 220) ? "degraded" : "ok",
    on.release,
  )

export const distributionOf = (on: DoctorHost): string => {
  const osRelease = on.readText("/etc/os-release") ?? ""
  const pretty = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1]
  return pretty ?? on.readText("/etc/redhat-release")?.trim() ?? "unknown"
}

const root = (on: DoctorHost): Finding =>
  findingOf(
    host(
      "root",
      "root",
      "tasks run as this user, and cgroups can be used only where they were given to it",
      "run the agent and the monitor as root",
    ),
    on.uid === 0 ? "ok" : "degraded",
    `uid ${on.uid}`,
  )

const node = (on: DoctorHost): Finding => {
  const isTested = !isBefore(on.nodeVersion, 20, 19, 0) || /^10\.24\./.test(on.nodeVersion)
  return findingOf(
    host(
      "node",
      "Node version",
      "other versions than 10.24 and those since 20.19 are not tested",
      "use the Node that ships with gleaner",
    ),
    isTested ? "ok" : isBefore(on.nodeVersion, 10, 24, 0) ? "missing" : "degraded",
    on.nodeVersion,
  )
}

const memAvailable = (on: DoctorHost): Finding => {
  const found = /^MemAvailable:\s+(\d+) kB/m.exec(on.readText("/proc/meminfo") ?? "")?.[1]
  return presence(
    kernel(
      "mem-available",
      "MemAvailable",
      "available memory is computed as MemFree + Buffers + Cached + SReclaimable - Shmem, which is a little too high",
      "nothing to do (el6 before 6.6, kernels before 3.14)",
    ),
    found === undefined ? undefined : `/proc/meminfo: ${Math.floor(Number(found) / 1024)} MiB`,
    "degraded",
  )
}

const pressure = (on: DoctorHost): Finding =>
  presence(
    kernel(
      "psi",
      "pressure stall information",
      "a shortage shows only in usage and run queues, not in waiting time",
      "boot with psi=1 where the kernel has it (4.20 and newer); else nothing to do",
    ),
    on.readText("/proc/pressure/cpu") === undefined ? undefined : "/proc/pressure",
    "degraded",
  )

const namespaceFiles = (on: DoctorHost): Finding => {
  const names = on.names("/proc/self/ns").map((name) => name.replace(/_for_children$/, ""))
  return presence(
    kernel(
      "namespace-files",
      "/proc/PID/ns",
      "namespaces cannot be compared or entered; gleaner uses none yet",
      "nothing to do (el6 before 6.5)",
    ),
    names.length === 0 ? undefined : [...new Set(names)].join(" "),
    "degraded",
  )
}

const unshare = async (on: DoctorHost): Promise<Finding> => {
  const mount = await on.run("unshare", ["-m", "true"])
  const pid = await on.run("unshare", ["-m", "-p", "-f", "true"])
  const works = [mount.exitCode === 0 ? "mount" : "", pid.exitCode === 0 ? "pid" : ""].filter(Boolean)
  return findingOf(
    kernel(
      "unshare",
      "new namespaces",
      "tasks see the host's mounts and processes; gleaner uses no namespaces yet",
      on.uid === 0 ? "nothing to do on kernels before 3.8" : "run as root",
    ),
    works.length === 2 ? "ok" : "degraded",
    works.length === 0 ? "unshare does not work" : `unshare works for ${works.join(" and ")}`,
  )
}

const userSwitch = async (on: DoctorHost): Promise<Finding> => {
  const subject = kernel(
    "user-switch",
    "becoming another user",
    "tasks cannot run as another user than the agent; those that must are refused",
    on.uid === 0
      ? "install util-linux with setpriv, or coreutils with chroot --userspec"
      : "run the agent as root",
  )
  if (on.uid !== 0) return findingOf(subject, "degraded", "not root: tasks run as this user")
  const path = await on.userSwitch()
  return path === "none"
    ? findingOf({ ...subject, isNeeded: true }, "missing", "neither setpriv nor chroot --userspec works")
    : findingOf({ ...subject, isNeeded: true }, "ok", path)
}

const noNewPrivs = (on: DoctorHost): Finding =>
  presence(
    kernel(
      "no-new-privs",
      "no_new_privs",
      "a task may gain rights through setuid programs of this host",
      "nothing to do on kernels before 3.5; keep setuid programs few",
    ),
    // The line came with 4.10, the feature with 3.5.
    /^NoNewPrivs:/m.test(on.readText("/proc/self/status") ?? "") || !isBefore(on.release, 3, 5, 0)
      ? `kernel ${on.release}`
      : undefined,
    "degraded",
  )

const inotify = (on: DoctorHost): Finding => {
  const limit = on.readText("/proc/sys/fs/inotify/max_user_instances")?.trim()
  const subject = kernel(
    "inotify",
    "inotify",
    "the end of a task that an earlier agent started is noticed by looking each second",
    "raise fs.inotify.max_user_instances with sysctl",
  )
  if (limit === undefined) return findingOf(subject, "degraded", "not found")
  return on.canWatch("/")
    ? findingOf(subject, "ok", `max_user_instances ${limit}`)
    : findingOf(subject, "degraded", `all ${limit} instances of this user are in use`)
}

const entropy = (on: DoctorHost): Finding => {
  const folder = "/proc/sys/kernel/random"
  const available = Number(on.readText(`${folder}/entropy_avail`) ?? Number.NaN)
  // When select() calls /dev/random readable, which OpenSSL 1.1.1 of Node 10 waits for on kernels before 4.8.
  const wanted = Number(on.readText(`${folder}/read_wakeup_threshold`) ?? 64)
  const isShort = isBefore(on.release, 4, 8, 0) && !(available >= wanted)
  return findingOf(
    kernel(
      "entropy",
      "entropy",
      "Node 10 hangs at its start until /dev/random can be read (kernels before 4.8)",
      "run rngd (package rng-tools) or haveged, or give a virtual machine a virtio-rng device",
    ),
    isShort ? "degraded" : "ok",
    Number.isNaN(available) ? "not known" : `${available} bits in ${folder}/entropy_avail`,
  )
}

const clock = (on: DoctorHost): Finding => {
  const path = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
  const source = on.readText(path)?.trim()
  return findingOf(
    kernel(
      "monotonic-clock",
      "monotonic clock",
      "a coarse clock makes the guard loop late by up to a tick (1-10 ms) and cpu shares noisy",
      `choose another: see available_clocksource beside ${path}`,
    ),
    source === "jiffies" ? "degraded" : "ok",
    source === undefined ? "CLOCK_MONOTONIC, source not shown" : `clock source ${source}`,
  )
}

const syncMarks: ReadonlyArray<readonly [path: string, name: string]> = [
  ["/run/systemd/timesync/synchronized", "systemd-timesyncd"],
  ["/run/chrony/chronyd.pid", "chronyd"],
  ["/run/chronyd.pid", "chronyd"],
  ["/var/run/chronyd.pid", "chronyd"],
  ["/run/ntpd.pid", "ntpd"],
  ["/var/run/ntpd.pid", "ntpd"],
]

const clockSync = (on: DoctorHost): Finding => {
  const mark = syncMarks.find(([path]) => on.exists(path))
  return presence(
    host(
      "clock-sync",
      "synchronised wall clock",
      "times of different hosts in logs and statuses do not compare; nothing is decided by wall time",
      "run ntpd, chronyd or systemd-timesyncd (a host's hypervisor may do it unseen)",
    ),
    mark === undefined ? undefined : `${mark[1]} (${mark[0]})`,
    "degraded",
  )
}

/** A master keeps two connections an agent and one a framework; an agent few files a task. */
const openFilesWanted = 4_096

const openFiles = (on: DoctorHost): Finding => {
  const limits = on.readText("/proc/self/limits") ?? ""
  const limit = /^Max open files\s+(\S+)/m.exec(limits)?.[1] ?? "unknown"
  return findingOf(
    host(
      "open-files",
      "open files",
      "many tasks, agents or frameworks at once run out of descriptors, and new ones are refused",
      "ulimit -n 65536 before the start, or limits.conf / LimitNOFILE=",
    ),
    limit === "unlimited" || Number(limit) >= openFilesWanted ? "ok" : "degraded",
    `ulimit -n is ${limit}`,
  )
}
