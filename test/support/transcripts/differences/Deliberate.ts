import type { Reason } from "../Verdict.ts"

/** What gleaner does on purpose, or says in other words. */
export const deliberate: ReadonlyArray<Reason> = [
  {
    exchanges: "legacy/busy_state_jsonp_cb",
    at: ["headers/Content-Type", "body*"],
    reason: "no JSONP: a script of any site could read the cluster's state through a browser",
  },
  {
    exchanges: ["auth/state_anonymous", "auth/GET_HEALTH_bad_password", "auth/bad_auth_scheme"],
    at: "body",
    reason: "behind Mesos's words stands what to send, and where to find it",
  },
  {
    exchanges: "scheduler/main_stream",
    at: ["UPDATE/task-hc/*", "offers/O29/resources/*"],
    reason: "health checks are refused by name; where Mesos ran the task, nothing is taken of the next offer",
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
    exchanges: ["scheduler/two_b_stream", "scheduler/two_limit_stream"],
    at: ["offers/*/role", "offers", "offers/*/value"],
    isByChance: true,
    reason: "which of a framework's two roles gets which of two hosts is drawn by lot, in Mesos too",
  },
]
