import { cpus, freemem, loadavg, totalmem } from "node:os"
import { build, buildView } from "../../Build.ts"
import { masterInfo } from "../../mesos/SchedulerEvent.ts"
import type { Flag, OperatorFacts } from "./Facts.ts"

// What the master says of itself.

/** Not healthy while nothing becomes durable, as `/health`. */
export const getHealth = ({ problem }: OperatorFacts) => ({ healthy: problem === undefined })

export const getVersion = ({ identity }: OperatorFacts) => ({
  version_info: { version: identity.version, ...buildView(build) },
})

export const getFlags = ({ flags }: OperatorFacts) => ({ flags: flags ?? [] })

/** `/flags`, and within `/state`. */
export const flagsView = (flags: ReadonlyArray<Flag> | null): { readonly [name: string]: string } =>
  Object.fromEntries((flags ?? []).map(({ name, value }) => [name, value]))

export const getMetrics = ({ metrics }: OperatorFacts) => {
  const values = metrics()
  return {
    metrics: Object.keys(values)
      .sort()
      .map((name) => ({ name, value: values[name]! })),
  }
}

export const getMaster = ({ identity, startedWallMs }: OperatorFacts) => ({
  master_info: masterInfo(identity),
  start_time: startedWallMs / 1000,
  elected_time: startedWallMs / 1000,
})

/** `/system/stats.json`: the master's host (transcript legacy/busy_system_stats_json). */
export const systemStats = () => {
  const [one = 0, five = 0, fifteen = 0] = loadavg()
  return {
    avg_load_15min: fifteen,
    avg_load_1min: one,
    avg_load_5min: five,
    cpus_total: cpus().length,
    mem_free_bytes: freemem(),
    mem_total_bytes: totalmem(),
  }
}
