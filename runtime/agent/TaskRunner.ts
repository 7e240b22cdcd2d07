import { join } from "node:path"
import { Cause, Data, Deferred, Effect, Exit, Schedule } from "effect"
import type { TaskExit } from "../../core/agent/State.ts"
import { amountOf } from "../../core/Resources.ts"
import type { TaskSpec } from "../../core/Task.ts"
import { Cgroups, type ContainerUsage } from "../cgroups/Cgroups.ts"
import { memMilliToBytes } from "../cgroups/ControlFiles.ts"
import type { Agent } from "./Agent.ts"
import { type LaunchedTask, Launcher, type TaskNotStarted } from "./Launcher.ts"
import { removeRunFolder } from "./launcher/RunFolder.ts"
import { makeSandbox, markSandboxEnded } from "./Sandbox.ts"
import { resolveTaskUser, type TaskUser } from "./TaskUser.ts"

export interface TaskRunnerOptions {
  /** Sandboxes lie below it. */
  readonly sandboxRoot: string
  /** Launchers' own files, one folder per container. */
  readonly runRoot: string
  /** User of tasks that ask for none. */
  readonly defaultUser: string
  readonly allowRootTasks: boolean
  /** Longest wait for a launched task's command to execute; default 60 s, a fortune even at the smallest share of a cpu. */
  readonly startWaitMs?: number
}

/** Carries out what the agent machine wants done on this host, and tells it what came of it. */
export interface TaskRunner {
  readonly start: (spec: TaskSpec, containerId: string, agent: Agent) => Effect.Effect<void>
  readonly terminate: (containerId: string) => Effect.Effect<void>
  readonly destroy: (
    task: { readonly frameworkId: string; readonly taskId: string; readonly containerId: string },
    agent: Agent,
  ) => Effect.Effect<void>
}

/** A container never gets less, whatever its task asked for: Mesos's minimum (spec/mesos.md §1.1). */
const minCpuMilli = 10
const minMemBytes = 32 * 1024 * 1024
/** Threads and processes of one task; a fork bomb ends here. */
const pidsMax = 4_096

/** How often a task that is on its way to exec is looked at. */
const startPollMs = 5

export const makeTaskRunner = (options: TaskRunnerOptions) =>
  Effect.gen(function* () {
    const cgroups = yield* Cgroups
    const launcher = yield* Launcher
    const startWaitMs = options.startWaitMs ?? 60_000
    /** Done when the exit of a container's task has been told. */
    const exitsTold = new Map<string, Deferred.Deferred<void>>()

    const launch = (spec: TaskSpec, containerId: string) =>
      Effect.gen(function* () {
        const { frameworkId, taskId, command, resources } = spec
        const user = yield* chooseUser(spec, options)
        const sandboxDir = yield* makeSandbox(options.sandboxRoot, { frameworkId, taskId, containerId }, user)
        yield* cgroups.create(containerId, {
          cpuMilli: Math.max(minCpuMilli, amountOf(resources, "cpus")),
          memBytes: Math.max(minMemBytes, memMilliToBytes(amountOf(resources, "mem"))),
          pidsMax,
        })
        return yield* launcher.start({
          containerId,
          command: command.shell
            ? { shell: true, value: command.value }
            : { shell: false, value: command.value, arguments: command.arguments },
          environment: environmentOf(spec, user, sandboxDir, containerId),
          user,
          sandboxDir,
          runDir: join(options.runRoot, containerId),
          joinPaths: yield* cgroups.joinPaths(containerId),
        })
      })

    /** Waits until the task's own command is executing; a failure or an end before that is the answer. */
    const awaitStart = (launched: LaunchedTask) =>
      Effect.raceFirst(
        launcher.progress(launched).pipe(
          Effect.repeat({
            until: ({ step }) => step === "exec" || step === "notfound",
            schedule: Schedule.spaced(startPollMs),
          }),
          Effect.asVoid,
        ),
        Effect.asVoid(launcher.awaitExit(launched)),
      ).pipe(
        Effect.catchTag("TaskNotStarted", failUnlessCommandMissing),
        Effect.timeoutFail({ duration: startWaitMs, onTimeout: () => new StartTimedOut({ startWaitMs }) }),
      )

    const awaitExit = (launched: LaunchedTask, memLimitBytes: number | null) =>
      launcher.awaitExit(launched).pipe(
        patientWithDefects,
        Effect.map(({ exitCode }): number | null => exitCode),
        // sh has told the task's stderr; 127 is what a shell makes of it.
        Effect.catchTags({
          TaskNotStarted: ({ exitCode }) => Effect.succeed(exitCode),
          LauncherDied: () => Effect.succeed(null),
        }),
        Effect.catchAllCause((cause) =>
          Effect.as(Effect.logError("the end of a task cannot be observed; it is ended", cause), null),
        ),
        Effect.flatMap((exitCode) =>
          cgroups.usage(launched.containerId).pipe(
            Effect.map((usage) => toTaskExit(exitCode, usage, memLimitBytes)),
            // Destroyed meanwhile by a kill: nothing is left to read.
            Effect.catchAllCause(() => Effect.succeed(toTaskExit(exitCode, undefined, memLimitBytes))),
          ),
        ),
      )

    const start: TaskRunner["start"] = (spec, containerId, agent) =>
      Effect.gen(function* () {
        const { frameworkId, taskId } = spec
        const of = { frameworkId, taskId }
        const exitTold = yield* Deferred.make<void>()
        // Whatever goes wrong, a full table of descriptors included: the task must not stay "starting".
        const launched = yield* Effect.exit(Effect.tap(launch(spec, containerId), awaitStart))
        if (Exit.isFailure(launched)) {
          const message = causeToMessage(launched.cause)
          yield* Effect.logWarning("task not started").pipe(Effect.annotateLogs({ ...of, why: message }))
          yield* removeContainer(containerId)
          agent.submit({ type: "StartFailed", ...of, reason: "REASON_CONTAINER_LAUNCH_FAILED", message })
          return
        }
        exitsTold.set(containerId, exitTold)
        agent.submit({ type: "TaskStarted", ...of })
        const memMilli = amountOf(spec.resources, "mem")
        const memLimitBytes = Math.max(minMemBytes, memMilliToBytes(memMilli))
        const exit = yield* awaitExit(launched.value, memLimitBytes)
        agent.submit({ type: "TaskExited", ...of, exit })
        yield* Deferred.succeed(exitTold, undefined)
      })

    const removeContainer = (containerId: string) =>
      cgroups.destroy(containerId).pipe(
        Effect.sandbox,
        Effect.tapError((cause) =>
          Effect.logError("a container resists its destruction; trying again").pipe(
            Effect.annotateLogs({ containerId, why: causeToMessage(cause) }),
          ),
        ),
        // A task may not be called ended while something of it runs, however long that takes (law L7).
        Effect.retry(Schedule.spaced("1 second")),
        Effect.orDie,
        Effect.zipRight(Effect.sync(() => removeRunFolder(join(options.runRoot, containerId)))),
      )

    const destroy: TaskRunner["destroy"] = ({ frameworkId, taskId, containerId }, agent) =>
      Effect.gen(function* () {
        const exitTold = exitsTold.get(containerId)
        yield* cgroups.destroy(containerId).pipe(Effect.catchAllCause(() => Effect.void))
        // The launcher, outside the container, has yet to write down what it saw.
        if (exitTold !== undefined) yield* Effect.timeoutOption(Deferred.await(exitTold), "5 seconds")
        exitsTold.delete(containerId)
        yield* removeContainer(containerId)
        markSandboxEnded(options.sandboxRoot, { frameworkId, taskId, containerId })
        agent.submit({ type: "ContainerDestroyed", frameworkId, taskId })
      })

    const terminate: TaskRunner["terminate"] = (containerId) =>
      Effect.catchAll(cgroups.signal(containerId, "SIGTERM"), (error) =>
        Effect.logWarning("SIGTERM did not reach a container").pipe(
          Effect.annotateLogs({ containerId, why: error.message }),
        ),
      )

    return { start, terminate, destroy } satisfies TaskRunner
  })

/** The launcher runs, and yet its command does not execute. */
class StartTimedOut extends Data.TaggedError("StartTimedOut")<{ readonly startWaitMs: number }> {
  override get message() {
    return `the task did not start within ${this.startWaitMs / 1_000} s: see stderr in its sandbox and the load of this host`
  }
}

const causeToMessage = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

/** A defect of a moment, such as no free descriptor, must not cost a task: it gets a minute to pass. */
const patientWithDefects = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  effect.pipe(
    Effect.sandbox,
    Effect.retry({ while: Cause.isDie, schedule: Schedule.spaced("1 second"), times: 60 }),
    Effect.unsandbox,
  )

/** A command that does not exist is the task's own failure, with exit code 127, not the agent's. */
const failUnlessCommandMissing = (error: TaskNotStarted) =>
  error.step === "command" ? Effect.void : Effect.fail(error)

const toTaskExit = (
  exitCode: number | null,
  usage: ContainerUsage | undefined,
  memLimitBytes: number | null,
): TaskExit => ({
  exitCode,
  isOutOfMemory: usage !== undefined && provesOutOfMemory(usage, exitCode),
  memMaxBytes: usage === undefined ? null : usage.memMaxBytes,
  memLimitBytes,
})

/**
 * Any process of the task counts, also when its first one went on and ended well: what the kernel took out of the
 * middle makes the result worthless, and Mesos ends such tasks too (spec/mesos.md §3.10). Older kernels only count how
 * often the limit was hit; that proves a kill together with a death by SIGKILL.
 */
const provesOutOfMemory = ({ oom }: ContainerUsage, exitCode: number | null): boolean =>
  oom.count > 0 && (oom.by === "kill" || (oom.by === "failcnt" && exitCode === 137))

/**
 * The task's own wish is honoured or refused. The framework's user is only its habit (v1 clients send their own
 * login, often root): where the host does not allow root, such tasks run as the default user.
 */
const chooseUser = (spec: TaskSpec, { defaultUser, allowRootTasks }: TaskRunnerOptions) => {
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
