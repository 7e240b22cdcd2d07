import { spawnSync } from "node:child_process"

export interface Verdict {
  readonly isAccepted: boolean
  readonly said: string
}

const promtool = (args: ReadonlyArray<string>, input = ""): Verdict => {
  const { status, stdout, stderr } = spawnSync("promtool", [...args], { encoding: "utf8", input })
  return { isAccepted: status === 0, said: `${stdout}${stderr}` }
}

/** Why Prometheus's own checks cannot run here; undefined when they can. */
export const whyNoPromtool: string | undefined =
  spawnSync("promtool", ["--version"]).status === 0
    ? undefined
    : "promtool is not there (Debian's package prometheus)"

if (whyNoPromtool !== undefined) process.stderr.write(`skipping checks of Prometheus: ${whyNoPromtool}\n`)

export const checkRules = (path: string): Verdict => promtool(["check", "rules", path])

export const testRules = (path: string): Verdict => promtool(["test", "rules", path])

/** Lints the text of a `/metrics`: names, units, help texts, types. */
export const checkMetrics = (text: string): Verdict => promtool(["check", "metrics"], text)
