import {
  address,
  cpus,
  file,
  folder,
  port,
  reachableIp,
  size,
  text,
  textLike,
  textPairs,
  url,
} from "../Kinds.ts"
import { hidden, type Surroundings, switched, withInitial } from "../Setting.ts"

// Settings that several commands have, in the same words.

/** Root's state belongs to the host; anybody else's into their own home. */
export const defaultDataPath = ({ environment, homeFolder, userId }: Surroundings): string => {
  if (userId === 0) return "/var/lib/gleaner"
  return `${environment.XDG_DATA_HOME ?? `${homeFolder}/.local/share`}/gleaner`
}

export const dataSetting = withInitial(
  folder({ meaning: "Data folder: what must survive a restart", initial: "", isShared: true }),
  defaultDataPath,
  "/var/lib/gleaner for root, else ~/.local/share/gleaner",
)

export const masterUrlSetting = url({
  meaning: "URL of the master",
  initial: null,
  initialText: "the one in the data folder",
  isShared: true,
})

export const secretFileSetting = file({
  meaning:
    'File with the cluster\'s secret, a token, or a principal as {"principal": NAME, "secret": SECRET}',
  initial: null,
  initialText: "`secret` in the data folder",
  isShared: true,
})

export const hostSetting = address({
  meaning: "Address to listen on, 0.0.0.0 for all",
  initial: "127.0.0.1",
  isShared: true,
})

export const advertiseSetting = reachableIp({
  meaning: "IP address that others are told to reach this daemon at",
  initial: null,
  initialText: "the one of --host; for 0.0.0.0 the first of this host",
  isShared: true,
})

export const authenticationSetting = switched({
  meaning:
    "Ask everyone for the cluster's secret. Tasks share the host's loopback: with --no-authentication they could command the cluster",
  initial: true,
})

export const credentialsSetting = file({
  meaning:
    "File of further principals with their secrets, in the form of Apache Mesos; only this user may read it",
  initial: null,
  initialText: "nobody but who has the cluster's secret",
})

export const aclsSetting = file({
  meaning: "File that says what principals may do, in the form of Apache Mesos",
  initial: null,
  initialText: "all but register agents",
})

export const cgroupParentSetting = textLike(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  "one folder name of letters, digits, dots, dashes",
)({
  meaning: "Name of the cgroup that holds all that is lent, in every hierarchy",
  placeholder: "NAME",
  initial: "gleaner",
  isShared: true,
})

/** What of this host is lent and how. */
export const lendingSettings = {
  cpus: cpus({ meaning: "CPUs to lend", initial: null, initialText: "all of this host" }),
  mem: size({
    meaning: "Memory to lend",
    initial: null,
    initialText: "all but 1 GiB, half of a small host's",
  }),
  resources: text({
    meaning:
      "What to lend as Mesos agents write it, such as cpus:4;mem(ads):1024;ports:[31000-32000], or a JSON array",
    placeholder: "RESOURCES",
    initial: null,
    initialText: "cpus, mem, disk and ports 31000-32000",
  }),
  taskUser: textLike(
    /^[A-Za-z0-9_][A-Za-z0-9._-]{0,31}$/,
    "a user's name",
  )({ meaning: "User of tasks that ask for none", placeholder: "USER", initial: "nobody" }),
  allowRootTasks: switched({
    meaning: "Let tasks run as root when they or their framework ask for it",
    initial: false,
  }),
  cgroupParent: cgroupParentSetting,
  attribute: textPairs({
    meaning: "Attribute that offers of this host carry",
    placeholder: "NAME=VALUE",
  }),
}

export const unconfinedSetting = switched({
  meaning: "Run tasks without any limit, and lend without a monitor: for hosts that cannot enforce limits",
  initial: false,
})

export const policySetting = file({
  meaning: "Policy file (*.policy.json) that says how much to keep for the primary",
  initial: null,
  initialText: "the last hour's peak and a tenth",
})

/** `gleaner up` holds its daemons by a pipe: when it is gone, whatever the reason, they stop cleanly. */
export const withParentSetting = hidden(switched({ meaning: "Stop when stdin ends", initial: false }))

export const portSetting = (of: string, initial: number) =>
  port({ meaning: `Port of the ${of}; 0 takes a free one`, initial })

export const withoutMonitorSetting = switched({
  meaning: "Lend without a monitor: what is lent then does not follow the primary's load",
  initial: false,
})
