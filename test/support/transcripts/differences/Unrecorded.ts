import type { Reason } from "../Verdict.ts"

/** What the recording itself brought about: its clients' silence, its moments. */
export const unrecorded: ReadonlyArray<Reason> = [
  {
    exchanges: "scheduler/rescind_stream",
    at: ["RESCIND/*", "UPDATE/task-resc/*", "offers/O36/*"],
    reason: "the offer was taken away before its recorded use; the replay uses the one that came in its place",
  },
  {
    exchanges: ["scheduler/main_stream", "scheduler/resubscribe_stream"],
    at: "UPDATE_OPERATION_STATUS/*",
    reason:
      "the uuid of an operation's status is the master's own, so the recorded acknowledgement is of another one",
  },
  {
    exchanges: "scheduler/main_stream",
    at: ["offers/O13/resources/*/value"],
    isByChance: true,
    reason: "what task-6 had is offered again once it has ended, and Mesos allocates once a second only",
  },
  {
    exchanges: "legacy/failover_frameworks",
    at: "body/frameworks/fo/tasks/t fo-1/state",
    reason:
      "its first status was not acknowledged yet: agents tell the next one only then, where Mesos's tell the newest state besides",
  },
]
