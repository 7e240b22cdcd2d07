import type { Reason } from "../Verdict.ts"

/** What is told of tasks and frameworks that run or have ended. */
export const history: ReadonlyArray<Reason> = [
  {
    exchanges: [
      "operator/running_GET_*",
      "operator/completed_GET_STATE",
      "operator/after_GET_FRAMEWORKS",
      "operator/disconnected_GET_FRAMEWORKS",
      "operator/unreachable_GET_STATE",
      "operator/SUBSCRIBE_stream*",
      "legacy/*",
    ],
    at: "*completed_frameworks/*",
    isByChance: true,
    reason:
      "frameworks that end at the same moment stand in another order, and other scripts had run on the recorded master before",
  },
  {
    exchanges: ["operator/unreachable_GET_*", "operator/SUBSCRIBE_stream_agents"],
    at: "*completed_tasks/t fo-1",
    reason: "of another script that had run on the recorded master before",
  },
  {
    exchanges: [
      "operator/after_GET_TASKS",
      "operator/completed_GET_STATE",
      "legacy/busy_*frameworks",
      "legacy/busy_*state",
      "legacy/busy_master_tasks_limit_abc",
    ],
    at: ["*completed_tasks/b task-hc", "body/tasks/b task-hc"],
    reason: "health checks are refused by name, so there is no such task",
  },
  {
    exchanges: ["legacy/busy_state_summary", "legacy/busy_master_state_summary"],
    at: ["body/slaves/*/TASK_KILLED", "body/frameworks/*/TASK_KILLED"],
    reason: "health checks are refused by name, so there is no such task",
  },
  {
    exchanges: ["operator/unreachable_GET_*", "legacy/unreachable_*"],
    at: [
      "body/*agents/agents/port 5072",
      "body/slaves/port 5072",
      "body/deactivated_slaves",
      "body/unreachable_slaves",
      "body/unreachable_slave_list/*",
      "body/frameworks/*resources/*",
      "body/get_state/get_frameworks/frameworks/0/*",
      "body/frameworks/pa/*tasks/*",
      "body/tasks/*",
      "body/get_*tasks/*",
    ],
    isByChance: true,
    reason: "asked a moment sooner after the agent's death: it is not given up yet",
  },
  {
    exchanges: "legacy/unreachable_tasks",
    at: ["body/tasks/t fo-1", "body/tasks/t mnt-1*"],
    isByChance: true,
    reason: "of another script that had run on the recorded master before",
  },
  {
    exchanges: "legacy/pc_unreachable_frameworks",
    at: ["body/frameworks/pc/offered_resources/ports", "body/frameworks/pc/resources/ports"],
    reason: "what is offered is shown with its ports, which Mesos forgets here",
  },
  {
    exchanges: "operator/draining_GET_AGENTS",
    at: "body/get_agents/agents/port 5071/allocated_resources",
    isByChance: true,
    reason: "its task has ended sooner than in the recording",
  },
  {
    exchanges: "operator/group_GET_TASKS",
    at: ["body/get_tasks/completed_tasks/a g-c", "body/get_tasks/completed_tasks/b g-d"],
    reason: "the launch of g-c and g-d was not recorded",
  },
]
