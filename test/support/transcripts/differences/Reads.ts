import type { Reason } from "../Verdict.ts"

/** What operators and tools read: members of gleaner's own, and members that have no meaning here. */
export const reads: ReadonlyArray<Reason> = [
  {
    exchanges: [
      "operator/*_GET_FLAGS",
      "legacy/*_flags",
      "legacy/*state",
      "agent/*_GET_FLAGS",
      "agent/*_flags",
      "agent/*state",
    ],
    at: ["body/get_flags/flags/*", "body/flags/*", "body/flags"],
    reason: "flags are gleaner's settings, and hers have other names",
  },
  {
    exchanges: [
      "legacy/*state",
      "legacy/*version",
      "auth/*",
      "operator/*_GET_VERSION",
      "agent/*state",
      "agent/*_version",
      "agent/*_GET_VERSION",
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
    exchanges: ["legacy/*", "auth/state_*", "operator/UPDATE_QUOTA_ok_then_roles"],
    at: [
      "body/slaves/*/condition",
      "body/unreachable_slave_list",
      "body/slaves/*/wanted_reserve",
      "body/roles/*/priority",
      "body/roles/*/share",
      "*tasks/*/command",
      "*tasks/*/launched_time",
    ],
    reason: "gleaner's own: what its users look for and Mesos does not know",
  },
  {
    exchanges: ["legacy/*state", "auth/state_*"],
    at: "body/slaves/*_resources_full",
    reason: "/state shows resources in full, as /slaves does; Mesos only in /slaves",
  },
  {
    exchanges: "legacy/*_redirect",
    at: "headers/Location",
    reason: "by the address that others are told: host names may not resolve where the reader is",
  },
]
