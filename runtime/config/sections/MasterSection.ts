import {
  alternativesOrOff,
  amountsOrOff,
  choice,
  durationOrOff,
  priorityPairs,
  quotaPairs,
  resourceNames,
  weightPairs,
  whole,
} from "../Kinds.ts"
import { section } from "../Section.ts"
import { switched } from "../Setting.ts"
import { boundSettings } from "./BoundSettings.ts"
import { journalSettings } from "./JournalSettings.ts"
import { lossSettings } from "./LossSettings.ts"
import {
  aclsSetting,
  advertiseSetting,
  authenticationSetting,
  credentialsSetting,
  dataSetting,
  hostSetting,
  portSetting,
  withParentSetting,
} from "./SharedSettings.ts"
import { tlsClientSettings, tlsRequireClientCertSetting } from "./TlsSettings.ts"

/** Who gets what; where nothing is said the profile decides. */
export const allocationSettings = {
  profile: choice(
    "gleaner",
    "mesos",
  )({
    meaning:
      "Defaults of what is offered when: gleaner's, or those of Apache Mesos with its timing. Options that are given count more",
    initial: "gleaner",
  }),
  weight: weightPairs({
    meaning: "Weight of a role at its place in the tree. A role of weight 2 gets twice the share of others",
    placeholder: "ROLE=NUMBER",
  }),
  priority: priorityPairs({
    meaning:
      "Priority of a role among its siblings: a higher one is served first, whatever the shares (else 0)",
    placeholder: "ROLE=NUMBER",
  }),
  quota: quotaPairs({
    meaning:
      "What a top-level role is guaranteed and, behind a slash, what it may have at most, like ads=cpus:4;mem:4096/cpus:8",
    placeholder: "ROLE=QUOTA",
  }),
  minAllocatable: alternativesOrOff({
    meaning:
      "What an offer must contain at least: cpus:1;mem:1024 wants both, cpus:1|mem:1024 one of them, off nothing at all",
    initial: null,
    initialText: "cpus:0.01|mem:32",
  }),
  offerPartMin: amountsOrOff({
    meaning:
      "While more want offers than there are hosts, offer hosts in parts of at least this size; off always offers whole hosts",
    initial: null,
    initialText: "cpus:4;mem:8192; off in profile mesos",
  }),
  offerTimeout: durationOrOff(
    1_000,
    7 * 24 * 3_600_000,
  )({
    meaning: "Take back an offer that is not answered for this long; off waits for ever",
    initial: null,
    initialText: "30s; off in profile mesos",
  }),
  allocationInterval: durationOrOff(
    10,
    3_600_000,
  )({
    meaning: "Offer what has become free this often only; off offers it at once",
    initial: null,
    initialText: "off; 1s in profile mesos",
  }),
  declineBackoffMax: durationOrOff(
    1_000,
    3_600_000,
  )({
    meaning:
      "Longest that a framework which declines again and again is left alone unasked; off leaves it alone for as long as it says",
    initial: null,
    initialText: "30s; off in profile mesos",
  }),
  fairSharingExcludedResourceNames: resourceNames({
    meaning: "Resources that do not count in a role's share, like gpus",
    initial: null,
    initialText: "none",
  }),
  filterGpuResources: switched({
    meaning: "Offer hosts with gpus only to frameworks with the capability GPU_RESOURCES",
    initial: true,
  }),
}

/** How much of the past is kept for show. Memory and journal grow by about 1 kB for each task. */
const historySettings = {
  maxCompletedFrameworks: whole(
    0,
    1_000,
  )({
    meaning: "How many frameworks that are over are shown with their tasks",
    initial: null,
    initialText: "50",
  }),
  maxCompletedTasksPerFramework: whole(
    0,
    100_000,
  )({
    meaning: "How many tasks that are over are shown of each framework",
    initial: null,
    initialText: "200; 1000 in profile mesos",
  }),
  maxCompletedTasks: whole(
    0,
    1_000_000,
  )({
    meaning: "How many tasks that are over are shown in all; the oldest are forgotten first",
    initial: null,
    initialText: "10000; 50000 in profile mesos",
  }),
  maxUnreachableTasksPerFramework: whole(
    0,
    100_000,
  )({
    meaning:
      "How many tasks on unreachable hosts are remembered of each framework; all are known again when their host is back",
    initial: null,
    initialText: "1000",
  }),
}

export const masterSection = section({
  name: "master",
  command: "master",
  summary: "Run the master: Mesos v1 scheduler API at /api/v1/scheduler, /state, /health, /metrics.",
  examples: [
    "gleaner master --host 10.0.0.1",
    "gleaner master --weight web=2 --weight web/batch=0.5 --priority web=10",
    "gleaner master --quota 'ads=cpus:4;mem:4096/cpus:8' --quota 'batch=/cpus:16'",
    "gleaner master --profile mesos --offer-timeout 1m",
    `in the file: {"master": {"weight": {"web": 2}, "quota": {"ads": "cpus:4/cpus:8"}}}`,
  ],
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
    ...boundSettings,
    ...journalSettings,
    ...allocationSettings,
    ...historySettings,
    ...lossSettings,
    withParent: withParentSetting,
  },
})
