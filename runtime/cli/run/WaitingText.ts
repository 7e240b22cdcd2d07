import { memToText } from "../../config/Memory.ts"
import type { ClusterState, HostView, Scalars } from "../ClusterState.ts"
import type { RunRequest } from "./RunRequest.ts"

const amountText = ({ cpus, mem }: Scalars): string =>
  `cpus ${Math.round(cpus * 100) / 100}, mem ${memToText(mem)}`

const keptOf = ({ reserved_resources }: HostView): Scalars =>
  reserved_resources?.primary ?? { cpus: 0, mem: 0 }

/** What neither tasks hold nor the host's own work has; offers to others are not taken off, since they end. */
const freeOf = (host: HostView): Scalars => {
  const kept = keptOf(host)
  return {
    cpus: Math.max(0, host.resources.cpus - host.used_resources.cpus - kept.cpus),
    mem: Math.max(0, host.resources.mem - host.used_resources.mem - kept.mem),
  }
}

const holds = (amount: Scalars, { cpus, memMiB }: Pick<RunRequest, "cpus" | "memMiB">): boolean =>
  amount.cpus >= cpus && amount.mem >= memMiB

/** Why no offer has fitted yet, as far as the master's state tells. */
export const waitingReason = (
  request: Pick<RunRequest, "cpus" | "memMiB">,
  { slaves }: Pick<ClusterState, "slaves">,
): string => {
  const connected = slaves.filter(({ condition }) => condition === "connected")
  const hosts = connected.filter(({ deactivated }) => !deactivated)
  const [only] = hosts
  if (only === undefined)
    return connected.length === 0 ? "no host is connected" : "an operator has deactivated every host"
  if (!hosts.some(({ resources }) => holds(resources, request))) {
    return "no host lends that much, even when it is idle: ask for less"
  }
  if (hosts.some((host) => holds(freeOf(host), request)))
    return "there is room, but others are being offered it"
  if (hosts.length > 1) {
    const most = hosts.map(freeOf).reduce((best, free) => (free.cpus > best.cpus ? free : best))
    return `none of ${hosts.length} hosts has it free, at most ${amountText(most)}`
  }
  const kept = keptOf(only)
  return (
    `of ${amountText(only.resources)}, ${only.hostname} keeps ${amountText(kept)} for its own work, ` +
    `and tasks hold ${amountText(only.used_resources)}`
  )
}
