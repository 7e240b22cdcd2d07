import { agents } from "./differences/Agents.ts"
import { clusterEvents } from "./differences/ClusterEvents.ts"
import { deliberate } from "./differences/Deliberate.ts"
import { history } from "./differences/History.ts"
import { notThereYet } from "./differences/NotThereYet.ts"
import { reads } from "./differences/Reads.ts"
import { unrecorded } from "./differences/Unrecorded.ts"
import type { Reason } from "./Verdict.ts"

export { notReplayed } from "./differences/NotReplayed.ts"

// Where gleaner answers something else than Apache Mesos did, and why. Each line must be needed: the test names those that
// are not. `at` is the place in a reply or an event, `ours` what gleaner says there; `*` stands for anything.

export const reasons: ReadonlyArray<Reason> = [
  ...deliberate,
  ...agents,
  ...clusterEvents,
  ...history,
  ...reads,
  ...unrecorded,
  ...notThereYet,
]
