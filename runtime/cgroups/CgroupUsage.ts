import { Effect } from "effect"
import type { Kernel, KernelRefused } from "./CgroupKernel.ts"
import type { CgroupLayout } from "./CgroupLayout.ts"
import type { ContainerUsage, OomEvidence } from "./Cgroups.ts"
import type { ControlFiles } from "./ControlFiles.ts"

/** Counters of one container; 0 where the host has no such controller. */
export const readUsage = (
  kernel: Kernel,
  files: ControlFiles,
  layout: CgroupLayout,
  containerId: string,
): Effect.Effect<ContainerUsage, KernelRefused> =>
  Effect.gen(function* () {
    const { cpuacct, memory } = layout.parentOf
    const procs = yield* kernel.read(`${layout.groupsOf(containerId).all[0]}/cgroup.procs`)
    const stat =
      layout.quotaParent === undefined
        ? new Map<string, number>()
        : yield* files.table(`${layout.quotaParent}/${containerId}/cpu.stat`)
    const memNumber = (file: string) =>
      memory === undefined ? Effect.succeed(0) : files.numberOr(`${memory}/${containerId}/memory.${file}`, 0)
    return {
      cpuNanos: cpuacct === undefined ? 0 : yield* files.number(`${cpuacct}/${containerId}/cpuacct.usage`),
      memBytes: yield* memNumber("usage_in_bytes"),
      memMaxBytes: yield* memNumber("max_usage_in_bytes"),
      nrPeriods: stat.get("nr_periods") ?? 0,
      nrThrottled: stat.get("nr_throttled") ?? 0,
      oom:
        memory === undefined
          ? { by: "none", count: 0 }
          : yield* readOomEvidence(files, `${memory}/${containerId}`, memNumber),
      pids: procs.split("\n").filter((line) => line !== "").length,
    }
  })

const readOomEvidence = (
  files: ControlFiles,
  group: string,
  memNumber: (file: string) => Effect.Effect<number, KernelRefused>,
): Effect.Effect<OomEvidence, KernelRefused> =>
  Effect.gen(function* () {
    const kills = (yield* files.table(`${group}/memory.oom_control`)).get("oom_kill")
    if (kills !== undefined) return { by: "kill", count: kills }
    // With equal limits the memsw counter is charged first, and the plain one may stay 0 (spec/stack.md §5).
    const hits = Math.max(yield* memNumber("failcnt"), yield* memNumber("memsw.failcnt"))
    return { by: "failcnt", count: hits }
  })
