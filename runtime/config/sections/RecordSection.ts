import { duration, file } from "../Kinds.ts"
import { section } from "../Section.ts"
import { required } from "../Setting.ts"
import { cgroupParentSetting } from "./SharedSettings.ts"

export const recordSection = section({
  name: "trace-record",
  command: "trace record",
  summary: "Record this host's use, primary and harvest apart, until it is stopped.",
  examples: ["gleaner trace record --out host.jsonl", "gleaner trace record --out host.jsonl --interval 10s"],
  settings: {
    out: required(file({ meaning: "File to append to", initial: null })),
    interval: duration(100, 3_600_000)({ meaning: "Time between samples", initial: 1_000 }),
    cgroupParent: cgroupParentSetting,
  },
})
