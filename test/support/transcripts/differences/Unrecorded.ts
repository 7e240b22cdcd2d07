import type { Reason } from "../Verdict.ts"

/** What the recording itself brought about: its clients' silence, its moments. */
export const unrecorded: ReadonlyArray<Reason> = [
  {
    exchanges: "legacy/failover_frameworks",
    at: "body/frameworks/fo/tasks/t fo-1/state",
    reason:
      "its first status was not acknowledged yet: agents tell the next one only then, where Mesos's tell the newest state besides",
  },
]
