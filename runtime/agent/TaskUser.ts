import { readFileSync } from "node:fs"
import { Data, Effect } from "effect"

/** The account that a task runs as. */
export interface TaskUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

export const defaultTaskUser = "nobody"

export class TaskUserNotFound extends Data.TaggedError("TaskUserNotFound")<{ readonly name: string }> {
  override get message() {
    return `user ${JSON.stringify(this.name)} is not in /etc/passwd of this host: create it, name another, or let the agent's --task-user give numbers as UID:GID (needed for LDAP and the like)`
  }
}

export class TaskUserForbidden extends Data.TaggedError("TaskUserForbidden")<{
  readonly user: TaskUser
  readonly reason: string
}> {
  override get message() {
    return `tasks cannot run as ${this.user.name}: ${this.reason}`
  }
}

export interface ResolveOptions {
  /** Default false: root could leave its cgroups, so only an operator may allow it. Allows every group, too. */
  readonly allowRoot?: boolean
  /** The name comes from who runs this agent, not from a task: it may be numbers that no account confirms. */
  readonly isOperatorsChoice?: boolean
  readonly passwd?: string
  /** The agent's own account; default this process. */
  readonly own?: { readonly uid: number; readonly gid: number }
}

const parsePasswd = (text: string): ReadonlyArray<TaskUser> =>
  text.split("\n").flatMap((line) => {
    const [name, , uid, gid] = line.split(":")
    const isAccount = name !== undefined && name !== "" && /^\d+$/.test(uid ?? "") && /^\d+$/.test(gid ?? "")
    return isAccount ? [{ name, uid: Number(uid), gid: Number(gid) }] : []
  })

interface FoundUser extends TaskUser {
  /** An account of this host has this user and this group. */
  readonly isConfirmed: boolean
}

/** A number without an account gets a group of the same number. */
const findUser = (name: string, accounts: ReadonlyArray<TaskUser>): FoundUser | undefined => {
  const byName = accounts.find((account) => account.name === name)
  if (byName !== undefined) return { ...byName, isConfirmed: true }
  const numbers = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(name)
  if (numbers === null) return undefined
  const uid = Number(numbers[1])
  const ofUid = accounts.filter((one) => one.uid === uid)
  const gid = numbers[2] === undefined ? (ofUid[0]?.gid ?? uid) : Number(numbers[2])
  const account = ofUid.find((one) => one.gid === gid)
  return { name: ofUid[0]?.name ?? name, uid, gid, isConfirmed: account !== undefined }
}

/** Why a task of an agent that is root may not run as this user; undefined when it may. */
const whyForbidden = (user: FoundUser, isOperatorsChoice: boolean): string | undefined => {
  if (user.uid === 0)
    return "root leaves its limits at will; allow it on this agent with --allow-root-tasks, or name another user"
  if (user.gid === 0)
    return "its group is root's (0); allow that on this agent with --allow-root-tasks, or name another user"
  if (user.isConfirmed || isOperatorsChoice) return undefined
  return `no account of this host has user ${user.uid} with group ${user.gid} as its own, and groups such as disk open the whole host; name an account, make it the agent's --task-user, or allow it on this agent with --allow-root-tasks`
}

const readPasswd = () => {
  try {
    return readFileSync("/etc/passwd", "utf8")
  } catch {
    return "" // then only numbers resolve, and the error says so
  }
}

/**
 * Name, UID or UID:GID → account. Numbers must be an account's own user and primary group. An agent that is not root can
 * only run tasks as itself, which is then the default.
 */
export const resolveTaskUser = (
  name: string | undefined,
  options: ResolveOptions = {},
): Effect.Effect<TaskUser, TaskUserNotFound | TaskUserForbidden> =>
  Effect.gen(function* () {
    const own = options.own ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
    const accounts = parsePasswd(options.passwd ?? readPasswd())
    const wanted = name ?? (own.uid === 0 ? defaultTaskUser : `${own.uid}:${own.gid}`)
    const found = findUser(wanted, accounts)
    if (found === undefined) return yield* new TaskUserNotFound({ name: wanted })
    const user: TaskUser = { name: found.name, uid: found.uid, gid: found.gid }
    if (own.uid !== 0 && (user.uid !== own.uid || user.gid !== own.gid)) {
      const reason = `the agent is not root and can only run them as itself (${own.uid}:${own.gid}); leave the user out or run the agent as root`
      return yield* new TaskUserForbidden({ user, reason })
    }
    if (own.uid === 0 && options.allowRoot !== true) {
      const reason = whyForbidden(found, options.isOperatorsChoice === true)
      if (reason !== undefined) return yield* new TaskUserForbidden({ user, reason })
    }
    return user
  })
