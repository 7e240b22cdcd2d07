import type { CeilingInForce, HostAmounts } from "./MonitorProtocol.ts"

/** `GET /gleaner/v1/host` of an agent: what of its host is used, kept and lent right now, for people and `gleaner up`. */
export const hostViewPath = "/gleaner/v1/host"

export interface HostView {
  /** `none`: the agent was told to lend without a monitor. */
  readonly monitor: "held" | "lost" | "none"
  /** Age of the monitor's last beat; null = never heard. */
  readonly beatAgeMs: number | null
  readonly policy: string | null
  /** All that the host has; null while no monitor has told it. */
  readonly capacity: HostAmounts | null
  /** What is lent at most. */
  readonly lent: HostAmounts
  /** What is kept of the host for its primary; null = not known, everything. */
  readonly reserve: HostAmounts | null
  /** min(lent, capacity − reserve), of memory also no more than the ceiling in force: what tasks may hold now. */
  readonly lendable: HostAmounts
  readonly primary: { readonly cpuMilli: number | null; readonly memMilli: number | null }
  readonly harvest: { readonly cpuMilli: number | null; readonly memMilli: number | null }
  readonly ceiling: CeilingInForce
  readonly tasks: number
}
