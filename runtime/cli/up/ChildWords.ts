import type { SettledSettings } from "../../config/ReadSettings.ts"
import { keyToWord, type Setting } from "../../config/Setting.ts"
import { upSection } from "../../config/sections/UpSection.ts"

export type UpSettings = SettledSettings<typeof upSection.settings>

type Key = keyof UpSettings["values"]

const tls: ReadonlyArray<readonly [own: Key, theirs: string]> = [
  ["tlsCa", "tlsCa"],
  ["tlsCert", "tlsCert"],
  ["tlsKey", "tlsKey"],
  ["tlsRequireClientCert", "tlsRequireClientCert"],
]

/** Which settings of `up` are which of a daemon's. */
const passedTo: { readonly [daemon: string]: ReadonlyArray<readonly [own: Key, theirs: string]> } = {
  master: [
    ["host", "host"],
    ["advertise", "advertise"],
    ["port", "port"],
    ["authentication", "authentication"],
    ["credentials", "credentials"],
    ["acls", "acls"],
    ...tls,
  ],
  agent: [
    ["host", "host"],
    ["credentials", "credentials"],
    ["acls", "acls"],
    ...tls,
    ["advertise", "advertise"],
    ["agentPort", "port"],
    ["cpus", "cpus"],
    ["mem", "mem"],
    ["resources", "resources"],
    ["taskUser", "taskUser"],
    ["allowRootTasks", "allowRootTasks"],
    ["cgroupParent", "cgroupParent"],
    ["withoutMonitor", "withoutMonitor"],
    ["unconfined", "unconfined"],
  ],
  monitor: [
    ["host", "host"],
    ["monitorPort", "port"],
    ["policy", "policy"],
    ["guardPeriod", "guardPeriod"],
  ],
}

const wordsOf = (setting: Setting<unknown>, theirs: string, value: unknown): ReadonlyArray<string> => {
  const word = keyToWord(theirs)
  if (setting.shape === "switch") return [value === true ? `--${word}` : `--no-${word}`]
  return [`--${word}`, setting.print(value)]
}

/**
 * The command line of a daemon that `up` starts: what `up` alone was told. The rest the daemon finds by itself, in the same
 * file and environment, where its own section counts more than what is said to all.
 */
export const childWords = (
  daemon: "master" | "agent" | "monitor",
  { values, ownKeys, configPath }: UpSettings,
): ReadonlyArray<string> => {
  const words: Array<string> = [...daemon.split(" "), "--data", values.data]
  if (configPath !== undefined) words.push("--config", configPath)
  for (const [own, theirs] of passedTo[daemon]!) {
    if (ownKeys.indexOf(own) === -1) continue
    words.push(...wordsOf(upSection.settings[own] as Setting<unknown>, theirs, values[own]))
  }
  return words
}
