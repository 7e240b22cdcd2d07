import type { Reason } from "../Verdict.ts"

/** What the recording itself brought about: its clients' silence, its moments. */
export const unrecorded: ReadonlyArray<Reason> = [
  {
    exchanges: "legacy/failover_frameworks",
    at: "body/frameworks/fo/tasks/t fo-1/state",
    reason:
      "its first status was not acknowledged yet: agents tell the next one only then, where Mesos's tell the newest state besides",
  },
  {
    exchanges: "raw/operator_SUBSCRIBE",
    at: [
      "replies/0/body/0/subscribed/get_state/get_tasks/completed_tasks/*",
      "replies/0/body/0/subscribed/get_state/get_frameworks/*",
      "replies/0/body/2",
    ],
    reason: "asked after another script, whose tasks and frameworks the recorded master still knew",
  },
  {
    exchanges: "scheduler/main_stream",
    at: ["offers/O12/resources/*@web/scalar/value", "offers/O13/resources/*@web/scalar/value"],
    isByChance: true,
    reason: "task-4 and task-6 still ran when Mesos made these offers; here they may have ended before",
  },
]
