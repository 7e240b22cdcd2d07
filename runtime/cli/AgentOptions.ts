import { Options } from "@effect/cli"
import { Option } from "effect"

/** Options that say what of this host is lent and how, for `gleaner agent` and `gleaner up`. */
export const agentHostOptions = {
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

export interface AgentHostArguments {
  readonly cpus: Option.Option<number>
  readonly mem: Option.Option<string>
  readonly taskUser: string
  readonly allowRootTasks: boolean
  readonly cgroupParent: string
}

/** The same options as words of another command line. */
export const hostResourceArguments = (args: AgentHostArguments): ReadonlyArray<string> => [
  ...Option.match(args.cpus, { onNone: () => [], onSome: (cpus) => ["--cpus", String(cpus)] }),
  ...Option.match(args.mem, { onNone: () => [], onSome: (mem) => ["--mem", mem] }),
  ...["--task-user", args.taskUser, "--cgroup-parent", args.cgroupParent],
  ...(args.allowRootTasks ? ["--allow-root-tasks"] : []),
]
