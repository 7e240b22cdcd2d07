import { Clock, Effect } from "effect"
import type { Holding } from "../../core/allocation/Explain/AllocationView.ts"
import { Explainer, type RoleAnswer } from "../../core/allocation/Explain.ts"
import type { Stage } from "../../core/allocation/HostVerdict.ts"
import { IndexedAllocator } from "../../core/allocation/IndexedAllocator.ts"
import {
  findPreemptions,
  type PreemptionHost,
  type PreemptionTask,
} from "../../core/allocation/Preemption.ts"
import { holdsResources, offersOfAgent, tasksOfAgent } from "../../core/master/Context.ts"
import type { MasterState, TaskRecord } from "../../core/master/State.ts"
import { heldResources } from "../../core/resources/HeldResources.ts"
import { amountOf, isNoQuantities } from "../../core/resources/Quantities.ts"
import { scalarQuantities } from "../../core/resources/Resources.ts"
import { taskKey } from "../../core/Task.ts"
import { jsonReply, refuse } from "../http/HttpMessage.ts"
import { get } from "../http/Routes.ts"
import { type ExplainQuestion, readQuestion } from "./ExplainQuestion.ts"
import { type ExplainView, roleView, type StopView, stopView, unitsOf } from "./ExplainView.ts"
import { Master } from "./Master.ts"

/** Questions asked before others of this process have their turn: about 10 ms. */
const questionsAtOnce = 250
/** Hosts looked at for tasks that could be stopped, and how many of them are shown. */
const preemptionHostsMax = 500
const stopsShown = 5

/** Stages that stopped tasks could get a request past. */
const stoppableStages: ReadonlyArray<Stage> = ["taken", "short", "reserve"]
/** Stages past which nothing needs to be stopped. */
const fittingStages: ReadonlyArray<Stage> = ["ownOffer", "filtered", "behind", "offered"]

/**
 * `GET /explain?framework=ID` says why a framework gets no offers, `GET /explain?role=R&cpus=2&mem=4096` why a task does not fit; see
 * `ExplainQuestion`. Needs the cluster secret: it tells who holds what.
 */
export const explainRoutes = [
  get("/explain", (request) =>
    Effect.gen(function* () {
      const { state, nowMs } = yield* Master
      const question = readQuestion(request.query(), state)
      if ("sentence" in question) return yield* refuse(question.status, question.sentence)
      const { allocator } = state
      if (!(allocator instanceof IndexedAllocator)) {
        return yield* refuse(501, "this master's allocator cannot be asked")
      }
      const { frameworkId, role, wanted } = question
      const explainer = new Explainer(
        allocator.view(),
        { frameworkId, role, wanted, nowMs: nowMs() },
        { holdingsOn: (agentId) => holdingsOn(state, agentId), nameOf: (id) => nameOf(state, id) },
      )
      while (!explainer.advance(questionsAtOnce)) yield* othersTurn
      const wallMs = yield* Clock.currentTimeMillis
      const view: ExplainView = {
        framework:
          frameworkId === null
            ? null
            : { id: frameworkId, name: state.frameworks.get(frameworkId)?.info.name ?? "" },
        wanted: unitsOf(wanted),
        answers: explainer
          .answers()
          .map((answer) =>
            roleView(answer, stopsFor(state, question, answer, wallMs), question.isEveryHostListed),
          ),
      }
      return jsonReply(view)
    }),
  ),
]

/** Lets sockets and timers be served; a fiber that only yields would not. */
const othersTurn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

const nameOf = ({ frameworks }: MasterState, frameworkId: string): string => {
  const name = frameworks.get(frameworkId)?.info.name
  return name === undefined || name === "" ? frameworkId : `${name} (${frameworkId})`
}

const holdingsOn = (state: MasterState, agentId: string): ReadonlyArray<Holding> =>
  offersOfAgent(state, agentId)
    .map(({ frameworkId, role, resources }): Holding => ({ frameworkId, role, by: "offer", resources }))
    .concat(
      tasksOfAgent(state, agentId)
        .filter(holdsResources)
        .map(({ spec }): Holding => {
          const { frameworkId, role } = spec
          return { frameworkId, role, by: "task", resources: heldResources(spec.resources) }
        }),
    )

/** Whom one would have to stop, for a task that fits nowhere, where roles have priorities. */
const stopsFor = (
  state: MasterState,
  { wanted }: ExplainQuestion,
  { role, groups }: RoleAnswer,
  wallMs: number,
): ReadonlyArray<StopView> | null => {
  const { priorities } = state.settings.allocator
  if (role === null || isNoQuantities(wanted) || Object.keys(priorities).length === 0) return null
  if (groups.some(({ stage }) => fittingStages.includes(stage))) return null
  const hosts = groups
    .filter(({ stage }) => stoppableStages.includes(stage))
    .flatMap((group) => group.hosts.map(({ agentId }) => agentId))
    .slice(0, preemptionHostsMax)
    .map((agentId) => preemptionHost(state, agentId, wallMs))
  return findPreemptions(hosts, { role, resources: wanted }, priorities)
    .slice(0, stopsShown)
    .map((preemption) => stopView(preemption, state))
}

const preemptionHost = (state: MasterState, agentId: string, wallMs: number): PreemptionHost => ({
  agentId,
  available: state.allocator.availableOn(agentId),
  owed: state.allocator.missingFromReserveOf(agentId),
  tasks: tasksOfAgent(state, agentId)
    .filter(holdsResources)
    .map((task) => preemptionTask(task, wallMs)),
})

/** Nobody says how much of its work a task has saved, so all that it could have done since its launch counts as lost. */
const preemptionTask = ({ spec, launchedWallMs }: TaskRecord, wallMs: number): PreemptionTask => {
  const resources = heldResources(spec.resources)
  const ranMs = Math.max(0, Math.round(wallMs - launchedWallMs))
  return {
    key: taskKey(spec.frameworkId, spec.taskId),
    role: spec.role,
    resources,
    lostWork: amountOf(scalarQuantities(resources), "cpus") * ranMs,
    startedAtMs: launchedWallMs,
  }
}
