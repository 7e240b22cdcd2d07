import { section } from "../Section.ts"
import { switched } from "../Setting.ts"
import { cgroupParentSetting, dataSetting } from "./SharedSettings.ts"

export const doctorSection = section({
  name: "doctor",
  command: "doctor",
  summary: "Show what this host can and cannot enforce, what happens without it, and what to do about it.",
  examples: ["gleaner doctor", "gleaner doctor --json"],
  settings: {
    data: dataSetting,
    cgroupParent: cgroupParentSetting,
    quick: switched({
      meaning: "Look only: do not try out quota and freezer in cgroups made for it",
      initial: false,
    }),
  },
})
