import { Deferred, Effect, Exit } from "effect"
import type { AgentAction } from "../../core/agent/Action.ts"
import type { TaskExit } from "../../core/agent/State.ts"
import type { TaskSpec } from "../../core/Task.ts"
import { Cgroups, type ContainerLimits, type ContainerUsage } from "../cgroups/Cgroups.ts"
import type { Agent } from "./Agent.ts"
import { type LaunchedTask, Launcher } from "./Launcher.ts"
import { readStatus, removeRunFolder } from "./launcher/RunFolder.ts"
import { causeToMessage, patientWithDefects, persistently } from "./Persistence.ts"
import { markSandboxEnded } from "./Sandbox.ts"
import { limitsOf, makeTaskLaunch, runDirOf, type TaskLaunchOptions } from "./TaskLaunch.ts"

/** Who is told what came of it. */
export type TaskListener = Pick<Agent, "submit" | "whenDurable">

/** Carries out what the agent machine wants done on this host, and tells it what came of it. */
export interface TaskRunner {
  readonly start: (spec: TaskSpec, containerId: string, agent: TaskListener) => Effect.Effect<void>
  readonly regain: (
    task: Extract<AgentAction, { type: "RegainTask" }>,
    agent: TaskListener,
  ) => Effect.Effect<void>
  readonly terminate: (containerId: string) => Effect.Effect<void>
  readonly destroy: (
    task: { readonly frameworkId: string; readonly taskId: string; readonly containerId: string },
    agent: TaskListener,
  ) => Effect.Effect<void>
}

/** How long the launcher of a destroyed container may take to write down what it saw. */
const lastWordMs = 5_000

/**
 * Tasks on their way to exec at a time; the others wait for their turn. All at once they would slow each other down until
 * the first of them counts as hung.
 */
const launchesAtOnce = 16

export const makeTaskRunner = (options: TaskLaunchOptions) =>
  Effect.gen(function* () {
    const cgroups = yield* Cgroups
    const launcher = yield* Launcher
    const { launch, awaitStart } = makeTaskLaunch(options, cgroups, launcher)
    const inTurn = (yield* Effect.makeSemaphore(launchesAtOnce)).withPermits(1)
    /** Done when the exit of a container's task has been told. */
    const exitsTold = new Map<string, Deferred.Deferred<void>>()

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

    /** Its end, once it executes; what was told before is not told again. */
    const follow = (spec: TaskSpec, launched: LaunchedTask, agent: TaskListener) =>
      Effect.gen(function* () {
        const { frameworkId, taskId } = spec
        const exitTold = yield* Deferred.make<void>()
        exitsTold.set(launched.containerId, exitTold)
        agent.submit({ type: "TaskStarted", frameworkId, taskId, executorPid: launched.launcherPid })
        const exit = yield* awaitExit(launched, limitsOf(spec).memBytes)
        agent.submit({ type: "TaskExited", frameworkId, taskId, exit })
        yield* Deferred.succeed(exitTold, undefined)
      })

    /** From the launch on, however far that came; a failure before the command executes means that nothing was started. */
    const followStart = <E>(
      spec: TaskSpec,
      containerId: string,
      launching: Effect.Effect<LaunchedTask, E>,
      agent: TaskListener,
    ) =>
      Effect.gen(function* () {
        // Whatever goes wrong, a full table of descriptors included: the task must not stay "starting".
        const launched = yield* Effect.exit(inTurn(Effect.tap(launching, awaitStart)))
        if (Exit.isSuccess(launched)) yield* follow(spec, launched.value, agent)
        else yield* failStart(spec, containerId, causeToMessage(launched.cause), agent)
      })

    const failStart = (spec: TaskSpec, containerId: string, message: string, agent: TaskListener) =>
      Effect.gen(function* () {
        const { frameworkId, taskId } = spec
        yield* Effect.logWarning("task not started").pipe(
          Effect.annotateLogs({ frameworkId, taskId, why: message }),
        )
        yield* destroyContainer(containerId)
        const reason = "REASON_CONTAINER_LAUNCH_FAILED"
        agent.submit({ type: "StartFailed", frameworkId, taskId, reason, message })
        yield* forgetRun(containerId, agent)
      })

    const startAttempt = (spec: TaskSpec, containerId: string, attempt: number, agent: TaskListener) =>
      followStart(spec, containerId, launch(spec, containerId, attempt), agent)

    const regain: TaskRunner["regain"] = (task, agent) =>
      Effect.gen(function* () {
        const { spec, containerId, phase } = task
        const { frameworkId, taskId } = spec
        const runDir = runDirOf(options, containerId)
        const tellExit = (exitCode: number | null) => {
          const exit = toTaskExit(exitCode, undefined, limitsOf(spec).memBytes)
          agent.submit({ type: "TaskExited", frameworkId, taskId, exit })
        }
        if (task.isHostRestarted) return tellExit(readStatus(runDir) ?? null)
        const found = yield* persistently(
          "what became of a task cannot be found out; trying again",
          containerId,
          launcher.regain({ containerId, runDir }),
        )
        const outcome = found.type === "Launched" ? "regained" : task.mayStart ? "started now" : "never ran"
        yield* Effect.logInfo("a task of an earlier life of this agent").pipe(
          Effect.annotateLogs({ frameworkId, taskId, outcome }),
        )
        if (found.type === "NeverRan") {
          if (task.mayStart) return yield* startAttempt(spec, containerId, found.attempt, agent)
          if (phase === "running") return tellExit(null)
          return yield* failStart(spec, containerId, "The task had not been started", agent)
        }
        yield* retellLimits(containerId, limitsOf(spec))
        if (phase === "running") return yield* follow(spec, found.task, agent)
        yield* followStart(spec, containerId, Effect.succeed(found.task), agent)
      })

    const retellLimits = (containerId: string, limits: ContainerLimits) =>
      Effect.catchAll(cgroups.setLimits(containerId, limits), (error) =>
        Effect.logWarning("the limits of a regained task are not renewed").pipe(
          Effect.annotateLogs({ containerId, why: error.message }),
        ),
      )

    // A task may not be called ended while something of it runs, however long that takes (law L7).
    const destroyContainer = (containerId: string) =>
      persistently(
        "a container resists its destruction; trying again",
        containerId,
        cgroups.destroy(containerId),
      )

    /** What the launcher wrote down is kept until what it says is durable elsewhere. */
    const forgetRun = (containerId: string, agent: TaskListener) =>
      agent.whenDurable(() => removeRunFolder(runDirOf(options, containerId)))

    /** Of a task whose end nobody in this process has awaited: an agent before this one began to destroy it. */
    const tellLastWord = (
      of: { readonly frameworkId: string; readonly taskId: string },
      containerId: string,
      agent: TaskListener,
    ) =>
      Effect.gen(function* () {
        const found = yield* launcher.regain({ containerId, runDir: runDirOf(options, containerId) })
        if (found.type === "NeverRan") return
        const { exitCode } = yield* launcher.awaitExit(found.task)
        agent.submit({ type: "TaskExited", ...of, exit: toTaskExit(exitCode, undefined, null) })
      }).pipe(Effect.catchAllCause(() => Effect.void))

    const destroy: TaskRunner["destroy"] = ({ frameworkId, taskId, containerId }, agent) =>
      Effect.gen(function* () {
        const of = { frameworkId, taskId }
        const exitTold = exitsTold.get(containerId)
        yield* cgroups.destroy(containerId).pipe(Effect.catchAllCause(() => Effect.void))
        // The launcher, outside the container, has yet to write down what it saw.
        const lastWord =
          exitTold === undefined ? tellLastWord(of, containerId, agent) : Deferred.await(exitTold)
        yield* Effect.timeoutOption(lastWord, lastWordMs)
        exitsTold.delete(containerId)
        yield* destroyContainer(containerId)
        markSandboxEnded(options.sandboxRoot, { frameworkId, taskId, containerId })
        agent.submit({ type: "ContainerDestroyed", frameworkId, taskId })
        yield* forgetRun(containerId, agent)
      })

    const terminate: TaskRunner["terminate"] = (containerId) =>
      Effect.catchAll(cgroups.signal(containerId, "SIGTERM"), (error) =>
        Effect.logWarning("SIGTERM did not reach a container").pipe(
          Effect.annotateLogs({ containerId, why: error.message }),
        ),
      )

    return {
      start: (spec, containerId, agent) => startAttempt(spec, containerId, 1, agent),
      regain,
      terminate,
      destroy,
    } satisfies TaskRunner
  })

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
