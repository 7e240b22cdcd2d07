import { duration } from "../Kinds.ts"
import { section } from "../Section.ts"
import { dataSetting, hostSetting, policySetting, portSetting, withParentSetting } from "./SharedSettings.ts"

export const guardPeriodSetting = duration(
  20,
  1_000,
)({ meaning: "How often the guard loop looks at the host", initial: 100 })

export const monitorSection = section({
  name: "monitor",
  command: "monitor",
  summary:
    "Run the monitor of this host: it measures what the primary needs and says how much the agent may lend. SIGHUP reads the policy file again.",
  examples: [
    "gleaner monitor --policy /etc/gleaner/host.policy.json",
    "gleaner monitor --data /srv/gleaner --guard-period 50ms",
  ],
  settings: {
    data: dataSetting,
    policy: policySetting,
    guardPeriod: guardPeriodSetting,
    host: hostSetting,
    port: portSetting("monitor", 5052),
    withParent: withParentSetting,
  },
})
