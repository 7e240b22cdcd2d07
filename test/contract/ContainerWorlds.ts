import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Layer } from "effect"
import type { Cgroups } from "../../runtime/cgroups/Cgroups.ts"
import * as Unconfined from "../../runtime/cgroups/Unconfined.ts"
import { eventually } from "../support/Gleaner.ts"
import { type CgroupWorld, isRunning } from "./CgroupWorlds.ts"

/** One way to hold containers, and ways to put processes into them. */
export interface ContainerWorld {
  readonly layer: Layer.Layer<Cgroups>
  /** A process that idles in a container. */
  readonly enter: (containerId: string, joinPaths: ReadonlyArray<string>) => Promise<number>
  /** Processes that fork, start sessions of their own and let their parents die. */
  readonly enterForking: (containerId: string, joinPaths: ReadonlyArray<string>) => Promise<void>
  readonly isAlive: (pid: number) => boolean
  readonly close: () => void
}

export const cgroupWorld = (world: CgroupWorld): ContainerWorld => ({
  ...world,
  enter: (_, joinPaths) => world.enter(joinPaths),
  enterForking: (_, joinPaths) => world.enterForking(joinPaths),
})

/** Pids whose first environment names the container; read apart from the code under test. */
export const markedWith = (containerId: string): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8")
          .split("\0")
          .includes(`MESOS_CONTAINER_ID=${containerId}`)
      } catch {
        return false
      }
    })
    .map(Number)

export const unconfinedWorld = (): ContainerWorld => {
  const root = mkdtempSync(join(tmpdir(), "gleaner-unconfined-"))
  const children: Array<ChildProcess> = []
  const start = (containerId: string, script: string) => {
    const child = spawn("/bin/sh", ["-c", script], {
      stdio: "ignore",
      detached: true,
      env: { PATH: process.env.PATH, MESOS_CONTAINER_ID: containerId },
    })
    children.push(child)
    return child.pid!
  }
  return {
    layer: Unconfined.layer({ parent: "p", folder: join(root, "containers") }),
    enter: async (containerId) => {
      const pid = start(containerId, "exec sleep 600")
      await eventually(() => (markedWith(containerId).includes(pid) ? pid : undefined))
      return pid
    },
    enterForking: async (containerId) => {
      start(
        containerId,
        'trap "" TERM; (setsid sh -c "trap \\"\\" TERM; sleep 600 & sleep 600" &) ; while :; do sleep 0.01 & done',
      )
      await eventually(() => (markedWith(containerId).length > 8 ? true : undefined))
    },
    isAlive: isRunning,
    close: () => {
      for (const child of children) child.kill("SIGKILL")
      rmSync(root, { recursive: true })
    },
  }
}
