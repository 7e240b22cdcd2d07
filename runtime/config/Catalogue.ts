import type { Section } from "./Section.ts"
import type { Setting, Settings } from "./Setting.ts"
import { agentSection } from "./sections/AgentSection.ts"
import { doctorSection } from "./sections/DoctorSection.ts"
import { masterSection } from "./sections/MasterSection.ts"
import { monitorSection } from "./sections/MonitorSection.ts"
import { recordSection } from "./sections/RecordSection.ts"
import { upSection } from "./sections/UpSection.ts"

/** Every section that a configuration file may have. */
export const sections: ReadonlyArray<Section> = [
  masterSection,
  agentSection,
  monitorSection,
  upSection,
  doctorSection,
  recordSection,
]

/** The section of the file for settings that several daemons share. */
export const sharedSectionName = "common"

/** Everything that may stand there, for any of the daemons. */
export const sharedSettings: Settings = ((): Settings => {
  const found: { [key: string]: Setting<unknown> } = {}
  for (const { settings } of sections) {
    for (const key of Object.keys(settings)) {
      const setting = settings[key]!
      if (setting.isShared) found[key] = setting
    }
  }
  return found
})()
