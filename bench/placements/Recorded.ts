/**
 * What kube-scheduler's own CI demands of it: the `threshold` of its performance tests, pods per second, and the sizes of those
 * tests (kubernetes 008b3652, test/integration/scheduler_perf, performance-config.yaml in misc, affinity and topology_spreading, the
 * 5,000-node cases). Numbers only; the workloads here are our own.
 */
export const peerName = "kube-scheduler (scheduler_perf threshold, 008b3652)"

export const workloadNames = [
  "basic-10000",
  "basic-50000",
  "node-affinity",
  "pod-anti-affinity",
  "pod-matching-anti-affinity",
  "pod-affinity",
  "topology-spreading",
  "unschedulable",
] as const
export type WorkloadName = (typeof workloadNames)[number]

/** How large a workload is. */
export interface Size {
  readonly hosts: number
  /** Tasks that are there before. */
  readonly before: number
  /** Tasks that are placed while time is taken. */
  readonly measured: number
}

export interface RecordedWorkload {
  readonly size: Size
  readonly podsPerSecond: number
}

const recorded = (before: number, measured: number, podsPerSecond: number): RecordedWorkload => ({
  size: { hosts: 5_000, before, measured },
  podsPerSecond,
})

export const recordedWorkloads: Readonly<Record<WorkloadName, RecordedWorkload>> = {
  "basic-10000": recorded(1_000, 10_000, 680),
  "basic-50000": recorded(5_000, 50_000, 810),
  "node-affinity": recorded(5_000, 10_000, 220),
  "pod-anti-affinity": recorded(1_000, 2_000, 60),
  "pod-matching-anti-affinity": recorded(1_000, 5_000, 595),
  "pod-affinity": recorded(5_000, 5_000, 35),
  "topology-spreading": recorded(5_000, 5_000, 460),
  unschedulable: recorded(100, 10_000, 590),
}
