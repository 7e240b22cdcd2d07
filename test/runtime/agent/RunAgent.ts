import { Effect } from "effect"
import { runAgentDaemon } from "../../../runtime/agent/AgentDaemon.ts"
import { untilSignal } from "../../../runtime/cli/Signals.ts"

// A process of its own for Survival.test.ts: one agent, that says when it is ready and why it could not be.

const [folder, url, secret, cgroupParent] = process.argv.slice(2) as [string, string, string, string]

const endTasks = new Promise<void>((resolve) => process.on("SIGUSR1", () => resolve()))

const program = Effect.gen(function* () {
  yield* untilSignal(
    runAgentDaemon({
      folder,
      master: { url, secret },
      credentialsFile: null,
      aclsFile: null,
      tls: undefined,
      host: "127.0.0.1",
      port: 0,
      advertisedIp: null,
      version: "1",
      flags: [],
      cpuMilli: 4_000,
      memMilli: 4_000_000,
      resources: null,
      attributes: [],
      defaultUser: "nobody",
      allowRootTasks: false,
      cgroupParent,
      monitor: "none",
      confinement: "required",
      endTasksWhen: Effect.promise(() => endTasks),
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
