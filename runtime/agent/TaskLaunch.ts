import { join } from "node:path"
import { Data, Effect, Schedule } from "effect"
import { heldScalars } from "../../core/resources/HeldResources.ts"
import { amountOf } from "../../core/resources/Quantities.ts"
import type { TaskSpec } from "../../core/Task.ts"
import type { Cgroups, ContainerLimits } from "../cgroups/Cgroups.ts"
import { memMilliToBytes } from "../cgroups/ControlFiles.ts"
import type { LaunchedTask, Launcher, TaskNotStarted } from "./Launcher.ts"
import { makeSandbox } from "./Sandbox.ts"
import { resolveTaskUser, type TaskUser } from "./TaskUser.ts"
import { mountVolumes } from "./Volumes.ts"

// From what a framework asked for to a command that executes: user, sandbox, cgroups, environment, launcher.

export interface TaskLaunchOptions {
  /** Sandboxes lie below it. */
  readonly sandboxRoot: string
  /** Persistent volumes lie below it. */
  readonly volumeRoot: string
  /** Launchers' own files, one folder per container. */
  readonly runRoot: string
  /** User of tasks that ask for none. */
  readonly defaultUser: string
  readonly allowRootTasks: boolean
  /** Longest wait for a launched task's command to execute; default 60 s, a fortune even at the smallest share of a cpu. */
  readonly startWaitMs?: number
}

/** A container never gets less, whatever its task asked for: Mesos's minimum (spec/mesos.md §1.1). */
const minCpuMilli = 10
const minMemBytes = 32 * 1024 * 1024
/** Threads and processes of one task; a fork bomb ends here. */
const pidsMax = 4_096

/** A task that is on its way to exec is looked at after 5 ms, 7 ms, 11 ms … then every 50 ms. */
const startPolls = Schedule.union(Schedule.exponential("5 millis", 1.5), Schedule.spaced("50 millis"))

export const runDirOf = ({ runRoot }: TaskLaunchOptions, containerId: string): string =>
  join(runRoot, containerId)

export const makeTaskLaunch = (
  options: TaskLaunchOptions,
  cgroups: Cgroups["Type"],
  launcher: Launcher["Type"],
) => {
  const startWaitMs = options.startWaitMs ?? 60_000

  /** `attempt` above 1: an agent before this one was about to launch it, and surely did not. */
  const launch = (spec: TaskSpec, containerId: string, attempt: number) =>
    Effect.gen(function* () {
      const { frameworkId, taskId, command } = spec
      const isAgain = attempt > 1
      const user = yield* chooseUser(spec, options)
      const place = { frameworkId, taskId, containerId }
      const sandboxDir = yield* makeSandbox(options.sandboxRoot, place, user, isAgain)
      yield* mountVolumes(options.volumeRoot, spec, sandboxDir, user)
      // Nothing has run in what an agent before this one may have made.
      if (isAgain) yield* cgroups.destroy(containerId)
      yield* cgroups.create(containerId, limitsOf(spec))
      return yield* launcher.start({
        containerId,
        command: command.shell
          ? { shell: true, value: command.value }
          : { shell: false, value: command.value, arguments: command.arguments },
        environment: environmentOf(spec, user, sandboxDir, containerId),
        user,
        sandboxDir,
        runDir: runDirOf(options, containerId),
        joinPaths: yield* cgroups.joinPaths(containerId),
        attempt,
      })
    })

  /** Waits until the task's own command is executing; a failure or an end before that is the answer. */
  const awaitStart = (launched: LaunchedTask) =>
    Effect.raceFirst(
      launcher.progress(launched).pipe(
        Effect.repeat({
          until: ({ step }) => step === "exec" || step === "notfound",
          schedule: startPolls,
        }),
        Effect.asVoid,
      ),
      Effect.asVoid(launcher.awaitExit(launched)),
    ).pipe(
      Effect.catchTag("TaskNotStarted", failUnlessCommandMissing),
      Effect.timeoutFail({ duration: startWaitMs, onTimeout: () => new StartTimedOut({ startWaitMs }) }),
    )

  return { launch, awaitStart }
}

export const limitsOf = (spec: TaskSpec): ContainerLimits => {
  const resources = heldScalars(spec.resources)
  return {
    cpuMilli: Math.max(minCpuMilli, amountOf(resources, "cpus")),
    memBytes: Math.max(minMemBytes, memMilliToBytes(amountOf(resources, "mem"))),
    pidsMax,
  }
}

/** The launcher runs, and yet its command does not execute. */
class StartTimedOut extends Data.TaggedError("StartTimedOut")<{ readonly startWaitMs: number }> {
  override get message() {
    return `the task did not start within ${this.startWaitMs / 1_000} s: see stderr in its sandbox and the load of this host`
  }
}

/** A command that does not exist is the task's own failure, with exit code 127, not the agent's. */
const failUnlessCommandMissing = (error: TaskNotStarted) =>
  error.step === "command" ? Effect.void : Effect.fail(error)

/**
 * The task's own wish is honoured or refused. The framework's user is only its habit (v1 clients send their own
 * login, often root): where the host does not allow root, such tasks run as the default user.
 */
const chooseUser = (spec: TaskSpec, { defaultUser, allowRootTasks }: TaskLaunchOptions) => {
  const resolve = (name: string) => resolveTaskUser(name, { allowRoot: allowRootTasks })
  const asDefault = resolveTaskUser(process.getuid?.() === 0 ? defaultUser : undefined, {
    allowRoot: allowRootTasks,
    isOperatorsChoice: true,
  })
  if (spec.command.user !== null && spec.command.user !== "") return resolve(spec.command.user)
  if (spec.frameworkUser === "") return asDefault
  return Effect.catchTag(resolve(spec.frameworkUser), "TaskUserForbidden", () => asDefault)
}

/** The whole environment: a minimum, what Mesos tells tasks (spec/mesos.md §2.10), then what the task asked for. */
const environmentOf = (
  spec: TaskSpec,
  user: TaskUser,
  sandboxDir: string,
  containerId: string,
): Record<string, string> => ({
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: sandboxDir,
  USER: user.name,
  LOGNAME: user.name,
  SHELL: "/bin/sh",
  MESOS_SANDBOX: sandboxDir,
  MESOS_DIRECTORY: sandboxDir,
  MESOS_TASK_ID: spec.taskId,
  MESOS_FRAMEWORK_ID: spec.frameworkId,
  MESOS_EXECUTOR_ID: spec.taskId,
  MESOS_CONTAINER_ID: containerId,
  MESOS_ALLOCATION_ROLE: spec.role,
  ...Object.fromEntries(spec.command.environment.map(({ name, value }) => [name, value])),
})
