import { isTerminal, taskKey } from "../Task.ts"
import {
  hasCapability,
  type MasterContext,
  noteDrainProgress,
  operationsOfAgent,
  putAgent,
  putTask,
  tasksOfAgent,
} from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import { markGone } from "./GoneAgents.ts"
import type { Drain } from "./HostRecords.ts"
import { rescindOffersOn, wantAllocation } from "./Offers.ts"
import type { AgentRecord, MasterState, TaskRecord } from "./State.ts"

// Hosts of which operators want nothing more offered, and hosts that they want empty (spec/mesos.md §1.11). What an order may be given
// for is judged right before the step.

export const onAgentDeactivated = (
  context: MasterContext,
  { agentId }: MasterEventOf<"AgentDeactivated">,
): void => {
  const agent = context.state.agents.get(agentId)
  if (agent === undefined || agent.isDeactivated) return
  putAgent(context, { ...agent, isDeactivated: true })
  rescindOffersOn(context, agentId)
}

/** Ends a drain that is over, too. */
export const onAgentReactivated = (
  context: MasterContext,
  { agentId }: MasterEventOf<"AgentReactivated">,
): void => {
  const agent = context.state.agents.get(agentId)
  if (agent === undefined || isDraining(agent)) return
  putAgent(context, { ...agent, isDeactivated: false, drain: null })
  wantAllocation(context)
}

export const isDraining = ({ drain }: AgentRecord): boolean => drain !== null && drain.stage === "draining"

/** Said again, it changes what was asked for, or nothing; tasks that are ending already only get less time by it. */
export const onDrainRequested = (
  context: MasterContext,
  { agentId, graceMaxMs, isGoneAfter }: MasterEventOf<"DrainRequested">,
): void => {
  const agent = context.state.agents.get(agentId)
  if (agent === undefined) return
  const before = isDraining(agent) ? agent.drain : null
  // All its tasks were told, and those that it brings along later are told then.
  if (before !== null && before.graceMaxMs === graceMaxMs && before.isGoneAfter === isGoneAfter) return
  const startedWallMs = before === null ? context.wallMs : before.startedWallMs
  const drain: Drain = { stage: "draining", graceMaxMs, isGoneAfter, startedWallMs }
  const draining: AgentRecord = { ...agent, isDeactivated: true, drain }
  putAgent(context, draining)
  rescindOffersOn(context, agentId)
  killTasksOf(context, draining)
}

/**
 * The agent is back: it may have brought tasks along that are to end, or have lost the last one. Each is told once more, as it may have
 * forgotten, but those whose order is still on its way to it (`killing`, by `taskKey`).
 */
export const continueDrain = (
  context: MasterContext,
  agent: AgentRecord,
  killing: ReadonlyArray<string> = [],
): void => {
  const { drain } = agent
  if (drain === null) return
  if (drain.stage === "drained" && !isEmpty(context.state, agent.id)) {
    putAgent(context, { ...agent, drain: { ...drain, stage: "draining" } })
  }
  killTasksOf(context, agent, new Set(killing))
}

const killTasksOf = (
  context: MasterContext,
  agent: AgentRecord,
  underWay: ReadonlySet<string> = new Set(),
): void => {
  for (const task of tasksOfAgent(context.state, agent.id)) {
    const isUnderWay =
      task.isDrained === true && underWay.has(taskKey(task.spec.frameworkId, task.spec.taskId))
    if (!isUnderWay) killForDrain(context, agent, task)
  }
  noteDrainProgress(context, agent.id)
}

/** Those that are unreachable come with their agent, and are killed then. */
const killForDrain = (context: MasterContext, { id, drain }: AgentRecord, task: TaskRecord): void => {
  const { frameworkId, taskId } = task.spec
  if (drain === null || task.hasEnded || isTerminal(task.state) || task.state === "TASK_UNREACHABLE") return
  const framework = context.state.frameworks.get(frameworkId)
  const isGone = drain.isGoneAfter && framework !== undefined && hasCapability(framework, "PARTITION_AWARE")
  putTask(context, { ...task, killRequested: true, isDrained: true })
  context.turn.emit({
    type: "SendToAgent",
    agentId: id,
    message: {
      type: "KillTask",
      frameworkId,
      taskId,
      graceMs: null,
      drain: { graceMaxMs: drain.graceMaxMs, isGone },
    },
  })
}

/** Final statuses of operations are the master's to repeat; for those of tasks their agent is needed. */
const isEmpty = (state: MasterState, agentId: string): boolean =>
  tasksOfAgent(state, agentId).length === 0 &&
  operationsOfAgent(state, agentId).every((record) => record.state !== "OPERATION_PENDING")

/**
 * The last thing that a step does with what it changed. An agent is drained when nothing of it is left that somebody waits for: all tasks
 * have ended, their ends were acknowledged, and no operation is under way. Not while it is unreachable: then nobody knows.
 */
export const settleDrains = (context: MasterContext): void => {
  const { state } = context
  if (state.perhapsDrained.size === 0) return
  const agentIds = Array.from(state.perhapsDrained).sort()
  state.perhapsDrained.clear()
  for (const agentId of agentIds) {
    const agent = state.agents.get(agentId)
    if (agent === undefined || !isDraining(agent) || agent.condition === "unreachable") continue
    if (!isEmpty(state, agentId)) continue
    const drained: AgentRecord = { ...agent, drain: { ...agent.drain!, stage: "drained" } }
    putAgent(context, drained)
    if (drained.drain!.isGoneAfter) markGone(context, drained)
  }
}
