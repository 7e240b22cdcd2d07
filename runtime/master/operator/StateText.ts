import { executorsOf } from "../../../core/master/Executors.ts"
import {
  type CompletedFramework,
  completedFrameworks,
  completedTasksOf,
} from "../../../core/master/History.ts"
import type { AgentRecord, FrameworkRecord, MasterState, TaskRecord } from "../../../core/master/State.ts"
import { type Quantities, sameQuantities } from "../../../core/resources/Quantities.ts"
import { agentSummary, agentsByStanding } from "./Agents.ts"
import { amountsOfAgent, amountsOfFramework } from "./Amounts.ts"
import type { OperatorFacts } from "./Facts.ts"
import { completedFrameworkView, frameworkView } from "./Frameworks.ts"
import { stateHead } from "./State.ts"
import { orphanTasks, taskView } from "./Tasks.ts"
import type { ViewForm } from "./ViewForm.ts"

// `/state` as text, put together from what was written the last time: only agents, frameworks and tasks that have changed since are
// written anew. Records are never changed in place, so what is kept for one holds as long as it does, and goes with it. It takes about
// three times the size of the answer: each task's text, each framework's, and the answer.

interface AgentText {
  readonly tasks: number
  readonly offers: number
  readonly held: Quantities
  readonly text: string
}

interface FrameworkText {
  readonly tasks: number
  readonly offers: number
  readonly completed: string
  readonly bytes: Buffer
}

interface CompletedText {
  readonly completed: string
  readonly text: string
}

/** Where the tasks stand. No text of somebody else looks like this, since its quotes are escaped. */
const noTasks = '"tasks":[],"unreachable_tasks":[],"completed_tasks":[]'

/** Stays as long as the completed tasks of a framework do: they are added at one end and dropped at the other. */
const completedVersion = ({ completedIndex }: MasterState, frameworkId: string): string =>
  `${completedIndex.countOf(frameworkId)}/${completedIndex.newestOf(frameworkId) ?? ""}`

/** What was written in one form; the other takes no memory until it is asked for. */
class KeptTexts {
  private readonly tasks = new WeakMap<TaskRecord, string>()
  private readonly agents = new WeakMap<AgentRecord, AgentText>()
  private readonly frameworks = new WeakMap<FrameworkRecord, FrameworkText>()
  private readonly completed = new WeakMap<CompletedFramework, CompletedText>()

  constructor(private readonly form: ViewForm) {}

  private taskText(task: TaskRecord): string {
    const before = this.tasks.get(task)
    if (before !== undefined) return before
    const text = JSON.stringify(taskView(task, this.form))
    this.tasks.set(task, text)
    return text
  }

  listText(tasks: ReadonlyArray<TaskRecord>): string {
    return `[${tasks.map((task) => this.taskText(task)).join()}]`
  }

  /** Beside the record it says what tasks and offers hold on the host, and how much of its reserve is kept. */
  agentText(state: MasterState, agent: AgentRecord): string {
    const tasks = state.tasksByAgent.versionOf(agent.id)
    const offers = state.offersByAgent.versionOf(agent.id)
    const held = state.allocator.heldOn(agent.id)
    const before = this.agents.get(agent)
    const isSame = before?.tasks === tasks && before.offers === offers && sameQuantities(before.held, held)
    if (isSame) return before.text
    const text = JSON.stringify(agentSummary(agent, amountsOfAgent(state, agent), this.form))
    this.agents.set(agent, { tasks, offers, held, text })
    return text
  }

  frameworkText(state: MasterState, framework: FrameworkRecord): Buffer {
    const tasks = state.tasksByFramework.versionOf(framework.id)
    const offers = state.offersByFramework.versionOf(framework.id)
    const completed = completedVersion(state, framework.id)
    const before = this.frameworks.get(framework)
    if (before?.tasks === tasks && before.offers === offers && before.completed === completed)
      return before.bytes
    const amounts = amountsOfFramework(state, framework)
    const withoutTasks = { ...amounts, tasks: [], unreachableTasks: [] }
    const view = frameworkView(framework, withoutTasks, [], executorsOf(state, framework.id), this.form)
    const lists =
      `"tasks":${this.listText(amounts.tasks)},"unreachable_tasks":${this.listText(amounts.unreachableTasks)},` +
      `"completed_tasks":${this.listText(completedTasksOf(state, framework.id))}`
    const bytes = Buffer.from(
      JSON.stringify(view).replace(noTasks, () => lists),
      "utf8",
    )
    this.frameworks.set(framework, { tasks, offers, completed, bytes })
    return bytes
  }

  completedText(state: MasterState, removal: CompletedFramework): string {
    const completed = completedVersion(state, removal.frameworkId)
    const before = this.completed.get(removal)
    if (before?.completed === completed) return before.text
    const text = JSON.stringify(completedFrameworkView(state, removal, this.form))
    this.completed.set(removal, { completed, text })
    return text
  }
}

const keptTexts: { readonly [form in ViewForm]: KeptTexts } = {
  mesos: new KeptTexts("mesos"),
  gleaner: new KeptTexts("gleaner"),
}

const comma = Buffer.from(",")

/** What `stateView` is as JSON, of the master's own state: what is kept is not for the eyes of who may not see all of it. */
export const stateText = (facts: OperatorFacts, form: ViewForm): Buffer => {
  const { state } = facts
  const kept = keptTexts[form]
  const { registered, recovered, unreachable } = agentsByStanding(state)
  const agents = (list: ReadonlyArray<AgentRecord>) =>
    list.map((agent) => kept.agentText(state, agent)).join()
  const missing = form === "mesos" ? "" : `"unreachable_slave_list":[${agents(unreachable)}],`
  const head =
    `${JSON.stringify(stateHead(facts)).slice(0, -1)},"slaves":[${agents(registered)}],` +
    `"recovered_slaves":[${agents(recovered)}],${missing}"frameworks":[`
  const gone = completedFrameworks(state).map((removal) => kept.completedText(state, removal))
  const orphans = kept.listText(orphanTasks(state))
  const tail = `],"completed_frameworks":[${gone.join()}],"unregistered_frameworks":[],"orphan_tasks":${orphans}}`
  const parts: Array<Buffer> = [Buffer.from(head, "utf8")]
  for (const framework of state.frameworks.values()) {
    if (parts.length > 1) parts.push(comma)
    parts.push(kept.frameworkText(state, framework))
  }
  parts.push(Buffer.from(tail, "utf8"))
  return Buffer.concat(parts)
}
