import { join } from "node:path"
import { Clock, Effect } from "effect"
import type { TaskSpec } from "../../../core/Task.ts"
import { remembered } from "../../access/SeenRoles.ts"
import { Cgroups, type ContainerStatistics, type MemoryStatistics } from "../../cgroups/Cgroups.ts"
import { readProgress } from "../launcher/RunFolder.ts"
import { limitsOf } from "../TaskLaunch.ts"
import { isLive } from "./Executors.ts"
import { type Seen, type ShownTask, userOf } from "./Facts.ts"

// What containers use: GET_CONTAINERS, `/containers`, `/monitor/statistics`. Everything is read from the kernel when somebody asks.

/** The file names of Mesos's ResourceStatistics; what this host does not say is left out. */
type Statistics = { readonly [name: string]: number }

const isSaid = (entry: [string, number | null]): entry is [string, number] => entry[1] !== null

const said = (values: { readonly [name: string]: number | null }): Statistics =>
  Object.fromEntries(Object.entries(values).filter(isSaid))

const seconds = (nanos: number | null): number | null => (nanos === null ? null : nanos / 1e9)

const units = (milli: number | null): number | null => (milli === null ? null : milli / 1000)

const memoryView = (memory: MemoryStatistics, spec: TaskSpec) => ({
  mem_total_bytes: memory.totalBytes,
  mem_kmem_usage_bytes: memory.kernelBytes,
  mem_kmem_tcp_usage_bytes: memory.kernelTcpBytes,
  mem_limit_bytes: memory.limitBytes,
  mem_soft_limit_bytes: limitsOf(spec).memBytes,
  // The newer names of the same.
  mem_file_bytes: memory.cacheBytes,
  mem_anon_bytes: memory.rssBytes,
  mem_cache_bytes: memory.cacheBytes,
  mem_rss_bytes: memory.rssBytes,
  mem_mapped_file_bytes: memory.mappedFileBytes,
  mem_swap_bytes: memory.swapBytes,
  mem_unevictable_bytes: memory.unevictableBytes,
})

/** Soft limits are what the task asked for, the others what holds now: a ceiling may be lower. */
const statisticsView = (of: ContainerStatistics, spec: TaskSpec, wallMs: number): Statistics =>
  said({
    timestamp: wallMs / 1000,
    ...{ processes: of.processes, threads: of.threads },
    cpus_user_time_secs: seconds(of.cpuUserNanos),
    cpus_system_time_secs: seconds(of.cpuSystemNanos),
    cpus_soft_limit: units(limitsOf(spec).cpuMilli),
    cpus_limit: units(of.cpuLimitMilli),
    cpus_nr_periods: of.nrPeriods,
    cpus_nr_throttled: of.nrThrottled,
    cpus_throttled_time_secs: seconds(of.throttledNanos),
    ...(of.memory === null ? {} : memoryView(of.memory, spec)),
  })

interface ShownContainer {
  readonly task: ShownTask
  /** Of the task's first process; undefined before there is one. */
  readonly pid: number | undefined
  /** Undefined: it has just begun or ended. */
  readonly statistics: Statistics | undefined
}

/** Of tasks whose processes may run, and whose containers the caller may see. */
const containersOf = ({ tasks, caller, facts }: Seen, isAsked: (task: ShownTask) => boolean) =>
  Effect.gen(function* () {
    const { statistics } = yield* Cgroups
    const mayView = remembered((user) => caller.isAllowed("view_containers", user))
    const live = tasks.filter((task) => isLive(task) && isAsked(task) && mayView(userOf(task.spec)))
    return yield* Effect.forEach(live, (task) =>
      Effect.gen(function* () {
        const found = yield* Effect.option(statistics(task.containerId))
        const wallMs = yield* Clock.currentTimeMillis
        const shown: ShownContainer = {
          task,
          pid: pidOf(join(facts.identity.runRoot, task.containerId)),
          statistics: found._tag === "None" ? undefined : statisticsView(found.value, task.spec, wallMs),
        }
        return shown
      }),
    )
  })

const pidOf = (runDir: string): number | undefined => {
  try {
    return readProgress(runDir).task?.pid
  } catch {
    // It has ended, and its folder with it.
    return undefined
  }
}

const statusOf = ({ task, pid }: ShownContainer) => ({
  container_id: { value: task.containerId },
  ...(pid === undefined ? {} : { executor_pid: pid }),
})

const containerToWire = (container: ShownContainer) => {
  const { task, statistics } = container
  return {
    framework_id: { value: task.spec.frameworkId },
    executor_id: { value: task.executorId },
    executor_name: task.executorName,
    container_id: { value: task.containerId },
    container_status: statusOf(container),
    ...(statistics === undefined ? {} : { resource_statistics: statistics }),
  }
}

/** Undefined leaves the member of the reply out, as Mesos does where there is none. Every container here is one at the top. */
export const getContainers = (seen: Seen) =>
  Effect.map(
    containersOf(seen, () => true),
    (found) => (found.length === 0 ? undefined : { containers: found.map(containerToWire) }),
  )

/** By the task, also of a group's: exporters tell containers of one executor apart by their source. */
const statisticsEntry = ({ task, statistics }: ShownContainer) => ({
  executor_id: task.executorId,
  executor_name: task.executorName,
  framework_id: task.spec.frameworkId,
  source: task.spec.taskId,
  ...(statistics === undefined ? {} : { statistics }),
})

/** `/containers?container_id=`. */
export const containerViews = (seen: Seen, query: URLSearchParams) => {
  const wanted = query.get("container_id")
  return Effect.map(
    containersOf(seen, ({ containerId }) => wanted === null || wanted === containerId),
    (found) =>
      found.map((container) => ({
        container_id: container.task.containerId,
        ...statisticsEntry(container),
        status: statusOf(container),
      })),
  )
}

/** `/monitor/statistics`: of those that have some. */
export const monitorStatistics = (seen: Seen) =>
  Effect.map(
    containersOf(seen, () => true),
    (found) => found.filter(({ statistics }) => statistics !== undefined).map(statisticsEntry),
  )
