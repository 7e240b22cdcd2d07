import { type ExecutorView, executorIdsOn, executorsOf } from "../../../core/master/Executors.ts"
import {
  type CompletedFramework,
  completedFrameworks,
  completedTasksOf,
} from "../../../core/master/History.ts"
import type { FrameworkRecord, MasterState, OfferRecord, TaskRecord } from "../../../core/master/State.ts"
import { addResources, noResources } from "../../../core/resources/Resources.ts"
import { constraintsToWire } from "../../mesos/OfferDemands.ts"
import { completedFrameworkToWire, frameworkToWire } from "../../mesos/OperatorViews.ts"
import {
  amountsOfFramework,
  type FrameworkAmounts,
  isUnreachable,
  resourcesView,
  sharesOfFramework,
} from "./Amounts.ts"
import { executorView, taskView } from "./Tasks.ts"
import type { ViewForm } from "./ViewForm.ts"

// Frameworks, in the v0 naming of `/frameworks` and `/state` and in that of GET_FRAMEWORKS.

/** What `/state-summary` says of a framework, too. */
export const frameworkSummary = (
  { id, info, streamId, isRecovered }: FrameworkRecord,
  { used, offered }: FrameworkAmounts,
) => ({
  id,
  name: info.name,
  used_resources: resourcesView(used),
  offered_resources: resourcesView(offered),
  capabilities: info.capabilities,
  hostname: info.hostname,
  webui_url: info.webuiUrl ?? "",
  active: streamId !== null,
  connected: streamId !== null,
  recovered: isRecovered,
})

const offerView = (offer: OfferRecord) => ({
  id: offer.id,
  framework_id: offer.frameworkId,
  slave_id: offer.agentId,
  allocation_info: { role: offer.role },
  resources: resourcesView(offer.resources),
})

export const frameworkView = (
  framework: FrameworkRecord,
  amounts: FrameworkAmounts,
  completed: ReadonlyArray<TaskRecord>,
  executors: ReadonlyArray<ExecutorView>,
  form: ViewForm,
) => {
  const { info } = framework
  const toView = (task: TaskRecord) => taskView(task, form)
  return {
    ...frameworkSummary(framework, amounts),
    user: info.user,
    ...(info.principal === null ? {} : { principal: info.principal }),
    ...(info.capabilities.includes("MULTI_ROLE") ? { roles: info.roles } : { role: info.roles[0] ?? "*" }),
    failover_timeout: info.failoverTimeoutMs / 1000,
    checkpoint: info.checkpoint,
    registered_time: framework.registeredWallMs / 1000,
    ...(framework.reregisteredWallMs === null
      ? {}
      : { reregistered_time: framework.reregisteredWallMs / 1000 }),
    unregistered_time: 0,
    resources: resourcesView(addResources(amounts.used, amounts.offered)),
    tasks: amounts.tasks.map(toView),
    unreachable_tasks: amounts.unreachableTasks.map(toView),
    completed_tasks: completed.map(toView),
    offers: amounts.offers.map(offerView),
    executors: executors.map(executorView),
    offer_constraints: constraintsToWire(info.constraints),
    ...(info.labels.length === 0 ? {} : { labels: info.labels }),
  }
}

/** Nothing is its own any more; what its tasks still hold until their agents say that they ended is nobody's. */
export const completedFrameworkView = (
  state: MasterState,
  { framework, unregisteredWallMs }: CompletedFramework,
  form: ViewForm,
) => {
  const completed = completedTasksOf(state, framework.id)
  const nothing: FrameworkAmounts = {
    ...{ tasks: [], offers: [], used: noResources, offered: noResources },
    unreachableTasks: completed.filter(isUnreachable),
  }
  return {
    ...frameworkView(
      framework,
      nothing,
      completed.filter((task) => !isUnreachable(task)),
      [],
      form,
    ),
    ...{ active: false, connected: false, recovered: false },
    unregistered_time: unregisteredWallMs / 1000,
  }
}

const byFramework = (executors: ReadonlyArray<ExecutorView>): ReadonlyMap<string, Array<ExecutorView>> => {
  const found = new Map<string, Array<ExecutorView>>()
  for (const executor of executors) {
    const others = found.get(executor.frameworkId)
    if (others === undefined) found.set(executor.frameworkId, [executor])
    else others.push(executor)
  }
  return found
}

/** The frameworks, or the one of this id. */
export const frameworkViews = (state: MasterState, frameworkId: string | null, form: ViewForm) => {
  const executors = byFramework(executorsOf(state))
  return {
    frameworks: [...state.frameworks.values()]
      .filter(({ id }) => frameworkId === null || id === frameworkId)
      .map((framework) =>
        frameworkView(
          framework,
          amountsOfFramework(state, framework),
          completedTasksOf(state, framework.id),
          executors.get(framework.id) ?? [],
          form,
        ),
      ),
    completed_frameworks: completedFrameworks(state)
      .filter(({ framework: { id } }) => frameworkId === null || id === frameworkId)
      .map((removal) => completedFrameworkView(state, removal, form)),
    unregistered_frameworks: [],
  }
}

/** GET_FRAMEWORKS. None is `recovered`: the journal knows all of them, also while they are away. */
export const getFrameworks = (state: MasterState) => ({
  frameworks: [...state.frameworks.values()].map((framework) => {
    const hosts = amountsOfFramework(state, framework).offers.map((offer) => ({
      offer,
      agent: state.agents.get(offer.agentId)!,
      executorIds: executorIdsOn(state, offer.agentId, framework.id),
      unavailability: state.inverse.windows.get(offer.agentId) ?? null,
    }))
    return frameworkToWire(framework, { hosts, ...sharesOfFramework(state, framework) })
  }),
  completed_frameworks: completedFrameworks(state).map(completedFrameworkToWire),
})
