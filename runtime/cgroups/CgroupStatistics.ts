import { Effect } from "effect"
import { nanosPerTick } from "../host/CpuTimes.ts"
import type { Kernel, KernelRefused } from "./CgroupKernel.ts"
import type { CgroupLayout } from "./CgroupLayout.ts"
import type { ContainerStatistics, MemoryStatistics } from "./Cgroups.ts"
import type { ControlFiles } from "./ControlFiles.ts"
import { quotaMicrosToCpuMilli } from "./Limits.ts"

/** What people and exporters ask about one container; read when they ask, since it is a dozen files. */
export const readStatistics = (
  kernel: Kernel,
  files: ControlFiles,
  layout: CgroupLayout,
  containerId: string,
): Effect.Effect<ContainerStatistics, KernelRefused> =>
  Effect.gen(function* () {
    const { cpuacct, memory } = layout.parentOf
    const group = layout.groupsOf(containerId).all[0]
    const linesOf = (file: string) =>
      Effect.map(kernel.read(`${group}/${file}`), (text) => text.split("\n").filter(Boolean).length)
    const times = yield* tableIn(files, cpuacct, `${containerId}/cpuacct.stat`)
    const stat = yield* tableIn(files, layout.quotaParent, `${containerId}/cpu.stat`)
    const ticks = (name: string) => {
      const count = times.get(name)
      return count === undefined ? null : count * nanosPerTick
    }
    return {
      cpuUserNanos: ticks("user"),
      cpuSystemNanos: ticks("system"),
      cpuLimitMilli: yield* cpuLimitIn(files, layout.quotaParent, containerId),
      nrPeriods: stat.get("nr_periods") ?? null,
      nrThrottled: stat.get("nr_throttled") ?? null,
      throttledNanos: stat.get("throttled_time") ?? null,
      processes: yield* linesOf("cgroup.procs"),
      threads: yield* linesOf("tasks"),
      memory: memory === undefined ? null : yield* memoryIn(files, `${memory}/${containerId}`),
    }
  })

const tableIn = (files: ControlFiles, folder: string | undefined, file: string) =>
  folder === undefined
    ? Effect.succeed<ReadonlyMap<string, number>>(new Map())
    : files.table(`${folder}/${file}`)

/** The quota in force, which a ceiling may have lowered. */
const cpuLimitIn = (files: ControlFiles, folder: string | undefined, containerId: string) =>
  folder === undefined
    ? Effect.succeed(null)
    : Effect.map(files.number(`${folder}/${containerId}/cpu.cfs_quota_us`), (micros) =>
        micros < 0 ? null : quotaMicrosToCpuMilli(micros),
      )

const memoryIn = (files: ControlFiles, group: string): Effect.Effect<MemoryStatistics, KernelRefused> =>
  Effect.gen(function* () {
    const stat = yield* files.table(`${group}/memory.stat`)
    const numberOf = (file: string) =>
      Effect.map(files.numberOr(`${group}/memory.${file}`, -1), (value) => (value < 0 ? null : value))
    // With what groups below it use, which tasks may have made.
    const statOf = (name: string) => stat.get(`total_${name}`) ?? null
    const limit = yield* files.memLimit(group)
    return {
      totalBytes: yield* numberOf("usage_in_bytes"),
      limitBytes: limit === "unlimited" ? null : limit,
      cacheBytes: statOf("cache"),
      rssBytes: statOf("rss"),
      mappedFileBytes: statOf("mapped_file"),
      swapBytes: statOf("swap"),
      unevictableBytes: statOf("unevictable"),
      kernelBytes: yield* numberOf("kmem.usage_in_bytes"),
      kernelTcpBytes: yield* numberOf("kmem.tcp.usage_in_bytes"),
    }
  })
