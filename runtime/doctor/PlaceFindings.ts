import { basename, dirname, resolve } from "node:path"
import { dataFolderAt } from "../DataFolder.ts"
import { monitorSocketName } from "../protocol/MonitorProtocol.ts"
import type { DoctorHost } from "./DoctorHost.ts"
import { type Finding, findingOf, type Subject } from "./Finding.ts"

// The data folder, the ports and the daemons that run from the folder.

const place = (id: string, feature: string, without: string, remedy: string): Subject => ({
  ...{ id, area: "data folder", feature, without, remedy },
})

const daemonNames = ["master", "agent", "monitor"] as const
const defaultPorts: ReadonlyArray<readonly [daemon: (typeof daemonNames)[number], port: number]> = [
  ["master", 5050],
  ["agent", 5051],
  ["monitor", 5052],
]

export const placeFindings = async (on: DoctorHost, dataPath: string): Promise<ReadonlyArray<Finding>> => {
  const folder = nearestExisting(on, resolve(dataPath))
  const running = gleanerProcesses(on)
  return [
    await freeDisk(on, dataPath, folder),
    enterable(on, dataPath, folder),
    ...defaultPorts.map(([daemon, port]) => portFinding(on, daemon, port, running)),
    ...daemonNames.map((name) => daemonFinding(on, name, resolve(dataPath), running)),
  ]
}

const nearestExisting = (on: DoctorHost, path: string): string =>
  on.exists(path) || path === dirname(path) ? path : nearestExisting(on, dirname(path))

const wantedFreeMiB = 1_024

const freeDisk = async (on: DoctorHost, dataPath: string, folder: string): Promise<Finding> => {
  const { stdout } = await on.run("df", ["-P", "-k", "--", folder])
  const availableKiB = Number(/\s\d+\s+\d+\s+(\d+)\s+\d+%\s/.exec(stdout.trim().split("\n").pop() ?? "")?.[1])
  const subject = place(
    "free-disk",
    "free disk",
    "sandboxes, logs and checkpoints fill the disk; a full one stops the journal and fails tasks",
    `free some, or choose another data folder than ${dataPath}`,
  )
  if (Number.isNaN(availableKiB)) return findingOf(subject, "degraded", `df says nothing of ${folder}`)
  const availableMiB = Math.floor(availableKiB / 1024)
  return findingOf(
    subject,
    availableMiB >= wantedFreeMiB ? "ok" : "degraded",
    `${availableMiB} MiB free in ${folder}`,
  )
}

const enterable = (on: DoctorHost, dataPath: string, folder: string): Finding => {
  const closed = on.closedFolders(folder)
  const isThere = folder === resolve(dataPath)
  return findingOf(
    place(
      "data-folder-open",
      "data folder open to others",
      "tasks that run as another user cannot reach their sandbox by its full path",
      `chmod o+x ${closed.join(" ")}, or choose another data folder`,
    ),
    closed.length === 0 ? "ok" : "degraded",
    closed.length === 0
      ? `${folder}${isThere ? "" : ` (${dataPath} is made at the first start)`}`
      : `closed to others: ${closed.join(" ")}`,
  )
}

interface GleanerProcess {
  readonly pid: number
  readonly daemon: string
  /** Undefined when it is not told by its arguments and its environment cannot be read. */
  readonly dataPath: string | undefined
}

/** Daemons of gleaner on this host, whoever started them: a program `gleaner…` followed by a daemon's name. */
const gleanerProcesses = (on: DoctorHost): ReadonlyArray<GleanerProcess> =>
  on
    .names("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const words = (on.readText(`/proc/${pid}/cmdline`) ?? "").split("\0")
      const at = words.findIndex(
        (word, index) =>
          /^gleaner[\w.-]*$/.test(basename(word)) &&
          daemonNames.some((daemon) => daemon === words[index + 1]),
      )
      if (at === -1 || at > 2) return []
      return [{ pid: Number(pid), daemon: words[at + 1]!, dataPath: dataPathOf(on, pid, words) }]
    })

const dataPathOf = (on: DoctorHost, pid: string, words: ReadonlyArray<string>): string | undefined => {
  const at = words.indexOf("--data")
  const told =
    (at === -1 ? undefined : words[at + 1]) ??
    words.find((word) => word.startsWith("--data="))?.slice("--data=".length) ??
    (on.readText(`/proc/${pid}/environ`) ?? "")
      .split("\0")
      .find((entry) => entry.startsWith("GLEANER_DATA="))
      ?.slice("GLEANER_DATA=".length)
  return told === undefined ? undefined : resolve(on.linkTarget(`/proc/${pid}/cwd`) ?? "/", told)
}

const daemonFinding = (
  on: DoctorHost,
  name: (typeof daemonNames)[number],
  dataPath: string,
  running: ReadonlyArray<GleanerProcess>,
): Finding => {
  const data = dataFolderAt(dataPath)
  const subject: Subject = {
    id: `daemon-${name}`,
    area: "daemons",
    feature: `${name} of this folder`,
    without: withoutDaemon[name],
    remedy: `start it: gleaner ${name} --data ${dataPath}, or gleaner up`,
  }
  const own = running.find(
    (one) => one.daemon === name && (one.dataPath === undefined || one.dataPath === dataPath),
  )
  const files = { master: data.masterFile, agent: data.agentFolder, monitor: "" }
  const trace = name === "monitor" ? `${data.agentFolder}/${monitorSocketName}` : files[name]
  if (own !== undefined) return findingOf(subject, "ok", `pid ${own.pid}`)
  const hint = trace !== "" && on.exists(trace) ? `not running (${trace} is there)` : "not running"
  return findingOf(subject, "degraded", hint)
}

const withoutDaemon = {
  master: "nothing is offered from this folder's cluster (its master may run on another host)",
  agent: "this host runs no new tasks",
  monitor: "what is lent does not follow the primary's load: the agent keeps the ceiling at its floor",
}

const portFinding = (
  on: DoctorHost,
  daemon: string,
  port: number,
  running: ReadonlyArray<GleanerProcess>,
): Finding => {
  const subject = place(
    `port-${port}`,
    `port ${port}`,
    `the ${daemon} does not start with its default port`,
    `stop what listens there, or start the ${daemon} with another --port`,
  )
  const inode = listeningInode(on, port)
  if (inode === undefined) return findingOf(subject, "ok", "free")
  const owner = ownerOf(on, inode, running)
  if (owner !== undefined) return findingOf(subject, "ok", `gleaner's ${owner.daemon}, pid ${owner.pid}`)
  return findingOf(subject, "degraded", "in use by another program")
}

/** Inode of the socket that listens on a TCP port, from /proc/net/tcp: state 0A is LISTEN, ports are hexadecimal. */
const listeningInode = (on: DoctorHost, port: number): string | undefined => {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0")
  for (const path of ["/proc/net/tcp", "/proc/net/tcp6"])
    for (const line of (on.readText(path) ?? "").split("\n")) {
      const fields = line.trim().split(/\s+/)
      if (fields[3] === "0A" && fields[1]?.split(":")[1] === wanted) return fields[9]
    }
  return undefined
}

const ownerOf = (
  on: DoctorHost,
  inode: string,
  running: ReadonlyArray<GleanerProcess>,
): GleanerProcess | undefined =>
  running.find(({ pid }) =>
    on
      .names(`/proc/${pid}/fd`)
      .some((descriptor) => on.linkTarget(`/proc/${pid}/fd/${descriptor}`) === `socket:[${inode}]`),
  )
