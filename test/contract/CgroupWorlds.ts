import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { Layer } from "effect"
import type { Kernel } from "../../runtime/cgroups/CgroupKernel.ts"
import type { Cgroups } from "../../runtime/cgroups/Cgroups.ts"
import * as CgroupV1 from "../../runtime/cgroups/CgroupV1.ts"
import * as LinuxKernel from "../../runtime/cgroups/LinuxKernel.ts"
import * as MemoryCgroups from "../../runtime/cgroups/MemoryCgroups.ts"
import type { MemoryKernelOptions } from "../../runtime/cgroups/MemoryKernel.ts"
import { findCgroups, pidsIn, sweepCgroups } from "../support/CgroupLeftovers.ts"

/** One kernel to run the contract on: its files, and ways to put processes into its groups. */
export interface CgroupWorld {
  readonly layer: Layer.Layer<Cgroups>
  readonly kernel: Kernel
  readonly parent: string
  /** A process that idles in the groups; resolves when it is in all of them. */
  readonly enter: (joinPaths: ReadonlyArray<string>) => Promise<number>
  /** A process that forks, starts sessions of its own and lets its parents die. */
  readonly enterForking: (joinPaths: ReadonlyArray<string>) => Promise<void>
  /** A process that holds so much memory. */
  readonly enterHolding: (joinPaths: ReadonlyArray<string>, bytes: number) => Promise<number>
  readonly isAlive: (pid: number) => boolean
  readonly end: (pid: number) => Promise<void>
  /** Everything that lies below or is the parent. */
  readonly leftGroups: () => ReadonlyArray<string>
  readonly close: () => void
}

export const memoryWorld = (options: MemoryKernelOptions, parent: string): CgroupWorld => {
  const { memoryKernel, layer } = MemoryCgroups.make({ ...options, parent })
  return {
    layer,
    kernel: memoryKernel.kernel,
    parent,
    enter: async (join) => memoryKernel.spawn({ join }),
    enterForking: async (join) => {
      memoryKernel.spawn({ join, forks: 40 })
      memoryKernel.spawn({ join, forks: 40 })
    },
    enterHolding: async (join, bytes) => {
      const pid = memoryKernel.spawn({ join })
      memoryKernel.charge(pid, bytes)
      return pid
    },
    isAlive: (pid) => memoryKernel.alive().includes(pid),
    end: async (pid) => memoryKernel.exit(pid),
    leftGroups: () => memoryKernel.groups().filter((path) => path.includes(`/${parent}`)),
    close: () => {},
  }
}

const joinAll = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; '

/** A zombie has ended; who reaps orphans, and when, is the host's business. */
export const isRunning = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return false
  }
}

export const linuxWorld = (parent: string): CgroupWorld => {
  const children: Array<ChildProcess> = []
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resume) => setTimeout(resume, 5))
  }
  const start = (joinPaths: ReadonlyArray<string>, script: string) => {
    const child = spawn("/bin/sh", ["-c", joinAll + script, "sh", ...joinPaths, "--"], { stdio: "ignore" })
    children.push(child)
    return child
  }
  const lastGroupOf = (joinPaths: ReadonlyArray<string>) =>
    joinPaths[joinPaths.length - 1]!.slice(0, -"/tasks".length)
  const enter = async (joinPaths: ReadonlyArray<string>, script: string) => {
    const child = start(joinPaths, script)
    await until(() => child.exitCode !== null || pidsIn(lastGroupOf(joinPaths)).includes(child.pid!))
    return child.pid!
  }
  return {
    layer: Layer.provide(CgroupV1.layer({ parent }), LinuxKernel.layer),
    kernel: LinuxKernel.linuxKernel,
    parent,
    enter: (joinPaths) => enter(joinPaths, "exec sleep 600"),
    enterForking: async (joinPaths) => {
      // A fork loop, and daemons: new session, parent gone, TERM ignored.
      start(
        joinPaths,
        'trap "" TERM; (setsid sh -c "trap \\"\\" TERM; sleep 600 & sleep 600" &) ; while :; do sleep 0.01 & done',
      )
      await until(() => pidsIn(lastGroupOf(joinPaths)).length > 8)
    },
    enterHolding: async (joinPaths, bytes) => {
      const pid = await enter(
        joinPaths,
        `x=$(head -c ${bytes} /dev/zero | tr "\\0" a); exec 9>&1; sleep 600; : $x`,
      )
      // The loading is over when the shell has only its sleep left.
      await until(() => pidsIn(lastGroupOf(joinPaths)).length === 2 && existsSync(`/proc/${pid}/fd/9`))
      return pid
    },
    isAlive: isRunning,
    end: async (pid) => {
      process.kill(pid, "SIGKILL")
      await until(() => !isRunning(pid))
    },
    leftGroups: () => findCgroups(parent),
    close: () => {
      for (const child of children) child.kill("SIGKILL")
      sweepCgroups(parent)
    },
  }
}
