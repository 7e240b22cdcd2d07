import type { Reason } from "../Verdict.ts"

/** What operators and tools read: members of gleaner's own, and members that have no meaning here. */
export const reads: ReadonlyArray<Reason> = [
  {
    exchanges: ["operator/*_GET_FLAGS", "legacy/*_flags", "legacy/*state"],
    at: ["body/get_flags/flags/*", "body/flags/*", "body/flags"],
    reason: "flags are gleaner's settings, and hers have other names",
  },
  {
    exchanges: [
      "legacy/*state",
      "legacy/*version",
      "auth/*",
      "operator/*_GET_VERSION",
      "raw/pipelined_two_calls",
    ],
    at: [
      "body/git_sha",
      "body/build_*",
      "*body/get_version/version_info/build_*",
      "*body/get_version/version_info/git_sha",
    ],
    reason: "gleaner tells its version, and no build",
  },
  {
    exchanges: ["legacy/*", "auth/state_*"],
    at: [
      "body/slaves/*/condition",
      "body/slaves/*/wanted_reserve",
      "body/roles/*/priority",
      "body/roles/*/share",
    ],
    reason: "gleaner's own: what its users look for and Mesos does not know",
  },
  {
    exchanges: ["legacy/*state", "auth/state_*"],
    at: "body/slaves/*_resources_full",
    reason: "/state shows resources in full, as /slaves does; Mesos only in /slaves",
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
    exchanges: "legacy/*_redirect",
    at: "headers/Location",
    reason: "by the address that others are told: host names may not resolve where the reader is",
  },
  {
    exchanges: "legacy/*_metrics_snapshot_timeout_bad",
    at: "body",
    reason: "says what would be right",
  },
  {
    exchanges: "operator/err_type_UNKNOWN",
    at: "body",
    reason: "says which call is not taken",
  },
]
