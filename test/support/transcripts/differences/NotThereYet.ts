import type { Reason } from "../Verdict.ts"

// What is not there, although it could be. Each goes away as a whole.

/** Groups of tasks. */
const groups: ReadonlyArray<Reason> = [
  {
    exchanges: "scheduler/group_stream",
    at: ["FAILURE/1/*", "FAILURE/2"],
    reason: "the launch of g-c and g-d was not recorded",
  },
  {
    exchanges: "scheduler/group_stream",
    at: ["UPDATE/g-c/*", "UPDATE/g-d/*"],
    reason: "the launch of g-c and g-d was not recorded",
  },
  {
    exchanges: ["scheduler/group_stream", "operator/group_GET_EXECUTORS"],
    at: ["offers/O9/*", "body/get_executors/executors/*"],
    reason: "a group without tasks starts no executor that would hold something",
  },
]

const others: ReadonlyArray<Reason> = [
  {
    exchanges: ["operator/*", "legacy/*", "auth/state_*", "raw/operator_SUBSCRIBE", "agent/*_state"],
    at: ["*/capabilities/*", "body/capabilities"],
    reason: "claims no capability before it has it",
  },
  {
    exchanges: ["operator/GET_METRICS*", "legacy/*metrics_snapshot*"],
    at: ["body/get_metrics/metrics/*", "body/*/*"],
    reason: "not all of Mesos's metrics are told yet",
  },
]

export const notThereYet: ReadonlyArray<Reason> = [...groups, ...others]
