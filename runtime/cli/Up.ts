import { join } from "node:path"
import { Command, Options } from "@effect/cli"
import { Effect, Option, Schedule } from "effect"
import { type DataFolder, makePrivateFolder } from "../DataFolder.ts"
import { accessCluster, dataOption } from "./ClusterOptions.ts"
import { CommandFailure } from "./CommandFailure.ts"
import {
  advertiseOption,
  advertiseWords,
  hostArgumentWords,
  hostOption,
  hostOptions,
  readAdvertisedIp,
  readHostArguments,
} from "./HostOptions.ts"
import { noAuthenticationOption, portOption } from "./Master.ts"
import { untilSignal } from "./Signals.ts"

const options = {
  data: dataOption,
  host: hostOption,
  advertise: advertiseOption,
  port: portOption,
  noAuthentication: noAuthenticationOption,
  agentPort: Options.integer("agent-port").pipe(
    Options.withDescription("Port of the agent; 0 takes a free one"),
    Options.withDefault(5051),
  ),
  ...hostOptions,
}

export const upCommand = Command.make("up", options, (args) =>
  untilSignal(
    Effect.gen(function* () {
      const { data } = args
      // Said here and not by a daemon's log.
      yield* readHostArguments(args)
      yield* readAdvertisedIp(args.advertise)
      yield* makePrivateFolder(data.logFolder)
      tell(`data folder  ${data.path}`)
      const { startChild } = yield* Effect.promise(() => import("./up/Child.ts"))
      // Stopped in reverse: the agent first, so that the master still hears how its tasks ended.
      const master = yield* startChild({
        name: "master",
        args: [
          ...["master", "--data", data.path, "--host", args.host, "--port", String(args.port)],
          ...advertiseWords(args.advertise),
          ...(args.noAuthentication ? ["--no-authentication"] : []),
        ],
        logFile: join(data.logFolder, "master.log"),
        stopWaitMs: 20_000,
      })
      const url = String(master.ready.url)
      tell(`master       ${url}  (secret in ${data.secretFile})`)
      const withAgent = Effect.gen(function* () {
        const agent = yield* startChild({
          name: "agent",
          args: [
            ...["agent", "--data", data.path, "--master", url],
            ...["--host", args.host, "--port", String(args.agentPort), ...advertiseWords(args.advertise)],
            ...hostArgumentWords(args),
          ],
          logFile: join(data.logFolder, "agent.log"),
          stopSignal: "SIGUSR1",
          stopWaitMs: 40_000,
        }).pipe(Effect.raceFirst(tellOfWaiting(join(data.logFolder, "agent.log"))))
        tell(`agent        ${String(agent.ready.url)}  lends ${String(agent.ready.resources)}`)
        tell(`logs         ${data.logFolder}`)
        tell(
          "try          gleaner run -- sh -c 'echo hello from $(hostname)'   (Ctrl-C here stops everything)",
        )
        return yield* Effect.raceFirst(agent.ended, showStatus(data, url))
      })
      return yield* Effect.raceFirst(master.ended, withAgent)
    }).pipe(
      Effect.scoped,
      Effect.mapError((error) =>
        error._tag === "CommandFailure" ? error : new CommandFailure({ message: error.message, exitCode: 1 }),
      ),
    ),
  ).pipe(Effect.zipRight(Effect.sync(() => tell("stopped"))), Effect.asVoid),
).pipe(
  Command.withDescription(
    "Start a whole cluster on this host: master and agent, state below the data folder. Example: gleaner up --data /tmp/gleaner --port 6050",
  ),
)

/** Says every few seconds what the agent's log says, for as long as it is not ready. */
const tellOfWaiting = (logFile: string): Effect.Effect<never> =>
  Effect.promise(() => import("./up/Child.ts")).pipe(
    Effect.flatMap(({ lastLines }) =>
      Effect.sync(() => tell(`waiting for the agent; ${logFile} ends: ${lastLines(logFile, 1)}`)),
    ),
    Effect.delay("10 seconds"),
    Effect.forever,
  )

const tell = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** Shows what is lent, live, until interrupted. A moment without an answer is shown, not fatal. */
const showStatus = (data: DataFolder, url: string) =>
  Effect.gen(function* () {
    const { createLiveLine, statusLine } = yield* Effect.promise(() => import("./up/StatusLine.ts"))
    const { fetchState } = yield* Effect.promise(() => import("./ClusterState.ts"))
    const access = yield* accessCluster({ data, master: Option.some(url), secretFile: Option.none() })
    const line = createLiveLine(process.stdout)
    yield* Effect.addFinalizer(() => Effect.sync(line.end))
    return yield* fetchState(access).pipe(
      Effect.map(statusLine),
      Effect.catchAll(() => Effect.succeed("the master does not answer")),
      Effect.map(line.show),
      Effect.repeat(Schedule.spaced("1 second")),
      Effect.zipRight(Effect.never),
    )
  }).pipe(Effect.scoped)
