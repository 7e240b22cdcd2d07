import { section } from "../Section.ts"
import {
  aclsSetting,
  advertiseSetting,
  credentialsSetting,
  dataSetting,
  hostSetting,
  lendingSettings,
  masterUrlSetting,
  portSetting,
  secretFileSetting,
  unconfinedSetting,
  withoutMonitorSetting,
  withParentSetting,
} from "./SharedSettings.ts"
import { tlsClientSettings, tlsRequireClientCertSetting } from "./TlsSettings.ts"

export const agentSection = section({
  name: "agent",
  command: "agent",
  summary:
    "Run the agent of this host: it lends cpus and memory and runs tasks in cgroups. SIGTERM leaves the tasks running, SIGUSR1 ends them.",
  examples: [
    "gleaner agent --master http://10.0.0.1:5050 --host 10.0.0.7",
    "gleaner agent --without-monitor --cpus 2 --mem 4G",
  ],
  settings: {
    data: dataSetting,
    master: masterUrlSetting,
    secretFile: secretFileSetting,
    credentials: credentialsSetting,
    acls: aclsSetting,
    ...tlsClientSettings,
    tlsRequireClientCert: tlsRequireClientCertSetting,
    host: hostSetting,
    advertise: advertiseSetting,
    port: portSetting("agent", 5051),
    ...lendingSettings,
    withoutMonitor: withoutMonitorSetting,
    unconfined: unconfinedSetting,
    withParent: withParentSetting,
  },
})
