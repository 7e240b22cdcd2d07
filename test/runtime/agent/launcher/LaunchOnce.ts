import { Effect } from "effect"
import { make } from "../../../../runtime/agent/Launcher.ts"

// A process of its own for InheritedDescriptors.test.ts: runs one command as itself and exits with its code.

const [scriptPath, folder, command] = process.argv.slice(2) as [string, string, string]
const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const launch = Effect.gen(function* () {
  const launcher = yield* make({ scriptPath })
  const task = yield* launcher.start({
    containerId: "once",
    command: { shell: true, value: command },
    environment: { PATH: "/usr/bin:/bin" },
    user,
    sandboxDir: `${folder}/sandbox`,
    runDir: `${folder}/run`,
    joinPaths: [],
  })
  return yield* launcher.awaitExit(task)
})
process.exitCode = (await Effect.runPromise(launch)).exitCode
