import { section } from "../Section.ts"
import { guardPeriodSetting } from "./MonitorSection.ts"
import {
  aclsSetting,
  advertiseSetting,
  authenticationSetting,
  credentialsSetting,
  dataSetting,
  hostSetting,
  lendingSettings,
  policySetting,
  portSetting,
  unconfinedSetting,
  withoutMonitorSetting,
} from "./SharedSettings.ts"
import { tlsClientSettings, tlsRequireClientCertSetting } from "./TlsSettings.ts"

const { attribute: _attribute, ...lending } = lendingSettings

export const upSection = section({
  name: "up",
  command: "up",
  summary:
    "Start a whole cluster on this host, master, agent and monitor, and show what is lent. Sections of the daemons in the file count, too. Ctrl-C ends all of it.",
  examples: ["gleaner up --data /tmp/gleaner --port 6050", "gleaner up --policy host.policy.json"],
  settings: {
    data: dataSetting,
    host: hostSetting,
    advertise: advertiseSetting,
    port: portSetting("master", 5050),
    authentication: authenticationSetting,
    credentials: credentialsSetting,
    acls: aclsSetting,
    ...tlsClientSettings,
    tlsRequireClientCert: tlsRequireClientCertSetting,
    agentPort: portSetting("agent", 5051),
    monitorPort: portSetting("monitor", 5052),
    policy: policySetting,
    guardPeriod: guardPeriodSetting,
    ...lending,
    withoutMonitor: withoutMonitorSetting,
    unconfined: unconfinedSetting,
  },
})
