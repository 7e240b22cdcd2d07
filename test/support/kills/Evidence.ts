import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { LaunchIntent } from "./Diary.ts"

/** What a task wrote about itself: `start PID TICKS UPTIME`, `end CODE UPTIME`; each line one write. */
export type Evidence = ReadonlyMap<string, ReadonlyArray<string>>

/** The command of a task, in POSIX sh: it leaves evidence, works for a while and exits with the code that it wrote. */
export const taskCommand = (folder: string, task: LaunchIntent): string => {
  const lines = [
    `say() { read -r up rest </proc/uptime; echo "$* $up" >>${folder}/${task.taskId}; }`,
    "read -r stat </proc/$$/stat",
    "stat=$(set -- $" + "{stat##*) }; shift 19; echo $1)",
    "say start $$ $stat",
    task.shape === "deaf" ? "trap '' TERM" : "trap 'say end 143; exit 143' TERM",
    // What a task leaves behind must not outlive it.
    ...(task.shape === "forking" ? ["(setsid sleep 600 >/dev/null 2>&1 &)"] : []),
    `sleep ${task.runMs / 1000} & wait $!`,
    `say end ${task.exitCode}`,
    `exit ${task.exitCode}`,
  ]
  return lines.join("\n")
}

export const readEvidence = (folder: string): Evidence =>
  new Map(
    readdirSync(folder).map((taskId) => [
      taskId,
      readFileSync(join(folder, taskId), "utf8")
        .split("\n")
        .filter((line) => line !== ""),
    ]),
  )
