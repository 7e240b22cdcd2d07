import { duration, folder } from "../Kinds.ts"
import { section } from "../Section.ts"
import { required } from "../Setting.ts"
import { cgroupParentSetting, withParentSetting } from "./SharedSettings.ts"

export const recordSection = section({
  name: "trace-record",
  command: "trace record",
  summary: "Record this host's use, primary and harvest apart, until it is stopped.",
  examples: ["gleaner trace record --out recording", "gleaner trace record --out recording --interval 10s"],
  settings: {
    out: required(folder({ meaning: "Folder of the recording, made when missing", initial: null })),
    interval: duration(100, 60_000)({ meaning: "Time between rows", initial: 1_000 }),
    cgroupParent: cgroupParentSetting,
    withParent: withParentSetting,
  },
})
