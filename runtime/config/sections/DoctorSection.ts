import { section } from "../Section.ts"
import { cgroupParentSetting, dataSetting } from "./SharedSettings.ts"

export const doctorSection = section({
  name: "doctor",
  command: "doctor",
  summary: "Show what this host can and cannot enforce, what happens without it, and what to do about it.",
  examples: ["gleaner doctor", "gleaner doctor --json"],
  settings: { data: dataSetting, cgroupParent: cgroupParentSetting },
})
