import { isIP } from "node:net"
import { Options } from "@effect/cli"
import { Effect, Option } from "effect"
import { type CommandFailure, refuseInput } from "./CommandFailure.ts"
import { readCpus, readMemMiB } from "./ResourceOptions.ts"

// Options that say what of this host is lent and how, for `gleaner agent` and `gleaner up`.

export const hostOptions = {
  cpus: Options.float("cpus").pipe(
    Options.withDescription("CPUs to lend; default: all of this host"),
    Options.optional,
  ),
  mem: Options.text("mem").pipe(
    Options.withDescription("Memory to lend, e.g. 8G; default: all but 1 GiB, half of a small host's"),
    Options.optional,
  ),
  taskUser: Options.text("task-user").pipe(
    Options.withDescription("User of tasks that ask for none"),
    Options.withDefault("nobody"),
  ),
  allowRootTasks: Options.boolean("allow-root-tasks").pipe(
    Options.withDescription("Let tasks run as root when they or their framework ask for it"),
  ),
  cgroupParent: Options.text("cgroup-parent").pipe(
    Options.withDescription("Name of the cgroup that holds all that is lent, in every hierarchy"),
    Options.withDefault("gleaner"),
  ),
}

export interface HostArguments {
  readonly cpus: Option.Option<number>
  readonly mem: Option.Option<string>
  readonly taskUser: string
  readonly allowRootTasks: boolean
  readonly cgroupParent: string
}

/** What is lent, as the agent takes it; null = find out. */
export const readHostArguments = ({ cpus, mem, cgroupParent, taskUser, allowRootTasks }: HostArguments) =>
  Effect.gen(function* () {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(cgroupParent)) {
      return yield* refuseInput(
        `--cgroup-parent ${cgroupParent}: one folder name of letters, digits, dots, dashes`,
      )
    }
    const lentCpus = Option.isSome(cpus) ? yield* readCpus(cpus.value) : null
    const lentMemMiB = Option.isSome(mem) ? yield* readMemMiB(mem.value) : null
    return {
      cpuMilli: lentCpus === null ? null : Math.round(lentCpus * 1000),
      memMilli: lentMemMiB === null ? null : Math.round(lentMemMiB * 1000),
      defaultUser: taskUser,
      allowRootTasks,
      cgroupParent,
    }
  })

/** The same options as words of another command line. */
export const hostArgumentWords = (args: HostArguments): ReadonlyArray<string> => [
  ...Option.match(args.cpus, { onNone: () => [], onSome: (cpus) => ["--cpus", String(cpus)] }),
  ...Option.match(args.mem, { onNone: () => [], onSome: (mem) => ["--mem", mem] }),
  ...["--task-user", args.taskUser, "--cgroup-parent", args.cgroupParent],
  ...(args.allowRootTasks ? ["--allow-root-tasks"] : []),
]

export const hostOption = Options.text("host").pipe(
  Options.withDescription("Address to listen on, 0.0.0.0 for all; loopback unless you say otherwise"),
  Options.withDefault("127.0.0.1"),
)

export const advertiseOption = Options.text("advertise").pipe(
  Options.withDescription(
    "IP address that others are told to reach this daemon at; default: the one of --host, for 0.0.0.0 the first of this host",
  ),
  Options.optional,
)

export const readAdvertisedIp = (
  advertise: Option.Option<string>,
): Effect.Effect<string | null, CommandFailure> =>
  Option.match(advertise, {
    onNone: () => Effect.succeed(null),
    onSome: (ip) =>
      isIP(ip) !== 0 && ip !== "0.0.0.0" && ip !== "::"
        ? Effect.succeed(ip)
        : refuseInput(`--advertise ${ip}: one IP address that others can connect to`),
  })

export const advertiseWords = (advertise: Option.Option<string>): ReadonlyArray<string> =>
  Option.match(advertise, { onNone: () => [], onSome: (ip) => ["--advertise", ip] })
