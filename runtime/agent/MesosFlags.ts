import type { TextAttribute } from "../../core/master/State.ts"
import type { Flag } from "./operator/Facts.ts"

/** What Mesos's tools may look for among an agent's flags, besides gleaner's own settings. */
export interface FlagFacts {
  readonly hostname: string
  readonly host: string
  readonly port: number
  readonly advertisedIp: string | null
  /** Host and port of the master. */
  readonly master: string
  /** The data folder. */
  readonly workFolder: string
  readonly attributes: ReadonlyArray<TextAttribute>
  /** As it announces them. */
  readonly resources: string
  readonly cgroupParent: string
  readonly isConfined: boolean
  readonly isAuthenticated: boolean
  readonly hasAcls: boolean
  readonly sandboxAgeMsMax: number
}

/**
 * The settings in force under the names of Mesos's flags (transcript agent/busy_GET_FLAGS), where gleaner has what the name means.
 * No name stands for something else: what gleaner does not have is not told.
 */
const flagsOf = (facts: FlagFacts): { readonly [name: string]: string | null } => {
  const { attributes, isAuthenticated, isConfined } = facts
  const isAsked = String(isAuthenticated)
  return {
    advertise_ip: facts.advertisedIp,
    attributes:
      attributes.length === 0 ? null : attributes.map(({ name, value }) => `${name}:${value}`).join(";"),
    authenticate_http_readonly: isAsked,
    authenticate_http_readwrite: isAsked,
    authorizer: facts.hasAcls ? "local" : null,
    cgroups_enable_cfs: String(isConfined),
    cgroups_root: isConfined ? facts.cgroupParent : null,
    default_role: "*",
    gc_delay: `${facts.sandboxAgeMsMax / 604_800_000}weeks`,
    hostname: facts.hostname,
    ip: facts.host,
    isolation: isConfined ? "cgroups/cpu,cgroups/mem" : null,
    logging_level: "INFO",
    master: facts.master,
    port: String(facts.port),
    quiet: "false",
    recover: "reconnect",
    resources: facts.resources,
    switch_user: "true",
    work_dir: facts.workFolder,
  }
}

/** gleaner's own settings and those of Mesos's names, sorted; of two of one name that in Mesos's form. */
export const withMesosFlags = (own: ReadonlyArray<Flag>, facts: FlagFacts): ReadonlyArray<Flag> => {
  const values = new Map(own.map(({ name, value }) => [name, value] as const))
  for (const [name, value] of Object.entries(flagsOf(facts))) if (value !== null) values.set(name, value)
  return [...values.keys()].sort().map((name) => ({ name, value: values.get(name)! }))
}
