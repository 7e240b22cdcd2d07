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
    return `user ${JSON.stringify(this.name)} is not in /etc/passwd of this host: create it, name another, or give numbers as UID or UID:GID (needed for LDAP and the like)`
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
  /** Default false: root could leave its cgroups, so only an operator may allow it. */
  readonly allowRoot?: boolean
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

/** A number without an account gets a group of the same number. */
const findUser = (name: string, accounts: ReadonlyArray<TaskUser>): TaskUser | undefined => {
  const byName = accounts.find((account) => account.name === name)
  const numbers = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(name)
  if (byName !== undefined || numbers === null) return byName
  const uid = Number(numbers[1])
  const account = accounts.find((one) => one.uid === uid)
  const gid = numbers[2] === undefined ? (account?.gid ?? uid) : Number(numbers[2])
  return { name: account?.name ?? name, uid, gid }
}

const readPasswd = () => {
  try {
    return readFileSync("/etc/passwd", "utf8")
  } catch {
    return "" // then only numbers resolve, and the error says so
  }
}

/** Name, UID or UID:GID → account. An agent that is not root can only run tasks as itself, which is then the default. */
export const resolveTaskUser = (
  name: string | undefined,
  options: ResolveOptions = {},
): Effect.Effect<TaskUser, TaskUserNotFound | TaskUserForbidden> =>
  Effect.gen(function* () {
    const own = options.own ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
    const accounts = parsePasswd(options.passwd ?? readPasswd())
    const wanted = name ?? (own.uid === 0 ? defaultTaskUser : `${own.uid}:${own.gid}`)
    const user = findUser(wanted, accounts)
    if (user === undefined) return yield* new TaskUserNotFound({ name: wanted })
    if (own.uid !== 0 && user.uid !== own.uid) {
      const reason = `the agent is not root and can only run them as itself (${own.uid}); leave the user out or run the agent as root`
      return yield* new TaskUserForbidden({ user, reason })
    }
    if (own.uid === 0 && user.uid === 0 && options.allowRoot !== true) {
      const reason =
        "root leaves its limits at will; allow it on this agent with --allow-root-tasks, or name another user"
      return yield* new TaskUserForbidden({ user, reason })
    }
    return user
  })
