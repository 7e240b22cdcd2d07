import type { NumberByName } from "../NumberByName.ts"
import type { Quantities } from "../resources/Quantities.ts"

/** Guarantee and limit of a top-level role (spec/mesos.md §1.10). */
export interface Quota {
  readonly guarantees: Quantities
  /** In milli-units; a name that is absent has no limit, 0 is a limit too. */
  readonly limits: NumberByName
}

/**
 * How the allocator decides. The defaults are what serves users best; `mesosAllocatorSettings` is what Apache Mesos does
 * (design §4, profiles).
 */
export interface AllocatorSettings {
  /** An offer must contain at least one of these sets; empty = anything (Mesos's `min_allocatable_resources`). A
   * framework may say otherwise for a role of its own. */
  readonly minAllocatable: ReadonlyArray<Quantities>
  /** Weight by role path, at every level of the tree; 1 where absent. */
  readonly weights: NumberByName
  /** By role path, whole numbers; 0 where absent. Among siblings a higher priority is served first whatever the shares,
   * and its tasks are no preemption candidates for a lower one. Mesos knows none. */
  readonly priorities: NumberByName
  /** By top-level role. */
  readonly quotas: { readonly [role: string]: Quota }
  /** Names that no dominant share counts (Mesos's `fair_sharing_excluded_resource_names`). */
  readonly excludedNames: ReadonlyArray<string>
  /** Hide agents with gpus from frameworks without GPU_RESOURCES (Mesos's `filter_gpu_resources`). */
  readonly filterGpuResources: boolean
  /** The master's region: agents of another one are for REGION_AWARE frameworks. Null = no regions. */
  readonly region: string | null
  /** Filter put on refused resources when the framework names none, or a negative time (spec/mesos.md §1.5: 5 s). */
  readonly refuseMsDefault: number
  /** Refused resources stay away from who refused them for at least this long. In Mesos the allocation interval, and
   * none when the framework asks for 0. */
  readonly refuseMsMin: number
  /** Whether a refusal for 0 s installs no filter at all (Mesos) or one of `refuseMsMin`. */
  readonly canRefuseForZero: boolean
  /** The longest filter (Mesos: 365 days). */
  readonly refuseMsMax: number
  /** A framework that goes on declining has its filters doubled each round up to this; what it asks for itself is never
   * cut. Null = never (Mesos). */
  readonly backoffMsMax: number | null
  /** While more (framework, role) pairs want offers than there are hosts, a host is offered in parts, none smaller than this.
   * Null = whole hosts (Mesos). */
  readonly partMin: Quantities | null
}

/** What Apache Mesos does (spec/mesos.md §1.1, §1.5), HEAD. */
export const mesosAllocatorSettings: AllocatorSettings = {
  minAllocatable: [{ cpus: 10 }, { mem: 32_000 }],
  weights: {},
  priorities: {},
  quotas: {},
  excludedNames: [],
  filterGpuResources: true,
  region: null,
  refuseMsDefault: 5_000,
  refuseMsMin: 1_000,
  canRefuseForZero: true,
  refuseMsMax: 365 * 24 * 3_600_000,
  backoffMsMax: null,
  partMin: null,
}

/**
 * The defaults. A refusal for 0 s still lasts `refuseMsMin`, because freed resources are offered again at once and one client could
 * spin the master. Back-off ends at 30 s: idle frameworks are asked twice a minute, and one that has new work but does not revive waits no
 * longer than that. Parts are large enough for most tasks, so small hosts stay whole.
 */
export const defaultAllocatorSettings: AllocatorSettings = {
  ...mesosAllocatorSettings,
  canRefuseForZero: false,
  backoffMsMax: 30_000,
  partMin: { cpus: 4_000, mem: 8_192_000 },
}
