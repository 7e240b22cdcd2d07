import { execFile, spawn } from "node:child_process"
import * as fs from "node:fs"
import { release } from "node:os"
import { Effect } from "effect"
import { probeUserSwitch } from "../agent/launcher/UserSwitch.ts"
import { closedFolders } from "../agent/Sandbox.ts"
import { linuxKernel } from "../cgroups/LinuxKernel.ts"
import type { CommandResult, DoctorHost, ProbeProcess } from "./DoctorHost.ts"

const orElse = <A, B>(look: () => A, otherwise: B): A | B => {
  try {
    return look()
  } catch {
    return otherwise
  }
}

const canWatch = (folder: string): boolean =>
  orElse(() => {
    const watcher = fs.watch(folder, { persistent: false })
    // The instance limit of inotify shows at once, a missing folder as well.
    watcher.on("error", () => {})
    watcher.close()
    return true
  }, false)

const run = (command: string, args: ReadonlyArray<string>): Promise<CommandResult> =>
  new Promise((resolve) => {
    const environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" }
    execFile(command, [...args], { env: environment, timeout: 5_000 }, (error, stdout) =>
      resolve({ exitCode: error === null ? 0 : 1, stdout }),
    )
  })

const probeScripts = {
  // Only as long as the doctor lives: killed itself, it leaves nothing that runs.
  busy: 'echo 0 >"$1" || exit 125; while kill -0 "$PPID"; do :; done',
  idle: 'echo 0 >"$1" || exit 125; exec sleep 5',
}

const startProbe = (tasksFile: string, kind: "busy" | "idle"): ProbeProcess => {
  const child = spawn("/bin/sh", ["-c", probeScripts[kind], "sh", tasksFile], { stdio: "ignore" })
  const ended = new Promise<void>((resolve) => {
    child.on("exit", () => resolve())
    child.on("error", () => resolve())
  })
  return {
    pid: child.pid ?? -1,
    end: () => {
      child.kill("SIGKILL")
      return ended
    },
  }
}

/** The host this process runs on. */
export const linuxHost: DoctorHost = {
  release: release(),
  nodeVersion: process.versions.node,
  uid: process.getuid?.() ?? -1,
  ownPid: process.pid,
  kernel: linuxKernel,
  readText: (path) => orElse(() => fs.readFileSync(path, "utf8"), undefined),
  exists: (path) => fs.existsSync(path),
  names: (folder) => orElse(() => fs.readdirSync(folder), []),
  linkTarget: (path) => orElse(() => fs.readlinkSync(path), undefined),
  mode: (path) => orElse(() => fs.statSync(path).mode, undefined),
  canWatch,
  closedFolders: (folder) => orElse(() => closedFolders(folder), []),
  run,
  userSwitch: () => Effect.runPromise(probeUserSwitch),
  startProbe,
  pause: (waitMs) => new Promise((resolve) => setTimeout(resolve, waitMs)),
}
