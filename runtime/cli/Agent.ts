import { Command, Options } from "@effect/cli"
import { Effect } from "effect"
import { accessCluster, clusterOptions } from "./ClusterOptions.ts"
import { announceReady, runDaemon, withParentOption } from "./Daemon.ts"
import {
  advertiseOption,
  hostOption,
  hostOptions,
  readAdvertisedIp,
  readHostArguments,
} from "./HostOptions.ts"
import { onceSignalled } from "./Signals.ts"
import { version } from "./Version.ts"

const options = {
  ...clusterOptions,
  host: hostOption,
  advertise: advertiseOption,
  port: Options.integer("port").pipe(
    Options.withDescription("Port of the agent; 0 takes a free one"),
    Options.withDefault(5051),
  ),
  attributes: Options.keyValueMap("attribute").pipe(
    Options.withDescription("Attribute NAME=VALUE that offers of this host carry; repeatable"),
    Options.withDefault([]),
  ),
  ...hostOptions,
  withParent: withParentOption,
}

export const agentCommand = Command.make("agent", options, (args) =>
  Effect.gen(function* () {
    // As on Mesos's agents: SIGUSR1 ends the tasks as well, every other end leaves them to the next agent.
    const endTasksWhen = yield* onceSignalled("SIGUSR1")
    const lent = yield* readHostArguments(args)
    const advertisedIp = yield* readAdvertisedIp(args.advertise)
    const master = yield* accessCluster(args)
    const { runAgentDaemon } = yield* Effect.promise(() => import("../agent/AgentDaemon.ts"))
    const daemon = runAgentDaemon({
      folder: args.data.agentFolder,
      master,
      host: args.host,
      port: args.port,
      version,
      advertisedIp,
      ...lent,
      endTasksWhen,
      attributes: Array.from(args.attributes, ([name, value]) => ({ name, value })),
      onReady: announceReady,
    })
    yield* runDaemon("agent", args.withParent, daemon)
  }).pipe(Effect.scoped),
).pipe(
  Command.withDescription(
    "Run the agent of this host: it lends cpus and memory and runs tasks in cgroups. Example: gleaner agent --master http://10.0.0.1:5050 --host 10.0.0.7",
  ),
)
