import { Command, Options } from "@effect/cli"
import { Effect, Option } from "effect"
import { agentHostOptions } from "./AgentOptions.ts"
import { accessCluster, clusterOptions } from "./ClusterOptions.ts"
import { CommandFailure } from "./CommandFailure.ts"
import { announceReady, runDaemon, withParentOption } from "./Daemon.ts"
import { parseMemMiB } from "./Memory.ts"
import { version } from "./Version.ts"

const options = {
  ...clusterOptions,
  host: Options.text("host").pipe(
    Options.withDescription("Address to listen on and to be reached at; loopback unless you say otherwise"),
    Options.withDefault("127.0.0.1"),
  ),
  port: Options.integer("port").pipe(
    Options.withDescription("Port of the agent; 0 takes a free one"),
    Options.withDefault(5051),
  ),
  attributes: Options.keyValueMap("attribute").pipe(
    Options.withDescription("Attribute NAME=VALUE that offers of this host carry; repeatable"),
    Options.withDefault([]),
  ),
  ...agentHostOptions,
  withParent: withParentOption,
}

export const agentCommand = Command.make("agent", options, (args) =>
  Effect.gen(function* () {
    const memMiB = Option.isSome(args.mem) ? parseMemMiB(args.mem.value) : undefined
    if (Option.isSome(args.mem) && memMiB === undefined) {
      return yield* usage(`--mem ${args.mem.value} is not a size: write it like 8G`)
    }
    if (Option.isSome(args.cpus) && !(args.cpus.value > 0)) {
      return yield* usage(`--cpus ${args.cpus.value} must be above 0`)
    }
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(args.cgroupParent)) {
      return yield* usage(
        `--cgroup-parent ${args.cgroupParent}: one folder name of letters, digits, dots, dashes`,
      )
    }
    const master = yield* accessCluster(args)
    const { runAgentDaemon } = yield* Effect.promise(() => import("../agent/AgentDaemon.ts"))
    const daemon = runAgentDaemon({
      folder: args.data.agentFolder,
      master,
      host: args.host,
      port: args.port,
      version,
      cpuMilli: Option.getOrNull(Option.map(args.cpus, (cpus) => Math.round(cpus * 1000))),
      memMilli: memMiB === undefined ? null : Math.round(memMiB * 1000),
      attributes: Array.from(args.attributes, ([name, value]) => ({ name, value })),
      defaultUser: args.taskUser,
      allowRootTasks: args.allowRootTasks,
      cgroupParent: args.cgroupParent,
      onReady: announceReady,
    })
    yield* runDaemon("agent", args.withParent, daemon)
  }),
).pipe(
  Command.withDescription(
    "Run the agent of this host: it lends cpus and memory and runs tasks in cgroups. Example: gleaner agent --master http://10.0.0.1:5050 --host 10.0.0.7",
  ),
)

const usage = (message: string) => Effect.fail(new CommandFailure({ message, exitCode: 2 }))
