import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { Effect } from "effect"

/** How launch.sh becomes the task's user: the path of a working setpriv or chroot, or `none`. */
export type UserSwitch = string

export const launcherPath = "/usr/sbin:/usr/bin:/sbin:/bin"

const works = (command: string, args: ReadonlyArray<string>) =>
  Effect.async<boolean>((resume) => {
    execFile(command, args, { env: { PATH: launcherPath }, timeout: 10_000 }, (error) =>
      resume(Effect.succeed(error === null)),
    )
  })

/** Absolute, because a shell of busybox prefers its own commands of these names, which lack the options. */
const pathsOf = (name: string) =>
  launcherPath
    .split(":")
    .map((folder) => `${folder}/${name}`)
    .filter((path) => existsSync(path))

/**
 * Tried, not looked up: busybox has a setpriv without these options, and 2.6.32 has no no_new_privs
 * (spec/legacy-kernel.md). `none` when this process cannot change its user anyway.
 */
export const probeUserSwitch: Effect.Effect<UserSwitch> = Effect.gen(function* () {
  if (process.getuid?.() !== 0) return "none"
  const setpriv = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs", "--", "true"]
  for (const path of pathsOf("setpriv")) if (yield* works(path, setpriv)) return path
  const chroot = ["--userspec=65534:65534", "--groups=65534", "/", "true"]
  for (const path of pathsOf("chroot")) if (yield* works(path, chroot)) return path
  return "none"
})
