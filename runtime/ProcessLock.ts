import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { readBootId } from "./host/BootId.ts"
import { isRunning, readStartTicks } from "./host/ProcessIdentity.ts"

// Node has no flock, so a lock is a file that names its holder by boot id, pid and start time: whoever died holds
// nothing. Taking over from the dead is where such locks go wrong: two see the same dead holder, and the slower one
// removes what the faster one has just made. Here nothing is ever taken away. A lock is a folder of claims numbered 1, 2,
// 3 …; the highest number counts, and a claim comes into being whole and only once (link(2)).
//
// Nobody makes claim n + 1 without having read claim n as dead, and whoever has made n looks again whether it is the
// highest: one that came with an old view finds the newer claim and gives its own up. The last few claims stay, so that
// no listing can miss all of them.

export interface ProcessLock {
  /** Lets go of it while this process lives; its end does the same. */
  readonly release: () => void
}

/** Somebody else has it. */
export interface LockHeld {
  readonly holderPid: number
}

const keptClaims = 8
const attemptsMax = 1_000

/**
 * Takes the lock that is the folder `path`, whose own folder must exist. Throws what the file system says when the
 * folder cannot be written.
 */
export const acquireProcessLock = (path: string): ProcessLock | LockHeld => {
  makeFolder(path)
  const own = `${readBootId()} ${process.pid} ${readStartTicks(process.pid)}\n`
  const draft = join(path, `draft.${process.pid}.${++drafts}`)
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const highest = highestClaim(path)
    const holderPid = highest === 0 ? undefined : livingHolder(join(path, String(highest)))
    if (holderPid !== undefined) return { holderPid }
    const number = highest + 1
    writeFileSync(draft, own, { mode: 0o600 })
    if (!claim(draft, join(path, String(number)))) continue
    if (highestClaim(path) !== number) {
      unlinkSync(join(path, String(number)))
      continue
    }
    sweep(path, number)
    // Emptied, not removed: a number is never given twice. And this works on a full disk, too.
    return { release: () => truncateSync(join(path, String(number)), 0) }
  }
  throw new Error(`${path}: others keep claiming it; try again`)
}

/** The pid of the living process that has the lock at `path`, without taking it; undefined when nobody has. */
export const findLockHolder = (path: string): number | undefined => {
  try {
    return livingHolder(join(path, String(highestClaim(path))))
  } catch {
    return undefined // there is no such folder
  }
}

let drafts = 0

const makeFolder = (path: string): void => {
  try {
    mkdirSync(path, 0o700)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  }
}

const highestClaim = (path: string): number =>
  Math.max(0, ...readdirSync(path).map((name) => (/^\d+$/.test(name) ? Number(name) : 0)))

/** False when somebody was faster. */
const claim = (draft: string, path: string): boolean => {
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false
    throw error
  } finally {
    unlinkSync(draft)
  }
}

/** The pid that a claim names, when that very process lives. What cannot be read was cut off by a crash of the host. */
const livingHolder = (path: string): number | undefined => {
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch {
    return undefined // swept: a higher one exists
  }
  const [bootId, pid, startTicks] = text.trim().split(" ")
  const identity = { pid: Number(pid), startTicks: Number(startTicks) }
  return bootId === readBootId() && isRunning(identity) ? identity.pid : undefined
}

const sweep = (path: string, number: number): void => {
  for (const name of readdirSync(path)) {
    const isOld = /^\d+$/.test(name) && Number(name) <= number - keptClaims
    const author = /^draft\.(\d+)\./.exec(name)
    const isDead = author !== null && readStartTicks(Number(author[1])) === undefined
    if (isOld || isDead) unlinkSync(join(path, name))
  }
}
