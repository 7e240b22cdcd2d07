import type { Reason } from "../Verdict.ts"

// What is being built. Each group goes away as a whole; what stays then gets a reason of its own elsewhere.

/** Reservations, volumes, operations, ports. */
const operations: ReadonlyArray<Reason> = [
  {
    exchanges: ["scheduler/main_47_ACCEPT_LAUNCH_GROUP_bad", "scheduler/group_ACCEPT_*"],
    at: "status",
    ours: "501 *the operation LAUNCH_GROUP yet*",
    reason: "groups of tasks are not taken yet; refused by name, with the whole ACCEPT",
  },
  {
    exchanges: "scheduler/group_stream",
    at: ["UPDATE/*", "FAILURE/*", "offers/*"],
    reason: "groups of tasks and their executors are not there yet",
  },
  {
    exchanges: ["operator/group_GET_EXECUTORS", "operator/group_GET_TASKS"],
    at: ["body/get_executors/executors/*", "body/get_tasks/tasks/*"],
    reason: "groups of tasks and their executors are not there yet",
  },
  {
    exchanges: "legacy/*",
    at: "*/ports",
    reason: "the older endpoints tell amounts only, no ports, so far",
  },
]

/** What is told of frameworks and tasks that ended, and what a framework changes of itself. */
const frameworks: ReadonlyArray<Reason> = [
  {
    exchanges: ["operator/*", "legacy/*"],
    at: [
      "*completed_tasks/*",
      "*completed_frameworks/*",
      "body/tasks/*",
      "*/TASK_*",
      "*/framework_ids/*",
      "*/slave_ids/*",
    ],
    reason: "ended tasks and frameworks are not remembered for show yet",
  },
  {
    exchanges: ["operator/*", "legacy/*"],
    at: ["*/statuses/*", "*/tasks/t t-*", "*/tasks/t fo-1"],
    reason: "of a task the newest status is kept so far",
  },
]

/** Maintenance, draining, agents that are gone. */
const agents: ReadonlyArray<Reason> = [
  {
    exchanges: [
      "operator/unreachable_*",
      "legacy/unreachable_*",
      "legacy/drained_slaves",
      "operator/drain*",
      "operator/pc_unreachable_*",
      "legacy/pc_unreachable_frameworks",
    ],
    at: "body/*",
    reason: "agents that are away or drained are listed otherwise",
  },
  {
    exchanges: "operator/pc_back_GET_AGENTS",
    at: "body/get_agents/agents/*/reregistered_time",
    reason: "when an agent came back is not told yet",
  },
]

/** Event stream of operators, files, logging, metrics, capabilities. */
const stream: ReadonlyArray<Reason> = [
  {
    exchanges: ["operator/*", "legacy/*", "auth/state_*", "raw/operator_SUBSCRIBE"],
    at: ["*/capabilities/*", "body/capabilities"],
    reason: "claims no capability before it has it",
  },
  {
    exchanges: ["operator/GET_METRICS*", "legacy/*metrics_snapshot*"],
    at: ["body/get_metrics/metrics/*", "body/*/*"],
    reason: "not all of Mesos's metrics are told yet",
  },
]

export const notThereYet: ReadonlyArray<Reason> = [...operations, ...frameworks, ...agents, ...stream]
