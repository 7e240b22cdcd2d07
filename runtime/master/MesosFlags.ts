import { constraintRegexBounds } from "../../core/allocation/Constraints.ts"
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

const units: ReadonlyArray<readonly [name: string, ms: number]> = [
  ["weeks", 7 * 24 * 3_600_000],
  ["days", 24 * 3_600_000],
  ["hrs", 3_600_000],
  ["mins", 60_000],
  ["secs", 1_000],
]

/** As Mesos writes times, in the largest unit of which it is a whole number. */
const durationText = (ms: number): string => {
  const [name, unitMs] = units.find(([, unit]) => ms > 0 && ms % unit === 0) ?? ["ms", 1]
  return ms === 0 ? "0secs" : `${ms / unitMs}${name}`
}

/** The silence after which an agent is given up, as so many pings of a time: Mesos's five where that comes to whole seconds. */
const pingsOf = (silenceMs: number): { readonly eachMs: number; readonly count: number } => {
  const count = [5, 4, 3, 2].find((each) => silenceMs % (each * 1_000) === 0) ?? 1
  return { eachMs: silenceMs / count, count }
}

/**
 * The settings in force under the names of Mesos's flags (transcript operator/idle_GET_FLAGS), where gleaner has what the name
 * means. No name stands for something else: what gleaner does not have is not told.
 */
const flagsOf = (facts: FlagFacts): { readonly [name: string]: string | null } => {
  const { settings, isAuthenticated } = facts
  const { allocator } = settings
  const isAsked = String(isAuthenticated)
  const pings = pingsOf(settings.agentTimeoutMs)
  return {
    agent_ping_timeout: durationText(pings.eachMs),
    max_agent_ping_timeouts: String(pings.count),
    agent_reregister_timeout: durationText(settings.agentTimeoutMs),
    advertise_ip: facts.advertisedIp,
    allocation_interval:
      settings.allocationIntervalMs === null ? null : durationText(settings.allocationIntervalMs),
    allocator: "hierarchical",
    authenticate_agents: isAsked,
    authenticate_frameworks: isAsked,
    authenticate_http_frameworks: isAsked,
    authenticate_http_readonly: isAsked,
    authenticate_http_readwrite: isAsked,
    authorizers: facts.hasAcls ? "local" : null,
    filter_gpu_resources: String(allocator.filterGpuResources),
    framework_sorter: "drf",
    // It serves, so none of these two was given.
    help: "false",
    version: "false",
    hostname: facts.hostname,
    http_authenticators: isAuthenticated ? "basic" : null,
    ip: facts.host,
    // A journal that is not there is made.
    log_auto_initialize: "true",
    // Each line of the log is written at once.
    logbufsecs: "0",
    logging_level: "INFO",
    max_completed_frameworks: String(settings.completedFrameworksMax),
    max_completed_tasks_per_framework: String(settings.completedTasksPerFrameworkMax),
    max_unreachable_tasks_per_framework: String(settings.unreachableTasksPerFrameworkMax),
    memory_profiling: "false",
    offer_constraints_re2_max_mem: `${constraintRegexBounds.patternBytes / 1024}KB`,
    offer_constraints_re2_max_program_size: String(constraintRegexBounds.programSize),
    max_operator_event_stream_subscribers: String(subscribersMax),
    min_allocatable_resources:
      allocator.minAllocatable.length === 0
        ? null
        : allocator.minAllocatable.map((set) => quantitiesToText(set).replace(/; /g, ";")).join("|"),
    offer_timeout: settings.offerTimeoutMs === null ? null : durationText(settings.offerTimeoutMs),
    port: String(facts.port),
    publish_per_framework_metrics: "true",
    quiet: "false",
    // However many agents do not come back after a restart, the master goes on.
    recovery_agent_removal_limit: "100%",
    registry: "journal",
    registry_max_agent_age: durationText(settings.agentForgetMs),
    registry_max_agent_count: String(settings.awayAgentsMax),
    require_agent_domain: "false",
    role_sorter: "drf",
    // Frameworks of the user root are taken; as whom their tasks run is for the agents to say.
    root_submissions: "true",
    work_dir: facts.workFolder,
  }
}

/** gleaner's own settings and those of Mesos's names, sorted; of two of one name that in Mesos's form. */
export const withMesosFlags = (own: ReadonlyArray<Flag>, facts: FlagFacts): ReadonlyArray<Flag> => {
  const values = new Map(own.map(({ name, value }) => [name, value]))
  for (const [name, value] of Object.entries(flagsOf(facts))) if (value !== null) values.set(name, value)
  return [...values.keys()].sort().map((name) => ({ name, value: values.get(name)! }))
}
