import type { Reason } from "./Verdict.ts"

// Where gleaner answers something else than Apache Mesos did, and why. Each line must be needed: the test names those that
// are not. `at` is the place in a reply or an event, `ours` what gleaner says there; `*` stands for anything.

/** What is not there yet. Goes away line by line as it comes. */
const missing: ReadonlyArray<Reason> = [
  {
    exchanges: ["operator/*", "auth/*", "crashes/*"],
    at: "status",
    ours: "404 *",
    reason: "the operator API, POST /api/v1, is not served yet",
  },
  {
    exchanges: ["operator/SUBSCRIBE_stream", "operator/SUBSCRIBE_stream_agents"],
    at: "status",
    ours: "404 *",
    reason: "the operator event stream is not served yet",
  },
  {
    exchanges: [
      "raw/chunked_request",
      "raw/connection_close",
      "raw/http10_no_host",
      "raw/http11_no_host",
      "raw/operator_SUBSCRIBE",
      "raw/pipelined_two_calls",
    ],
    at: "replies/*",
    reason: "asks POST /api/v1, which is not served yet",
  },
  { exchanges: "legacy/*", at: "status", ours: "404 *", reason: "this legacy endpoint is not served yet" },
  {
    exchanges: ["operator/LIST_FILES", "operator/LIST_FILES_bad", "operator/MARK_AGENT_GONE_unknown"],
    at: "body",
    ours: '"404 Not Found."',
    reason: "404 for another cause: the operator API is not served yet",
  },
  {
    exchanges: ["legacy/busy_files_browse_path_master_log", "legacy/idle_files_browse_path_master_log"],
    at: "body",
    reason: "404 for another cause: the master serves no files, so no route is there that could miss one",
  },
  {
    exchanges: "legacy/busy_state_jsonp_cb",
    reason: "no JSONP: a script of any site could read the cluster's state through a browser",
  },
  {
    exchanges: ["scheduler/*", "crashes/*"],
    at: "status",
    ours: "501 *the operation *RESERVE yet*",
    reason: "frameworks cannot reserve yet; refused by name, with the whole ACCEPT",
  },
  {
    exchanges: ["scheduler/main_47_ACCEPT_LAUNCH_GROUP_bad", "scheduler/group_ACCEPT_*"],
    at: "status",
    ours: "501 *the operation LAUNCH_GROUP yet*",
    reason: "groups of tasks are not taken yet; refused by name, with the whole ACCEPT",
  },
  {
    exchanges: "scheduler/main_44_ACCEPT_unknown_op_type",
    at: "status",
    reason: "an operation of unknown type is refused by name instead of dropped silently",
  },
  {
    exchanges: ["scheduler/main_10_*", "scheduler/main_28_*", "scheduler/main_29_*"],
    at: "status",
    ours: "501 *OPERATION*",
    reason: "no operations, hence no acknowledging and reconciling of them yet",
  },
  {
    exchanges: "scheduler/main_*",
    at: "status",
    ours: "501 *the call UPDATE_FRAMEWORK yet*",
    reason: "UPDATE_FRAMEWORK is not taken yet",
  },
  {
    exchanges: ["scheduler/main_54_MESSAGE", "scheduler/main_55_SHUTDOWN_unknown"],
    at: "status",
    ours: "501 *",
    reason: "custom executors are not there yet, so nobody to send a message to or to shut down",
  },
  {
    exchanges: "scheduler/misc_*_INVERSE_OFFERS",
    at: "status",
    ours: "501 *",
    reason: "inverse offers are not on the wire yet",
  },
]

/** Consequences of what is missing, on the event streams. */
const consequences: ReadonlyArray<Reason> = [
  {
    exchanges: ["scheduler/*", "crashes/*", "auth/*", "raw/scheduler_SUBSCRIBE", "raw/two_subscribes*"],
    at: "*0/subscribed/master_info/capabilities/*",
    reason: "claims no capability of Mesos's masters before it has them",
  },
  {
    exchanges: ["scheduler/*", "crashes/*", "auth/*", "raw/scheduler_SUBSCRIBE", "raw/two_subscribes*"],
    at: ["offers/*resources/ports", "offers/resources/ports", "replies/*/resources/ports"],
    reason: "agents tell amounts only, no ports, so far",
  },
  {
    exchanges: "scheduler/main_stream",
    at: [
      "offers/O11/*",
      "offers/O12/*",
      "offers/O13/*",
      "offers/O14/*",
      "UPDATE/task-4/*",
      "UPDATE/task-6/*",
      "UPDATE_OPERATION_STATUS/*",
    ],
    reason: "what follows from reservations, which frameworks cannot make yet",
  },
  {
    exchanges: "scheduler/main_stream",
    at: ["UPDATE/task-hc/*", "offers/O29/resources/*"],
    reason: "health checks are refused by name; where Mesos ran the task, nothing is taken of the next offer",
  },
  {
    exchanges: ["scheduler/main_stream", "scheduler/pa_stream", "scheduler/pc_stream"],
    at: ["UPDATE/*/container_status/network_infos", "UPDATE/*/container_status/executor_pid"],
    reason: "of a container its id is told; it has the host's network, and no executor",
  },
  {
    exchanges: "scheduler/rescind_stream",
    at: ["RESCIND/*", "UPDATE/task-resc/*"],
    reason: "an operator's reservation took the offer away; the operator API is not served yet",
  },
  {
    exchanges: "scheduler/misc_maintenance_stream",
    at: ["RESCIND/*", "INVERSE_OFFERS/*"],
    reason: "maintenance cannot be announced yet",
  },
  {
    exchanges: "scheduler/two_limit_stream",
    at: "offers*",
    isByChance: true,
    reason: "the limit was set by UPDATE_QUOTA, which is not served yet; who has the hosts then is chance",
  },
  {
    exchanges: "scheduler/group_stream",
    at: ["UPDATE/*", "FAILURE/*", "offers/*"],
    reason: "groups of tasks and their executors are not there yet",
  },
]

/** What gleaner does on purpose, or says in other words. */
const deliberate: ReadonlyArray<Reason> = [
  {
    exchanges: "scheduler/main_stream",
    at: ["UPDATE/task-big/*/message", "UPDATE/task-toobig2/*/message"],
    reason: "resources in sentences come without `(allocated: web)`, in the order of their names",
  },
  {
    exchanges: "raw/expect_100_continue",
    at: "replies/*",
    reason:
      "asked for a 100, it is sent, as HTTP wants it; without it clients such as curl wait for a second",
  },
  {
    exchanges: "raw/two_subscribes_on_one_connection",
    at: "replies/1",
    reason: "replies come in the order of their requests, so nothing is answered in the middle of a stream",
  },
  {
    exchanges: "scheduler/main_stream",
    at: "UPDATE/task-role/*/message",
    reason: "says that the role is another one; Mesos lists two sums that differ in a word",
  },
  {
    exchanges: "scheduler/pa_stream",
    at: ["UPDATE/t-a2/2/*"],
    reason:
      "tasks outlive their agent also without `checkpoint`, so they are not given up when only the connection ends",
  },
  {
    exchanges: ["scheduler/pa_stream", "scheduler/pc_stream"],
    at: ["UPDATE/t-a2/*/message", "UPDATE/pc-1/*/message"],
    reason: "what happened to the agent, in other words",
  },
  {
    exchanges: "scheduler/pc_stream",
    at: "UPDATE/pc-1/*/container_status",
    reason: "what the master itself says of a task names no container, except when asked to reconcile",
  },
  {
    exchanges: ["scheduler/pa_stream", "scheduler/pc_stream"],
    at: "UPDATE/*/unreachable_time",
    reason: "when an agent became unreachable is not told yet",
  },
  {
    exchanges: "scheduler/pa_stream",
    at: "UPDATE/t-a2/4/state",
    reason: "the operator's MARK_AGENT_GONE is not served yet: the agent stays unreachable",
  },
]

const chance: ReadonlyArray<Reason> = [
  {
    exchanges: "scheduler/two_b_stream",
    at: ["offers/*/role", "offers"],
    isByChance: true,
    reason: "which of a framework's two roles gets which of two hosts is drawn by lot, in Mesos too",
  },
]

/** Calls of the recorded clients that were not recorded themselves. */
const unrecorded: ReadonlyArray<Reason> = [
  {
    exchanges: ["scheduler/failover_*"],
    at: ["UPDATE/fo-1/*", "offers/resources/*"],
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
    exchanges: "scheduler/misc_maintenance_stream",
    at: "UPDATE/mnt-1/*",
    reason: "the launch of task mnt-1 was not recorded",
  },
  {
    exchanges: ["scheduler/*", "auth/sched_alice_stream"],
    at: "closed",
    ours: "false",
    reason: "ended by a TEARDOWN that was not recorded, or that is the operator's",
  },
]

/** gleaner has one secret for a cluster, no principals with passwords of their own, and no ACLs. */
const authentication: ReadonlyArray<Reason> = [
  {
    exchanges: ["auth/*"],
    at: "status",
    ours: "401 *",
    reason: "one secret for the cluster: passwords of further principals are not known",
  },
  {
    exchanges: "auth/state_anonymous",
    at: ["headers/WWW-Authenticate", "body"],
    reason: "the realm and the sentence are gleaner's, and say where the secret is",
  },
  {
    exchanges: "auth/sched_principal_mismatch",
    at: "status",
    reason: "the secret proves no principal that FrameworkInfo could contradict",
  },
  {
    exchanges: ["auth/sched_role_not_allowed", "auth/sched_alice_stream"],
    at: ["0/*", "ERROR/*", "HEARTBEAT/*", "closed", "offers", "UPDATE/a-1/*"],
    reason: "no ACLs: whoever has the secret may use every role and user",
  },
]

/** Reads in the naming of Mesos's v0 API. */
const reads: ReadonlyArray<Reason> = [
  {
    exchanges: ["legacy/*", "auth/*"],
    at: ["body/git_sha", "body/build_*"],
    reason: "gleaner tells its version, and no build",
  },
  {
    exchanges: ["legacy/*", "auth/state_alice"],
    at: ["body/capabilities", "body/slaves/*/capabilities", "body/flags"],
    reason: "capabilities and flags are not told yet",
  },
  {
    exchanges: ["legacy/*", "auth/state_alice"],
    at: "body/slaves/*/ports",
    reason: "agents tell amounts only, no ports, so far",
  },
  {
    exchanges: ["legacy/*", "auth/state_alice"],
    at: [
      "body/slaves/*/condition",
      "body/slaves/*/wanted_reserve",
      "body/roles/*/priority",
      "body/roles/*/share",
    ],
    reason: "gleaner's own: what its users look for and Mesos does not know",
  },
  {
    exchanges: ["legacy/*state", "auth/state_alice"],
    at: "body/slaves/*_resources_full",
    reason: "/state shows resources in full, as /slaves does; Mesos only in /slaves",
  },
  {
    exchanges: "legacy/*",
    at: ["body/completed_frameworks/*", "body/frameworks/*/completed_tasks/*", "body/frameworks/*/tasks/*"],
    reason: "ended tasks and frameworks are not remembered for show yet",
  },
  {
    exchanges: "legacy/*",
    at: [
      "body/frameworks/*/offer_constraints",
      "body/frameworks/*/unregistered_time",
      "body/frameworks/*/webui_url",
    ],
    reason: "members that say nothing about these frameworks are left out",
  },
  {
    exchanges: "legacy/busy_*",
    at: [
      "body/frameworks/*offer*",
      "body/frameworks/*/resources/*",
      "body/slaves/*/offered_resources*/*",
      "body/roles/*/offered/*",
      "body/roles/*/resources/*",
    ],
    reason: "the recorded framework refused these offers, in calls that were not recorded",
  },
  {
    exchanges: ["legacy/busy_*", "legacy/*_roles", "operator/UPDATE_QUOTA_ok_then_roles"],
    at: ["body/roles/*", "body/frameworks/*/roles/*"],
    reason:
      "weights, quotas and UPDATE_FRAMEWORK by call are not served yet, and name the role or change its offers",
  },
  {
    exchanges: ["legacy/reserved_*"],
    at: ["body/slaves/*reserved_resources*"],
    reason: "operators cannot reserve yet",
  },
  {
    exchanges: ["legacy/unreachable_state", "legacy/drained_slaves"],
    at: [
      "body/slaves/*",
      "body/frameworks/*resources/*",
      "body/deactivated_slaves",
      "body/unreachable_slaves",
    ],
    reason:
      "agents that are away stay in the list, with their condition; draining is not served yet; t-a1's launch was not recorded",
  },
]

export const reasons: ReadonlyArray<Reason> = [
  ...missing,
  ...consequences,
  ...deliberate,
  ...chance,
  ...unrecorded,
  ...authentication,
  ...reads,
]

/** Exchanges that cannot be played again, and why. */
export const notReplayed: ReadonlyArray<{
  readonly exchanges: string | ReadonlyArray<string>
  readonly reason: string
}> = [
  {
    exchanges: ["agent/*", "crashes/agent_REMOVE_CONTAINER_toplevel"],
    reason: "asks the operator API of an agent, which gleaner's agents do not have",
  },
  { exchanges: "executor/*", reason: "asks the executor API, which gleaner's agents do not have yet" },
  {
    exchanges: [
      "legacy/executor_state",
      "legacy/slaves_by_id",
      "legacy/frameworks_by_id",
      "legacy/tasks_limit2",
      "legacy/tasks_by_id",
    ],
    reason: "shows tasks of custom executors, which are not there yet",
  },
  {
    exchanges: [
      "scheduler/main_3x_*",
      "scheduler/main_25_DECLINE_0",
      "scheduler/main_51_ACKNOWLEDGE_after_KILL_TASK_FAILED",
    ],
    reason: "left over from another run, of which neither stream nor earlier calls were kept",
  },
]
