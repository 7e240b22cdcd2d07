import { Args, Command, Options } from "@effect/cli"
import { Context, Effect, Option } from "effect"
import { accessCluster, clusterOptions } from "./ClusterOptions.ts"
import { fetchState } from "./ClusterState.ts"
import { CommandFailure, refuseInput } from "./CommandFailure.ts"
import { readCpus, readMemMiB } from "./ResourceOptions.ts"
import type { OneTaskOptions, TaskEnd } from "./run/OneTask.ts"
import type { RunRequest } from "./run/RunRequest.ts"
import { waitingReason } from "./run/WaitingText.ts"
import { countSignals } from "./Signals.ts"

const askWaitMs = 2_000

/** A year, as far as anybody waits. */
const failoverSecondsMax = 365 * 86_400

/** The words after `--` on the command line, untouched by the option parser. */
export class CommandTail extends Context.Tag("gleaner/cli/CommandTail")<
  CommandTail,
  ReadonlyArray<string>
>() {}

const options = {
  ...clusterOptions,
  cpus: Options.float("cpus").pipe(
    Options.withDescription("CPUs the task may use at most, e.g. 0.5"),
    Options.withDefault(1),
  ),
  mem: Options.text("mem").pipe(
    Options.withDescription("Memory the task may use at most: 256M, 2G, 1.5GiB; a plain number means MiB"),
    Options.withDefault("256M"),
  ),
  name: Options.text("name").pipe(
    Options.withDescription("Name of the task; default: the command's name"),
    Options.optional,
  ),
  user: Options.text("user").pipe(
    Options.withDescription("User to run as on the agent; default: its unprivileged user"),
    Options.optional,
  ),
  role: Options.text("role").pipe(
    Options.withDescription("Role whose share is used"),
    Options.withDefault("*"),
  ),
  failoverTimeout: Options.integer("failover-timeout").pipe(
    Options.withDescription(
      "Seconds for which a running master keeps the task when this command is cut off or killed; then it ends the task",
    ),
    Options.withDefault(30),
  ),
  env: Options.keyValueMap("env").pipe(
    Options.withDescription("Environment variable NAME=VALUE for the task; repeatable"),
    Options.optional,
  ),
}

const words = Args.text({ name: "COMMAND" }).pipe(
  Args.withDescription("The command and its arguments; write them after --"),
  Args.repeated,
)

export const runCommand = Command.make("run", { ...options, words }, (args) =>
  Effect.gen(function* () {
    const command = [...args.words, ...(yield* CommandTail)]
    const [stray] = args.words
    if (stray?.startsWith("-")) {
      return yield* refuseInput(
        `unknown option ${stray}; see \`gleaner run --help\`, and write the command after --`,
      )
    }
    if (command.length === 0)
      return yield* refuseInput("no command: write it after --, e.g. `gleaner run -- hostname`")
    const memMiB = yield* readMemMiB(args.mem)
    const cpus = yield* readCpus(args.cpus)
    const failoverSeconds = args.failoverTimeout
    if (failoverSeconds < 0 || failoverSeconds > failoverSecondsMax) {
      return yield* refuseInput(
        `--failover-timeout ${failoverSeconds}: whole seconds from 0 to ${failoverSecondsMax}`,
      )
    }
    const access = yield* accessCluster(args)
    const name = Option.getOrElse(args.name, () => nameOf(command[0] ?? ""))
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(name)) {
      return yield* refuseInput(
        `--name ${name}: letters, digits, dots, dashes and underscores only, at most 200`,
      )
    }
    const findMaster = accessCluster(args)
    const whyWaiting = findMaster.pipe(
      Effect.flatMap(fetchState),
      Effect.timeout(askWaitMs),
      Effect.map((state) => waitingReason({ cpus, memMiB }, state)),
      Effect.catchAllCause(() => Effect.succeed(undefined)),
    )
    const place = { access, findMaster, failoverSeconds, whyWaiting }
    const end = yield* runTask(place, {
      name,
      cpus,
      memMiB,
      user: Option.getOrUndefined(args.user),
      role: args.role,
      environment: Array.from(
        Option.getOrElse(args.env, () => []),
        ([key, value]) => ({ name: key, value }),
      ),
      command,
    })
    yield* exitAs(end)
  }),
).pipe(
  Command.withDescription(
    "Run one task on the cluster, stream its output and exit with its code; Ctrl-C kills it. It outlives a restart of the master. Example: gleaner run --cpus 0.5 --mem 64M -- sh -c 'echo $HOSTNAME'",
  ),
)

/** The command's last path component, cut to what a task id allows. */
const nameOf = (command: string): string =>
  (command.split("/").pop() ?? "")
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 40) || "task"

const runTask = (
  place: Pick<OneTaskOptions, "access" | "findMaster" | "failoverSeconds" | "whyWaiting">,
  request: RunRequest,
) =>
  Effect.gen(function* () {
    const { startOneTask } = yield* Effect.promise(() => import("./run/OneTask.ts"))
    const task = yield* startOneTask({
      ...place,
      request,
      tell,
      writeStdout: (bytes) => writeTo(process.stdout, bytes),
      writeStderr: (bytes) => writeTo(process.stderr, bytes),
    })
    // The first signal kills the task and waits for its end; the second one leaves at once, and the master kills it.
    const signals = yield* countSignals
    const killed = Effect.zipRight(signals.reached(1), Effect.zipRight(task.kill, Effect.never))
    const abandoned = Effect.zipRight(
      signals.reached(2),
      new CommandFailure({ message: "left without waiting for the task's end", exitCode: 130 }),
    )
    const end = yield* Effect.raceFirst(task.ended, Effect.raceFirst(killed, abandoned))
    return { ...end, wasInterrupted: signals.count() > 0 }
  }).pipe(
    Effect.scoped,
    Effect.mapError((error) =>
      error._tag === "CommandFailure" ? error : new CommandFailure({ message: error.message, exitCode: 1 }),
    ),
  )

const tell = (line: string) => process.stderr.write(`gleaner: ${line}\n`)

const writeTo = (stream: NodeJS.WriteStream, bytes: Buffer): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    // A stream without a reader ends the whole command, see BrokenOutput.ts.
    stream.write(bytes, () => resume(Effect.void))
  })

/** 0 for a finished task, its own code for one that failed; 130 after Ctrl-C; 1 when it never ran or was lost. */
const exitAs = ({
  state,
  message,
  reason,
  exitCode,
  wasInterrupted,
}: TaskEnd & { wasInterrupted: boolean }) => {
  if (state === "TASK_FINISHED") return Effect.void
  const isPlainFailure = state === "TASK_FAILED" && reason === undefined
  const told = `${state}${reason === undefined ? "" : ` (${reason})`}: ${message}`
  if (wasInterrupted) return Effect.fail(new CommandFailure({ message: `killed: ${message}`, exitCode: 130 }))
  // 128 + SIGKILL, also when only a part of the task was killed and its shell ended well.
  const fallback = reason === "REASON_CONTAINER_LIMITATION_MEMORY" ? 137 : 1
  return Effect.fail(
    new CommandFailure({ message: isPlainFailure ? message : told, exitCode: exitCode || fallback }),
  )
}
