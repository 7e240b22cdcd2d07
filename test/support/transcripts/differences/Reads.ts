import type { Reason } from "../Verdict.ts"

/** What operators and tools read: members that have another meaning here. */
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
]
