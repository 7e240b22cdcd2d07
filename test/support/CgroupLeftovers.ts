import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"

// Independent of the code under test on purpose: it must clean up and count even when that code is wrong.

const v1Mounts = (): ReadonlyArray<string> =>
  readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter((fields) => fields[2] === "cgroup")
    .map((fields) => fields[1]!)

const sleepSync = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/** Folders of cgroups whose first name begins so, in every v1 hierarchy, children before parents. */
export const findCgroups = (namePrefix: string): ReadonlyArray<string> => {
  const below = (group: string): ReadonlyArray<string> => [
    ...readdirSync(group, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => below(`${group}/${entry.name}`)),
    group,
  ]
  return v1Mounts().flatMap((mount) =>
    existsSync(mount)
      ? readdirSync(mount)
          .filter((name) => name.startsWith(namePrefix))
          .flatMap((name) => below(`${mount}/${name}`))
      : [],
  )
}

export const pidsIn = (group: string): ReadonlyArray<number> =>
  readFileSync(`${group}/cgroup.procs`, "utf8").split("\n").filter(Boolean).map(Number)

/** Kills and removes whatever a test left; returns what it had to remove. */
export const sweepCgroups = (namePrefix: string): ReadonlyArray<string> => {
  const found = findCgroups(namePrefix)
  for (let round = 0; round < 200 && findCgroups(namePrefix).length > 0; round++) {
    for (const group of findCgroups(namePrefix)) {
      try {
        for (const pid of pidsIn(group)) if (pid > 1 && pid !== process.pid) process.kill(pid, "SIGKILL")
      } catch {} // ended in between
      try {
        if (existsSync(`${group}/freezer.state`)) writeThawed(group)
      } catch {} // the root of a freezer tree has no state
      try {
        rmdirSync(group)
      } catch {} // busy: next round
    }
    sleepSync(10)
  }
  return found
}

const writeThawed = (group: string) => writeFileSync(`${group}/freezer.state`, "THAWED")

/** Why tests on the real kernel cannot run here; undefined when they can. */
export const whyNoRealCgroups = (): string | undefined => {
  if (process.getuid?.() !== 0) return "needs root"
  const options = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter((fields) => fields[2] === "cgroup")
    .flatMap((fields) => fields[3]!.split(","))
  const lacking = ["cpu", "memory", "freezer"].filter((name) => !options.includes(name))
  return lacking.length === 0 ? undefined : `needs cgroup v1 with ${lacking.join(", ")}`
}
