// What a bundle says of its own making; see runtime/Build.ts. Like bootstrap.mjs it uses nothing but Node itself.
import { spawnSync } from "node:child_process"
import { userInfo } from "node:os"

/** SOURCE_DATE_EPOCH makes two builds of one commit alike (reproducible-builds.org). */
const secondsNow = () => Number(process.env.SOURCE_DATE_EPOCH ?? Math.floor(Date.now() / 1000))

function userName() {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? "unknown")
  }
}

/** The commit that is checked out at `root`; null where that is no repository of its own, as in an unpacked archive. */
function commitOf(root) {
  const git = spawnSync("git", ["rev-parse", "HEAD", "--show-prefix"], { cwd: root, encoding: "utf8" })
  const [sha = "", prefix = ""] = git.status === 0 ? git.stdout.split("\n") : []
  return /^[0-9a-f]{40,64}$/.test(sha) && prefix === "" ? sha : null
}

export function buildFacts(root) {
  const time = secondsNow()
  const date = new Date(time * 1000).toISOString().slice(0, 10)
  return { date, time, user: userName(), gitSha: commitOf(root) }
}
