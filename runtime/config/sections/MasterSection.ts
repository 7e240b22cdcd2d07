import { weightPairs } from "../Kinds.ts"
import { section } from "../Section.ts"
import {
  advertiseSetting,
  authenticationSetting,
  dataSetting,
  hostSetting,
  portSetting,
  withParentSetting,
} from "./SharedSettings.ts"

export const masterSection = section({
  name: "master",
  command: "master",
  summary: "Run the master: Mesos v1 scheduler API at /api/v1/scheduler, /state, /health, /metrics.",
  examples: ["gleaner master --host 10.0.0.1", "gleaner master --weight web=2 --weight batch=0.5"],
  settings: {
    data: dataSetting,
    host: hostSetting,
    advertise: advertiseSetting,
    port: portSetting("master", 5050),
    authentication: authenticationSetting,
    weight: weightPairs({
      meaning: "Weight of a role. A role of weight 2 gets twice the share of others",
      placeholder: "ROLE=NUMBER",
    }),
    withParent: withParentSetting,
  },
})
