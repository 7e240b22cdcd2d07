import type { Kernel } from "../cgroups/CgroupKernel.ts"

/** A process that a probe put into a cgroup. */
export interface ProbeProcess {
  readonly pid: number
  /** SIGKILL; resolves when it is gone. */
  readonly end: () => Promise<void>
}

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
}

/**
 * What the probes ask of a host. Reading only, except `run` (small commands without effect) and `startProbe`. Missing
 * and unreadable are the same answer: undefined or empty.
 */
export interface DoctorHost {
  /** `uname -r`. */
  readonly release: string
  /** Without a leading v. */
  readonly nodeVersion: string
  readonly uid: number
  readonly ownPid: number
  readonly kernel: Kernel
  readonly readText: (path: string) => string | undefined
  readonly exists: (path: string) => boolean
  readonly names: (folder: string) => ReadonlyArray<string>
  readonly linkTarget: (path: string) => string | undefined
  readonly mode: (path: string) => number | undefined
  readonly canWatch: (folder: string) => boolean
  /** Folders from the root down to this one that another user cannot enter. */
  readonly closedFolders: (folder: string) => ReadonlyArray<string>
  readonly run: (command: string, args: ReadonlyArray<string>) => Promise<CommandResult>
  /** Path of the command with which launch.sh becomes another user, or `none`. */
  readonly userSwitch: () => Promise<string>
  /** Enters the cgroup of a `tasks` file by itself, then burns cpu or sleeps; ends at the latest with the doctor. */
  readonly startProbe: (tasksFile: string, kind: "busy" | "idle") => ProbeProcess
  readonly pause: (waitMs: number) => Promise<void>
}
