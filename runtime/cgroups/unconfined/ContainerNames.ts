import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import type { ProcessIdentity } from "../../host/ProcessIdentity.ts"

/**
 * Names of containers as files, so that a restarted agent finds them as it would find cgroups. A file holds the boot at
 * which the container was made and, once known, the session that its launcher leads: pids of another boot mean nothing.
 */
export interface ContainerNames {
  readonly ensure: () => void
  /** False when the name is taken. */
  readonly add: (containerId: string) => boolean
  readonly has: (containerId: string) => boolean
  readonly delete: (containerId: string) => void
  readonly list: () => ReadonlyArray<string>
  readonly session: (containerId: string) => ProcessIdentity | undefined
  readonly noteSession: (containerId: string, session: ProcessIdentity) => void
  /** The empty folder. */
  readonly remove: () => void
}

const bootId = (): string => {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
  } catch {
    return "unknown"
  }
}

const unlessMissing = <A, B>(action: () => A, whenMissing: B): A | B => {
  try {
    return action()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return whenMissing
    throw error
  }
}

export const makeContainerNames = (folder: string): ContainerNames => {
  const boot = bootId()
  const pathOf = (containerId: string) => join(folder, containerId)
  const linesOf = (containerId: string) =>
    unlessMissing(() => readFileSync(pathOf(containerId), "utf8").split("\n"), undefined)
  const isOfThisBoot = (containerId: string) => {
    const first = linesOf(containerId)?.[0]
    // Empty: made this instant, or at a crash of the host; the second has no processes either way.
    return first !== undefined && (first === boot || first === "")
  }

  const ensure = () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    for (const path of [dirname(folder), folder]) requireOwn(path, path === folder)
  }

  return {
    ensure,
    add: (containerId) => {
      ensure()
      // What an earlier boot left is no container any more.
      if (!isOfThisBoot(containerId)) unlessMissing(() => unlinkSync(pathOf(containerId)), undefined)
      try {
        const file = openSync(pathOf(containerId), "wx", 0o600)
        try {
          writeFileSync(file, `${boot}\n`)
        } finally {
          closeSync(file)
        }
        return true
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") return false
        throw error
      }
    },
    has: isOfThisBoot,
    delete: (containerId) => unlessMissing(() => unlinkSync(pathOf(containerId)), undefined),
    list: () =>
      unlessMissing(() => readdirSync(folder), [])
        .filter((name) => !name.startsWith("."))
        .filter(isOfThisBoot)
        .sort(),
    session: (containerId) => {
      const [madeAt, leader = ""] = linesOf(containerId) ?? []
      const [pid, startTicks] = leader.split(" ").map(Number)
      return madeAt === boot && pid !== undefined && pid > 1 && startTicks !== undefined
        ? { pid, startTicks }
        : undefined
    },
    noteSession: (containerId, { pid, startTicks }) => {
      if (!existsSync(pathOf(containerId))) return
      // No container's name begins with a dot.
      const draft = join(folder, `.${containerId}.new`)
      writeFileSync(draft, `${boot}\n${pid} ${startTicks}\n`, { mode: 0o600 })
      renameSync(draft, pathOf(containerId))
    },
    remove: () =>
      unlessMissing(() => {
        for (const name of readdirSync(folder)) unlinkSync(join(folder, name))
        rmdirSync(folder)
      }, undefined),
  }
}

/** Below /tmp anybody may have made the folder before us, and would then choose which processes we end. */
const requireOwn = (path: string, isFolderItself: boolean) => {
  const found = lstatSync(path)
  const uid = process.getuid?.()
  if (found.isDirectory() && (found.uid === uid || (found.uid === 0 && !isFolderItself))) return
  const error: NodeJS.ErrnoException = new Error(
    `${path} belongs to somebody else; remove it or give a folder`,
  )
  error.code = "EACCES"
  throw error
}
