import type { MasterSettings } from "../../core/master/State.ts"
import { quantitiesToText } from "../../core/resources/Quantities.ts"
import { subscribersMax } from "./EventFeed.ts"
import type { Flag } from "./operator/Facts.ts"

/** What Mesos's tools may look for among a master's flags, besides gleaner's own settings. */
export interface FlagFacts {
  readonly settings: MasterSettings
  readonly hostname: string
  readonly host: string
  readonly port: number
  readonly advertisedIp: string | null
  /** The data folder. */
  readonly workFolder: string
  readonly isAuthenticated: boolean
  readonly hasAcls: boolean
}

/** As Mesos writes times, in the largest unit of which it is a whole number up to minutes. */
const durationText = (ms: number): string =>
  ms % 60_000 === 0 && ms > 0 ? `${ms / 60_000}mins` : ms % 1_000 === 0 ? `${ms / 1_000}secs` : `${ms}ms`

/**
 * The settings in force under the names of Mesos's flags (transcript operator/idle_GET_FLAGS), where gleaner has what the name
 * means. No name stands for something else: what gleaner does not have is not told.
 */
const flagsOf = (facts: FlagFacts): { readonly [name: string]: string | null } => {
  const { settings, isAuthenticated } = facts
  const { allocator } = settings
  const isAsked = String(isAuthenticated)
  return {
    // One silence of this length is what so many missed pings are in Mesos.
    agent_ping_timeout: durationText(settings.agentTimeoutMs),
    max_agent_ping_timeouts: "1",
    agent_reregister_timeout: durationText(settings.agentTimeoutMs),
    advertise_ip: facts.advertisedIp,
    allocation_interval:
      settings.allocationIntervalMs === null ? null : durationText(settings.allocationIntervalMs),
    allocator: "hierarchical",
    authenticate_agents: isAsked,
    authenticate_http_frameworks: isAsked,
    authenticate_http_readonly: isAsked,
    authenticate_http_readwrite: isAsked,
    authorizers: facts.hasAcls ? "local" : null,
    filter_gpu_resources: String(allocator.filterGpuResources),
    framework_sorter: "drf",
    hostname: facts.hostname,
    http_authenticators: isAuthenticated ? "basic" : null,
    ip: facts.host,
    logging_level: "INFO",
    max_operator_event_stream_subscribers: String(subscribersMax),
    min_allocatable_resources:
      allocator.minAllocatable.length === 0
        ? null
        : allocator.minAllocatable.map((set) => quantitiesToText(set).replace(/; /g, ";")).join("|"),
    offer_timeout: settings.offerTimeoutMs === null ? null : durationText(settings.offerTimeoutMs),
    port: String(facts.port),
    publish_per_framework_metrics: "true",
    quiet: "false",
    registry: "journal",
    role_sorter: "drf",
    work_dir: facts.workFolder,
  }
}

/** gleaner's own settings and those of Mesos's names, sorted; of two of one name that in Mesos's form. */
export const withMesosFlags = (own: ReadonlyArray<Flag>, facts: FlagFacts): ReadonlyArray<Flag> => {
  const values = new Map(own.map(({ name, value }) => [name, value]))
  for (const [name, value] of Object.entries(flagsOf(facts))) if (value !== null) values.set(name, value)
  return [...values.keys()].sort().map((name) => ({ name, value: values.get(name)! }))
}
