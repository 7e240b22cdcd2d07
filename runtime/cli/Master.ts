import { Command, Options } from "@effect/cli"
import { Effect } from "effect"
import { defaultMasterSettings } from "../../core/master/State.ts"
import { dataOption } from "./ClusterOptions.ts"
import { refuseInput } from "./CommandFailure.ts"
import { announceReady, runDaemon, withParentOption } from "./Daemon.ts"
import { advertiseOption, hostOption, readAdvertisedIp } from "./HostOptions.ts"
import { version } from "./Version.ts"

export const portOption = Options.integer("port").pipe(
  Options.withDescription("Port of the master; 0 takes a free one"),
  Options.withDefault(5050),
)

export const noAuthenticationOption = Options.boolean("no-authentication").pipe(
  Options.withDescription(
    "Answer everyone, without the cluster's secret. Tasks share the host's loopback, so they could then command the cluster",
  ),
)

const weightOption = Options.keyValueMap("weight").pipe(
  Options.withDescription(
    "Weight of a role, ROLE=NUMBER; repeatable. A role of weight 2 gets twice the share of others",
  ),
  Options.withDefault([]),
)

const options = {
  data: dataOption,
  host: hostOption,
  advertise: advertiseOption,
  port: portOption,
  noAuthentication: noAuthenticationOption,
  weights: weightOption,
  withParent: withParentOption,
}

export const masterCommand = Command.make("master", options, (args) =>
  Effect.gen(function* () {
    const weights = yield* readWeights(args.weights)
    const advertisedIp = yield* readAdvertisedIp(args.advertise)
    const { runMasterDaemon } = yield* Effect.promise(() => import("../master/MasterDaemon.ts"))
    const daemon = runMasterDaemon({
      data: args.data,
      host: args.host,
      port: args.port,
      advertisedIp,
      version,
      settings: { ...defaultMasterSettings, weights },
      isAuthenticated: !args.noAuthentication,
      journalWorker: new URL("./journal-worker.js", import.meta.url),
      onReady: announceReady,
    })
    yield* runDaemon("master", args.withParent, daemon)
  }),
).pipe(
  Command.withDescription(
    "Run the master: Mesos v1 scheduler API at /api/v1/scheduler, /state, /health, /metrics. Example: gleaner master --host 10.0.0.1",
  ),
)

const readWeights = (given: Iterable<readonly [string, string]>) =>
  Effect.gen(function* () {
    const weights: Record<string, number> = {}
    for (const [role, text] of given) {
      const weight = Number(text)
      if (!(weight > 0 && Number.isFinite(weight))) {
        return yield* refuseInput(`--weight ${role}=${text}: a weight is a number above 0`)
      }
      weights[role] = weight
    }
    return weights
  })
