import type { AgentState, TaskPhase } from "../../../core/agent/State.ts"
import type { NetworkAddress, TextAttribute } from "../../../core/master/State.ts"
import type { Resources } from "../../../core/resources/Resources.ts"
import { type TaskSpec, taskKey } from "../../../core/Task.ts"
import type { Caller } from "../../access/Caller.ts"
import { remembered } from "../../access/SeenRoles.ts"
import type { ToldTask } from "../../mesos/OperatorViews.ts"
import type { FrameworkFacts } from "../../protocol/AgentProtocol.ts"
import { executorNameOf, type TaskHistory } from "../TaskHistory.ts"

/** A setting in force, in the words of Mesos's flags: `work_dir`. */
export interface Flag {
  readonly name: string
  readonly value: string
}

/** What this agent is, and does not change. */
export interface AgentIdentity {
  readonly version: string
  readonly address: NetworkAddress
  /** As this agent was told to find it. */
  readonly masterHostname: string
  readonly attributes: ReadonlyArray<TextAttribute>
  /** What its flags announce, before anything was reserved. */
  readonly base: Resources
  readonly flags: ReadonlyArray<Flag>
  readonly startedWallMs: number
  /** From the start of the process to the end of its recovery. */
  readonly recoveryMs: number
  readonly sandboxRoot: string
  /** Files of launches lie below it, one folder per container. */
  readonly runRoot: string
}

/** All that the questions of operators are answered from. */
export interface AgentFacts {
  readonly identity: AgentIdentity
  readonly state: AgentState
  readonly history: TaskHistory
  /** What a framework says of itself; undefined = the master has not told it to this process. */
  readonly frameworkOf: (frameworkId: string) => FrameworkFacts | undefined
  readonly uptimeMs: number
  /** What was removed of ended tasks, and failed to be. */
  readonly removals: { readonly succeeded: number; readonly failed: number }
}

/** A task as it is told. */
export interface ShownTask extends ToldTask {
  /** `past`: nothing is left of it, nor to be told. */
  readonly phase: TaskPhase | "past"
  readonly containerId: string
  readonly executorId: string
  readonly executorName: string
}

/** What of the agent a caller gets to see. Reads are not refused: what may not be seen is left out (mesos-transcripts README, 24). */
export interface Seen {
  readonly facts: AgentFacts
  /** Those that are there, or have still to be acknowledged; in the order of their launches. */
  readonly tasks: ReadonlyArray<ShownTask>
  /** The oldest end first. */
  readonly past: ReadonlyArray<ShownTask>
  /** The same as `tasks` for somebody who sees everything: sums are of the whole host. */
  readonly allTasks: ReadonlyArray<ShownTask>
  /** Null: whoever asks may not see them. */
  readonly flags: ReadonlyArray<Flag> | null
  readonly caller: Caller
}

/** The user that its command runs as. */
export const userOf = ({ command, frameworkUser }: TaskSpec): string => command.user ?? frameworkUser

const executorIdOf = ({ executor, taskId }: TaskSpec): string => executor?.executorId ?? taskId

const shownTasks = ({ state, history }: AgentFacts): ReadonlyArray<ShownTask> =>
  [...state.tasks.values()].map(({ spec, containerId, phase, latest }) => ({
    ...{ spec, containerId, phase },
    state: latest?.state ?? "TASK_STAGING",
    status: latest,
    notes: history.notesOf(taskKey(spec.frameworkId, spec.taskId)),
    executorId: executorIdOf(spec),
    executorName: spec.executor === undefined ? executorNameOf(spec) : "",
  }))

const pastTasks = ({ history }: AgentFacts): ReadonlyArray<ShownTask> =>
  history.past().map(({ spec, containerId, executorName, latest, notes }) => ({
    ...{ spec, containerId, executorName, notes },
    phase: "past",
    state: latest?.state ?? "TASK_STAGING",
    status: latest,
    executorId: executorIdOf(spec),
  }))

export const seenBy = (caller: Caller, facts: AgentFacts): Seen => {
  const mayViewFramework = remembered((user) => caller.isAllowed("view_frameworks", user))
  const mayViewTask = remembered((user) => caller.isAllowed("view_tasks", user))
  const mayViewExecutor = remembered((user) => caller.isAllowed("view_executors", user))
  const isSeen = ({ spec }: ShownTask): boolean =>
    mayViewFramework(spec.frameworkUser) && mayViewTask(userOf(spec)) && mayViewExecutor(userOf(spec))
  const allTasks = shownTasks(facts)
  return {
    facts,
    allTasks,
    tasks: allTasks.filter(isSeen),
    past: pastTasks(facts).filter(isSeen),
    flags: caller.isAllowed("view_flags", null) ? facts.identity.flags : null,
    caller,
  }
}
