import { execFile } from "node:child_process"
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, renameSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { Data, Effect } from "effect"
import type { AgentAction } from "../../core/agent/Action.ts"
import type { VolumeName } from "../../core/agent/State.ts"
import { volumesIn } from "../../core/resources/Conversion.ts"
import { heldResources } from "../../core/resources/HeldResources.ts"
import { reservationRole } from "../../core/resources/Resource.ts"
import { roleProblem } from "../../core/resources/RoleName.ts"
import { containerPathProblem } from "../../core/resources/VolumePath.ts"
import { idProblem, type TaskSpec } from "../../core/Task.ts"
import type { Agent } from "./Agent.ts"

// Persistent volumes: `volumes/roles/<role>/<id>` in the agent's folder, as on Mesos's agents (spec/mesos.md §3.2). A task finds its
// volume through a link in its sandbox, at the path that it chose, and owns it while it runs.

export class VolumeError extends Data.TaggedError("VolumeError")<{
  readonly name: string
  readonly detail: string
}> {
  override get message(): string {
    return `volume ${this.name}: ${this.detail}`
  }
}

/** As Mesos: a role is one folder, its slashes become spaces, which no role contains. */
const volumePath = (root: string, { role, id }: VolumeName): string => {
  const problem = (role === "*" ? null : roleProblem(role)) ?? idProblem(id)
  // They come from others and become parts of a path (law L7).
  if (problem !== null && problem !== undefined) throw new Error(problem)
  return join(root, "roles", role.replace(/\//g, " "), id)
}

/** Folders above can be entered by everyone, but not listed: the tasks' users have to pass. */
const makeVolume = (root: string, name: VolumeName): void => {
  const path = volumePath(root, name)
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 })
  for (const above of [root, join(root, "roles"), dirname(path)]) chmodSync(above, 0o711)
  if (!isThere(path)) mkdirSync(path, { mode: 0o750 })
}

const isThere = (path: string): boolean => {
  try {
    return lstatSync(path).isDirectory()
  } catch {
    return false
  }
}

const trashOf = (root: string): string => join(root, "removed")

/** At once out of everybody's sight, deleted afterwards: what comes in between finds a volume or none, never half of one. */
const setAside = (root: string, name: VolumeName, asName: string): void => {
  const path = volumePath(root, name)
  if (!isThere(path)) return
  mkdirSync(trashOf(root), { recursive: true, mode: 0o700 })
  renameSync(path, join(trashOf(root), asName))
}

export interface VolumeKeeper {
  readonly apply: (
    action: Extract<AgentAction, { type: "ApplyVolumes" }>,
    agent: Pick<Agent, "submit">,
  ) => Effect.Effect<void>
}

/** `unique` names what is set aside: it must not repeat over the life of the folder. */
export const makeVolumeKeeper = (root: string, unique: () => string): Effect.Effect<VolumeKeeper> =>
  Effect.map(Effect.makeSemaphore(1), (turns) => ({
    apply: ({ make, remove, operations }, agent) =>
      Effect.gen(function* () {
        const problems: Array<string> = []
        const attempt = (name: VolumeName, act: () => void): boolean => {
          try {
            act()
            return true
          } catch (error) {
            problems.push(`volume ${name.role}/${name.id}: ${(error as Error).message}`)
            return false
          }
        }
        const removed = remove.filter((name) => attempt(name, () => setAside(root, name, unique())))
        for (const name of make) attempt(name, () => makeVolume(root, name))
        if (problems.length > 0) {
          yield* Effect.logError(
            "volumes are not as they should be; it is tried again at the next start",
          ).pipe(Effect.annotateLogs({ why: problems.slice(0, 3).join("; ") }))
        }
        const problem = problems.length === 0 ? null : problems.join("; ").slice(0, problemLengthMax)
        agent.submit({ type: "VolumesApplied", removed, operations, problem })
      }).pipe(turns.withPermits(1), Effect.zipRight(emptyTrash(root))),
  }))

/** It is told on, kept and shown. */
const problemLengthMax = 2_000

/** As many as fit into one command; the others go with the next. */
const deletedAtOnce = 200

/** Also what an earlier agent has set aside and not deleted. `rm` follows no link and does not hold up the agent. */
const emptyTrash = (root: string): Effect.Effect<void> =>
  Effect.async<void, VolumeError>((resume) => {
    const trash = trashOf(root)
    const names = isThere(trash) ? readdirSync(trash).slice(0, deletedAtOnce) : []
    if (names.length === 0) return resume(Effect.void)
    const paths = names.map((name) => join(trash, name))
    const child = execFile("/bin/rm", ["-rf", "--", ...paths], { cwd: "/" }, (error) =>
      resume(error === null ? Effect.void : new VolumeError({ name: trash, detail: error.message })),
    )
    return Effect.sync(() => child.kill())
  }).pipe(
    Effect.catchAll((error) => Effect.logWarning(`what was destroyed is not all deleted: ${error.message}`)),
    Effect.catchAllDefect((defect) => Effect.logWarning(`what was destroyed stays: ${String(defect)}`)),
  )

/**
 * Links the task's volumes into its sandbox, in which nothing of the task has run yet, and makes them its user's. A link that is there
 * already is from an agent that died before the launch.
 */
export const mountVolumes = (
  root: string,
  spec: TaskSpec,
  sandboxDir: string,
  owner: { readonly uid: number; readonly gid: number },
): Effect.Effect<void, VolumeError> =>
  Effect.forEach(
    volumesIn(heldResources(spec.resources)),
    ({ kind }) => {
      const { persistence, volume } = kind.disk!
      const name: VolumeName = { role: reservationRole(kind) ?? "*", id: persistence!.id }
      return Effect.try({
        try: () => {
          const path = volumePath(root, name)
          if (!isThere(path)) throw new Error(`its folder ${path} is not there`)
          if (process.getuid?.() === 0) chownSync(path, owner.uid, owner.gid)
          link(path, sandboxDir, volume?.containerPath ?? "", owner)
        },
        catch: (error) =>
          new VolumeError({ name: `${name.role}/${name.id}`, detail: (error as Error).message }),
      })
    },
    { discard: true },
  )

const link = (
  path: string,
  sandboxDir: string,
  containerPath: string,
  owner: { readonly uid: number; readonly gid: number },
): void => {
  const problem = containerPathProblem(containerPath)
  if (problem !== undefined) throw new Error(problem)
  const parts = containerPath.split("/")
  let folder = sandboxDir
  for (const part of parts.slice(0, -1)) {
    folder = join(folder, part)
    if (isThere(folder)) continue
    mkdirSync(folder, { mode: 0o750 })
    if (process.getuid?.() === 0) chownSync(folder, owner.uid, owner.gid)
  }
  try {
    symlinkSync(path, join(sandboxDir, containerPath))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  }
}
