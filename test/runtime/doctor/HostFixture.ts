import { Effect } from "effect"
import { type Kernel, KernelRefused } from "../../../runtime/cgroups/CgroupKernel.ts"
import { type MemoryKernelOptions, makeMemoryKernel } from "../../../runtime/cgroups/MemoryKernel.ts"
import type { DoctorHost } from "../../../runtime/doctor/DoctorHost.ts"

export interface HostFixture {
  readonly release: string
  readonly nodeVersion?: string
  readonly uid?: number
  readonly cgroups: MemoryKernelOptions
  /** Control files that this kernel does not have. */
  readonly withoutFiles?: RegExp
  readonly files: Readonly<Record<string, string>>
  readonly folders?: Readonly<Record<string, ReadonlyArray<string>>>
  readonly links?: Readonly<Record<string, string>>
  readonly readOnly?: RegExp
  readonly userSwitch?: string
  readonly closed?: ReadonlyArray<string>
  /** Commands that work, by their words. */
  readonly working?: ReadonlyArray<string>
  readonly dfKiB?: number
  /** What the kernel does with a busy process: default it is held. */
  readonly quota?: "bites" | "ignored" | "starved"
  readonly freezer?: "works" | "stuck"
}

/** A host that exists only in a test: cgroups from the memory kernel, everything else from what is listed. */
export const makeHost = (fixture: HostFixture): DoctorHost & { readonly leftGroups: () => string[] } => {
  const memory = makeMemoryKernel(fixture.cgroups)
  const isHidden = (path: string) => fixture.withoutFiles?.test(path) === true
  const gone = (path: string) => Effect.fail(new KernelRefused({ operation: "read", path, errno: "ENOENT" }))
  const kernel: Kernel = {
    ...memory.kernel,
    read: (path) => {
      const own = fixture.files[path]
      if (own !== undefined) return Effect.succeed(own)
      if (fixture.freezer === "stuck" && path.endsWith("freezer.state")) return Effect.succeed("FREEZING\n")
      return isHidden(path) ? gone(path) : memory.kernel.read(path)
    },
    exists: (path) =>
      isHidden(path)
        ? Effect.succeed(false)
        : fixture.files[path] !== undefined
          ? Effect.succeed(true)
          : memory.kernel.exists(path),
  }
  const processFiles = new Map<string, string>()
  const readText = (path: string) =>
    processFiles.get(path) ??
    (path.startsWith("/cgroup") || path.startsWith("/sys/fs/cgroup") || path === "/proc/mounts"
      ? Effect.runSync(Effect.orElseSucceed(kernel.read(path), () => undefined))
      : fixture.files[path])
  return {
    release: fixture.release,
    nodeVersion: fixture.nodeVersion ?? "10.24.1",
    uid: fixture.uid ?? 0,
    ownPid: 4242,
    kernel,
    readText,
    exists: (path) => readText(path) !== undefined || fixture.folders?.[path] !== undefined || path === "/",
    names: (folder) => fixture.folders?.[folder] ?? [],
    linkTarget: (path) => fixture.links?.[path],
    mode: (path) => (fixture.readOnly?.test(path) === true ? 0o444 : 0o644),
    canWatch: () => true,
    closedFolders: () => fixture.closed ?? [],
    run: async (command, args) => {
      if (command === "df")
        return {
          exitCode: 0,
          stdout: `Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 99999999 5 ${fixture.dfKiB ?? 9_000_000} 3% /\n`,
        }
      const words = [command, ...args].join(" ")
      return { exitCode: fixture.working?.includes(words) === true ? 0 : 1, stdout: "" }
    },
    userSwitch: async () => fixture.userSwitch ?? "none",
    startProbe: (tasksFile, kind) => {
      const pid = memory.spawn({ join: [tasksFile] })
      const group = tasksFile.slice(0, -"/tasks".length)
      if (kind === "busy" && (fixture.quota ?? "bites") === "bites")
        memory.force(`${group}/cpu.stat`, "nr_periods 3\nnr_throttled 2\nthrottled_time 5")
      const ticks = fixture.quota === "ignored" ? 29 : 1
      processFiles.set(`/proc/${pid}/stat`, `${pid} (sh) R 1 1 1 0 0 0 0 0 0 0 ${ticks} 0 0 0`)
      return { pid, end: async () => memory.exit(pid) }
    },
    pause: async () => {},
    leftGroups: () => [...memory.groups()],
  }
}

const meminfo = "MemTotal: 8000000 kB\nMemFree: 5000000 kB\n"
const limits =
  "Limit Soft Limit Hard Limit Units\nMax open files            65536                65536                files\n"

const el6Common = {
  files: {
    "/etc/redhat-release": "CentOS release 6.2 (Final)\n",
    "/proc/meminfo": meminfo,
    "/proc/swaps": "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -1\n",
    "/proc/self/limits": limits,
    "/proc/self/status": "Name:\tnode\n",
    "/proc/sys/fs/inotify/max_user_instances": "128\n",
    "/proc/sys/kernel/random/entropy_avail": "180\n",
    "/proc/sys/kernel/random/read_wakeup_threshold": "64\n",
  },
  userSwitch: "/usr/sbin/chroot",
  working: ["unshare -m true"],
} as const

/** By spec/legacy-kernel.md. */
export const el6_2: HostFixture = {
  release: "2.6.32-220.el6.x86_64",
  cgroups: { profile: "el6" },
  withoutFiles: /memory\.oom_control$/,
  readOnly: /cgroup\.procs$/,
  ...el6Common,
}

export const el6_0: HostFixture = {
  ...el6_2,
  release: "2.6.32-71.el6.x86_64",
  withoutFiles: /(memory\.oom_control|cpu\.cfs_.*)$/,
}

export const el6_5: HostFixture = {
  ...el6Common,
  release: "2.6.32-431.el6.x86_64",
  cgroups: { profile: "el6" },
  files: {
    ...el6Common.files,
    "/etc/redhat-release": "CentOS release 6.5 (Final)\n",
    "/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n",
  },
  folders: { "/proc/self/ns": ["ipc", "net", "uts"] },
}

const modernFiles = {
  "/proc/meminfo": `${meminfo}MemAvailable: 6000000 kB\n`,
  "/proc/swaps": "Filename Type Size Used Priority\n",
  "/proc/self/limits": limits,
  "/proc/self/status": "Name:\tnode\nNoNewPrivs:\t0\n",
  "/proc/sys/fs/inotify/max_user_instances": "128\n",
  "/proc/sys/kernel/random/entropy_avail": "256\n",
  "/run/chrony/chronyd.pid": "812\n",
}

export const el7: HostFixture = {
  release: "3.10.0-1160.el7.x86_64",
  cgroups: { profile: "modern" },
  files: {
    ...modernFiles,
    "/etc/os-release": 'NAME="CentOS Linux"\nPRETTY_NAME="CentOS Linux 7 (Core)"\n',
    "/sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n",
  },
  folders: { "/proc/self/ns": ["ipc", "mnt", "net", "pid", "user", "uts"] },
  userSwitch: "/usr/bin/setpriv",
  working: ["unshare -m true", "unshare -m -p -f true"],
}

export const debian12: HostFixture = {
  ...el7,
  release: "6.1.0-18-amd64",
  nodeVersion: "20.19.2",
  files: {
    ...modernFiles,
    "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "/proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
  },
}

export const v2Only: HostFixture = {
  ...debian12,
  cgroups: { profile: "modern", mounts: {}, otherMounts: "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n" },
  files: { ...debian12.files, "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n" },
}

export const nonRoot: HostFixture = {
  ...debian12,
  uid: 1000,
  cgroups: { profile: "modern", isRoot: false },
  working: [],
}

export const container: HostFixture = {
  ...debian12,
  cgroups: { profile: "modern", mounts: {} },
  working: [],
}
