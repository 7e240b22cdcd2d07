import { Effect } from "effect"
import { runAgentDaemon } from "../../../runtime/agent/AgentDaemon.ts"
import { onceSignalled, untilSignal } from "../../../runtime/cli/Signals.ts"

// A process of its own for Survival.test.ts: one agent, that says when it is ready and why it could not be.

const [folder, url, secret, cgroupParent] = process.argv.slice(2) as [string, string, string, string]

const program = Effect.gen(function* () {
  const endTasksWhen = yield* onceSignalled("SIGUSR1")
  yield* untilSignal(
    runAgentDaemon({
      folder,
      master: { url, secret },
      host: "127.0.0.1",
      port: 0,
      advertisedIp: null,
      version: "1",
      cpuMilli: 4_000,
      memMilli: 4_000_000,
      attributes: [],
      defaultUser: "nobody",
      allowRootTasks: false,
      cgroupParent,
      endTasksWhen,
      onReady: () => process.stdout.write("ready\n"),
    }),
  )
}).pipe(Effect.scoped)

Effect.runPromise(program).then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  },
)
