import { userInfo } from "node:os"

/** When and by whom the program was made, as Mesos tells it of itself. */
export interface Build {
  /** Day of the build, UTC: `2026-11-22`. */
  readonly date: string
  /** Seconds since 1970. */
  readonly time: number
  readonly user: string
  /** The commit it was made of; null = not made from a repository. */
  readonly gitSha: string | null
}

/** Without a bundler the program is made when it is loaded. */
const unbundled = (): Build => {
  const time = Math.floor(Date.now() / 1000)
  return { date: new Date(time * 1000).toISOString().slice(0, 10), time, user: userName(), gitSha: null }
}

/** An id without an entry in the list of users has no name. */
const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? "unknown")
  }
}

/** Set by the bundler, see `build-facts.mjs`. */
export const build: Build =
  process.env.GLEANER_BUILD === undefined ? unbundled() : (JSON.parse(process.env.GLEANER_BUILD) as Build)

/** In the words of Mesos: `/version`, `/state`, GET_VERSION. */
export const buildView = ({ date, time, user, gitSha }: Build) => ({
  ...(gitSha === null ? {} : { git_sha: gitSha }),
  build_date: date,
  build_time: time,
  build_user: user,
})
