import { amountOf, type Quantities } from "../../resources/Quantities.ts"
import { type HostVerdict, type Stage, stages } from "../HostVerdict.ts"
import { amountRangeText, durationRangeText, listText } from "./Wording.ts"

export interface HostAnswer {
  readonly agentId: string
  readonly hostname: string
  readonly verdict: HostVerdict
}

/** Hosts that say the same, apart from amounts and times. */
export interface HostGroup {
  readonly stage: Stage
  /** What they say: `short of mem by 1.2–3.5 GiB`. */
  readonly text: string
  readonly hosts: ReadonlyArray<HostAnswer>
}

/** How a framework is called. */
export type NameOf = (frameworkId: string) => string

/** More names than this are counted. */
const namesShown = 3

/** The largest group first. */
export const groupHosts = (
  hosts: ReadonlyArray<HostAnswer>,
  isAboutAnybody: boolean,
  nameOf: NameOf,
): ReadonlyArray<HostGroup> => {
  const byKey = new Map<string, Array<HostAnswer>>()
  for (const host of hosts) {
    const key = groupKey(host.verdict)
    const group = byKey.get(key)
    if (group === undefined) byKey.set(key, [host])
    else group.push(host)
  }
  return Array.from(byKey.values(), (group): HostGroup => {
    const verdicts = group.map(({ verdict }) => verdict)
    return { stage: verdicts[0]!.stage, text: textOf(verdicts, isAboutAnybody, nameOf), hosts: group }
  }).sort(compareGroups)
}

/** `12 hosts: short of mem by 1.2–3.5 GiB; 3: filtered for 4 s more`. */
export const groupsText = (groups: ReadonlyArray<HostGroup>): string =>
  groups
    .map(({ hosts, text }, index) => {
      const noun = index > 0 ? "" : hosts.length === 1 ? " host" : " hosts"
      return `${hosts.length}${noun}: ${text}`
    })
    .join("; ")

const compareGroups = (left: HostGroup, right: HostGroup): number =>
  right.hosts.length - left.hosts.length ||
  stages.indexOf(left.stage) - stages.indexOf(right.stage) ||
  compareTexts(left.text, right.text) ||
  compareTexts(left.hosts[0]!.agentId, right.hosts[0]!.agentId)

const compareTexts = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

const groupKey = (verdict: HostVerdict): string => {
  switch (verdict.stage) {
    case "capability":
      return JSON.stringify([verdict.stage, verdict.capability])
    case "tooSmall":
    case "short":
    case "reserve":
      return JSON.stringify([verdict.stage, Object.keys(verdict.missing)])
    case "taken":
      return JSON.stringify([verdict.stage, verdict.by])
    case "stripped":
      return JSON.stringify([verdict.stage, verdict.capabilities])
    case "reserved":
      return JSON.stringify([verdict.stage, verdict.roles, Object.keys(verdict.missing)])
    case "limit":
      return JSON.stringify([verdict.stage, verdict.names])
    case "headroom":
      return JSON.stringify([verdict.stage, verdict.roles, verdict.names])
    case "behind":
      return JSON.stringify([verdict.stage, verdict.first.frameworkId, verdict.first.role])
    default:
      return verdict.stage
  }
}

/** The verdicts of one group. */
const textOf = (verdicts: ReadonlyArray<HostVerdict>, isAboutAnybody: boolean, nameOf: NameOf): string => {
  const first = verdicts[0]!
  switch (first.stage) {
    case "inactive":
      return "away, drained or deactivated"
    case "capability":
      return first.missingAt === "agent"
        ? `agent without ${first.capability}`
        : `only for frameworks with ${first.capability}`
    case "constraints":
      return "ruled out by its offer constraints"
    case "tooSmall":
      return `too small even when empty, ${missingText(verdicts)}`
    case "ownOffer":
      return "offered to it already"
    case "taken":
      return takenText(verdicts, nameOf)
    case "short":
      return missingText(verdicts)
    case "belowMinimum":
      return "less free than the smallest offer"
    case "reserve":
      return withMissing("kept for the host's own work", verdicts)
    case "stripped":
      return `what is left is for frameworks with ${listText(first.capabilities)}`
    case "reserved":
      return withMissing(`reserved for ${rolesText(first.roles)}`, verdicts)
    case "limit":
      return `beyond the quota limit of role ${first.role} for ${listText(first.names)}`
    case "headroom":
      return `kept free for the guarantee of ${rolesText(first.roles)} of ${listText(first.names)}`
    case "filtered":
      return filteredText(verdicts)
    case "behind":
      return `would be offered, but ${nameOf(first.first.frameworkId)} in role ${first.first.role} comes first`
    case "offered":
      return isAboutAnybody ? "fits now" : "would be offered now"
  }
}

const rolesText = (roles: ReadonlyArray<string>): string =>
  `${roles.length === 1 ? "role" : "roles"} ${listText(roles, namesShown)}`

const takenText = (verdicts: ReadonlyArray<HostVerdict>, nameOf: NameOf): string => {
  const first = verdicts[0]!
  const by = first.stage === "taken" ? first.by : "unknown"
  if (by === "unknown") return "nothing free"
  if (by === "ownTasks") return "held by its own tasks"
  const holders = new Map<string, number>()
  for (const verdict of verdicts) {
    for (const holder of verdict.stage === "taken" ? verdict.holders : []) {
      holders.set(holder, (holders.get(holder) || 0) + 1)
    }
  }
  const names = Array.from(holders.keys())
    .sort((left, right) => holders.get(right)! - holders.get(left)! || compareTexts(left, right))
    .map(nameOf)
  return by === "offers"
    ? `offered to ${listText(names, namesShown)}`
    : `held by tasks of ${listText(names, namesShown)}`
}

const filteredText = (verdicts: ReadonlyArray<HostVerdict>): string => {
  let least = Number.POSITIVE_INFINITY
  let most = 0
  let hasBackoff = false
  for (const verdict of verdicts) {
    if (verdict.stage !== "filtered") continue
    least = Math.min(least, verdict.forMs)
    most = Math.max(most, verdict.forMs)
    if (verdict.backoffMs > 0) hasBackoff = true
  }
  const note = hasBackoff ? " since it declined repeatedly" : ""
  return `filtered for ${durationRangeText(least, most)} more${note}`
}

const withMissing = (text: string, verdicts: ReadonlyArray<HostVerdict>): string => {
  const missing = missingText(verdicts)
  return missing === "" ? text : `${text}, ${missing}`
}

/** `short of cpus by 1–2 and mem by 3 GiB`; empty when nothing was wanted. */
const missingText = (verdicts: ReadonlyArray<HostVerdict>): string => {
  const amounts = verdicts.map(missingOf)
  const parts = Object.keys(amounts[0]!).map((name) => {
    let least = Number.POSITIVE_INFINITY
    let most = 0
    for (const missing of amounts) {
      least = Math.min(least, amountOf(missing, name))
      most = Math.max(most, amountOf(missing, name))
    }
    return `${name} by ${amountRangeText(name, least, most)}`
  })
  return parts.length === 0 ? "" : `short of ${listText(parts)}`
}

const missingOf = (verdict: HostVerdict): Quantities =>
  verdict.stage === "tooSmall" ||
  verdict.stage === "short" ||
  verdict.stage === "reserve" ||
  verdict.stage === "reserved"
    ? verdict.missing
    : {}
