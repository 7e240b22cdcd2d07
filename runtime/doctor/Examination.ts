import { Effect } from "effect"
import { discover, type MissingFeature } from "../cgroups/CgroupFacts.ts"
import { runActiveProbes } from "./ActiveProbes.ts"
import { cgroupFindings } from "./CgroupFindings.ts"
import type { DoctorHost } from "./DoctorHost.ts"
import { areas, type Finding, lackingForEnforcement } from "./Finding.ts"
import { distributionOf, kernelFindings } from "./KernelFindings.ts"
import { linuxHost } from "./LinuxHost.ts"
import { placeFindings } from "./PlaceFindings.ts"

export interface ExaminationOptions {
  /** Leaves out what makes cgroups and processes: quota and freezer are believed from their files. */
  readonly quick: boolean
  readonly dataPath: string
  readonly cgroupParent: string
}

/** What a host can and cannot enforce. The shape is stable: `version` rises when a field changes its meaning. */
export interface Examination {
  readonly version: 1
  readonly host: {
    readonly kernel: string
    readonly distribution: string
    readonly node: string
    readonly uid: number
    readonly dataPath: string
    readonly cgroupParent: string
    readonly quick: boolean
  }
  readonly canEnforce: boolean
  readonly findings: ReadonlyArray<Finding>
}

/** Looks at everything; changes nothing but for the probes' own cgroups, which are gone afterwards. */
export const examine = async (
  host: DoctorHost,
  { quick, dataPath, cgroupParent }: ExaminationOptions,
): Promise<Examination> => {
  const facts = await Effect.runPromise(discover(host.kernel, cgroupParent))
  const probes = quick ? undefined : await runActiveProbes(host, facts, cgroupParent)
  const all = [
    ...(await kernelFindings(host)),
    ...cgroupFindings(host, facts, cgroupParent, probes),
    ...(await placeFindings(host, dataPath)),
  ]
  const findings = areas.flatMap((area) => all.filter((finding) => finding.area === area))
  return {
    version: 1,
    host: {
      kernel: host.release,
      distribution: distributionOf(host),
      node: host.nodeVersion,
      uid: host.uid,
      dataPath,
      cgroupParent,
      quick,
    },
    canEnforce: lackingForEnforcement(findings).length === 0,
    findings,
  }
}

/**
 * What this host lacks for limits that hold, for those who are about to start an agent; empty when all is there.
 * Tries nothing out and takes some milliseconds.
 */
export const missingForEnforcement = async (
  cgroupParent: string,
  host: DoctorHost = linuxHost,
): Promise<ReadonlyArray<MissingFeature>> => {
  const facts = await Effect.runPromise(discover(host.kernel, cgroupParent))
  const findings = [...(await kernelFindings(host)), ...cgroupFindings(host, facts, cgroupParent, undefined)]
  return lackingForEnforcement(findings).map(({ feature, without, remedy }) => ({
    feature,
    means: without,
    remedy: remedy ?? "nothing to do",
  }))
}
