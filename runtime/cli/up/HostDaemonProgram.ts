import type { ChildOptions } from "./Child.ts"

/** `EXECUTABLE SCRIPT` that runs the daemons of a host in tests: another Node, the legacy bundle. */
const testVariable = "GLEANER_TEST_HOST_PROGRAM"

/** What runs agent and monitor: this gleaner, unless a test says otherwise. */
export const hostDaemonProgram = (
  environment: NodeJS.ProcessEnv = process.env,
): Pick<ChildOptions, "executable" | "script"> => {
  const [executable, script] = (environment[testVariable] ?? "").split(" ")
  return executable !== undefined && script !== undefined ? { executable, script } : {}
}
