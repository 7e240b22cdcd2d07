import type { Reason } from "../Verdict.ts"

/** Calls of the recorded clients that were not recorded themselves. */
export const unrecorded: ReadonlyArray<Reason> = [
  {
    exchanges: "scheduler/failover_*",
    at: ["UPDATE/fo-1/*", "offers/resources/*"],
    reason: "the launch of task fo-1 was not recorded",
  },
  {
    exchanges: "legacy/failover_frameworks",
    at: [
      "body/frameworks/fo/used_resources/*",
      "body/frameworks/fo/resources/*",
      "body/frameworks/fo/tasks/t fo-1",
    ],
    reason: "the launch of task fo-1 was not recorded",
  },
  {
    exchanges: "scheduler/failover_stream2",
    at: ["ERROR/*", "closed"],
    reason: "its framework subscribed a third time under its id, in a call that was not recorded",
  },
  {
    exchanges: "scheduler/pa_stream",
    at: ["UPDATE/t-a1/*", "UPDATE/t-gone/*", "UPDATE/t-dropped/*"],
    reason: "the launches of t-a1, which used the offer of t-dropped, and of t-gone were not recorded",
  },
  {
    exchanges: ["auth/GET_WEIGHTS_bob", "auth/GET_ROLES_bob"],
    at: ["body/get_weights", "body/get_roles/roles"],
    reason: "who had set the weight of role web was not recorded",
  },
  {
    exchanges: "scheduler/misc_maintenance_stream",
    at: "UPDATE/mnt-1/*",
    reason: "the launch of task mnt-1 was not recorded",
  },
  {
    exchanges: "scheduler/*",
    at: "closed",
    ours: "false",
    reason: "ended by a TEARDOWN that was not recorded, or that is the operator's",
  },
  {
    exchanges: [
      "legacy/busy_*",
      "legacy/unreachable_state",
      "operator/running_GET_STATE",
      "operator/two_GET_ROLES",
    ],
    at: [
      "body/frameworks/*offer*",
      "body/frameworks/*/resources/*",
      "body/frameworks/*/used_resources/*",
      "body/slaves/*/offered_resources*/*",
      "body/get_state/get_agents/agents/*/offered_resources",
      "body/roles/*/offered/*",
      "body/roles/*/resources/*",
      "body/get_roles/*",
    ],
    reason: "the recorded framework refused these offers, in calls that were not recorded",
  },
]
