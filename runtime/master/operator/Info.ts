import { masterInfo } from "../../mesos/SchedulerEvent.ts"
import type { Flag, OperatorFacts } from "./Facts.ts"

// What the master says of itself.

/** Not healthy while nothing becomes durable, as `/health`. */
export const getHealth = ({ problem }: OperatorFacts) => ({ healthy: problem === undefined })

export const getVersion = ({ identity }: OperatorFacts) => ({ version_info: { version: identity.version } })

export const getFlags = ({ flags }: OperatorFacts) => ({ flags: flags ?? [] })

/** `/flags`, and within `/state`. */
export const flagsView = (flags: ReadonlyArray<Flag> | null): { readonly [name: string]: string } =>
  Object.fromEntries((flags ?? []).map(({ name, value }) => [name, value]))

/** glog's: messages from this severity on are written, and 0 is all of them. */
export const getLoggingLevel = () => ({ level: 0 })

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
