import type { MissingFeature } from "../cgroups/CgroupFacts.ts"

/** `degraded`: gleaner goes on without it, with something weaker in its place. */
export type FindingStatus = "ok" | "degraded" | "missing"

export const areas = ["host", "cgroups", "kernel", "data folder", "daemons"] as const
export type Area = (typeof areas)[number]

/** One probed feature of a host. */
export interface Finding {
  /** Stable name for programs. */
  readonly id: string
  readonly area: Area
  readonly feature: string
  readonly status: FindingStatus
  /** Whether limits cannot be enforced without it: then its lack makes `gleaner doctor` exit with 1. */
  readonly isNeeded: boolean
  /** Where and what was found. */
  readonly found: string
  /** What happens on a host without it. */
  readonly without: string
  /** What to do about it; null where there is nothing to do. */
  readonly remedy: string | null
}

/** What is known of a feature before a host is looked at. */
export interface Subject {
  readonly id: string
  readonly area: Area
  readonly feature: string
  readonly without: string
  readonly remedy: string
  readonly isNeeded?: boolean
}

export const fromMissing = (
  id: string,
  { feature, means, remedy }: MissingFeature,
  isNeeded = false,
): Subject => ({ id, area: "cgroups", feature, without: means, remedy, isNeeded })

export const findingOf = (subject: Subject, status: FindingStatus, found: string): Finding => ({
  id: subject.id,
  area: subject.area,
  feature: subject.feature,
  status,
  isNeeded: subject.isNeeded ?? false,
  found,
  without: subject.without,
  remedy: status === "ok" ? null : subject.remedy,
})

/** For features that are only there or not. */
export const presence = (subject: Subject, found: string | undefined, absent: FindingStatus): Finding =>
  found === undefined ? findingOf(subject, absent, "not found") : findingOf(subject, "ok", found)

/** What keeps limits from being enforced. */
export const lackingForEnforcement = (findings: ReadonlyArray<Finding>): ReadonlyArray<Finding> =>
  findings.filter((finding) => finding.isNeeded && finding.status === "missing")
