import type { FrameworkRecord, MasterState, OfferRecord } from "../../../core/master/State.ts"
import { addResources } from "../../../core/resources/Resources.ts"
import { constraintsToWire } from "../../mesos/OfferDemands.ts"
import { frameworkToWire } from "../../mesos/OperatorViews.ts"
import { amountsOfFramework, type FrameworkAmounts, resourcesView, sharesOfFramework } from "./Amounts.ts"
import { taskView } from "./Tasks.ts"

// Frameworks, in the v0 naming of `/frameworks` and `/state` and in that of GET_FRAMEWORKS. Of those that have left only the ids are
// kept, so `completed_frameworks` is empty.

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

export const frameworkView = (framework: FrameworkRecord, amounts: FrameworkAmounts) => {
  const { info } = framework
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
    tasks: amounts.tasks.map(taskView),
    unreachable_tasks: amounts.unreachableTasks.map(taskView),
    completed_tasks: [],
    offers: amounts.offers.map(offerView),
    executors: [],
    offer_constraints: constraintsToWire(info.constraints),
    ...(info.labels.length === 0 ? {} : { labels: info.labels }),
  }
}

/** The frameworks, or the one of this id. */
export const frameworkViews = (state: MasterState, frameworkId: string | null) => ({
  frameworks: [...state.frameworks.values()]
    .filter(({ id }) => frameworkId === null || id === frameworkId)
    .map((framework) => frameworkView(framework, amountsOfFramework(state, framework))),
  completed_frameworks: [],
  unregistered_frameworks: [],
})

/** GET_FRAMEWORKS. None is `recovered`: the journal knows all of them, also while they are away. */
export const getFrameworks = (state: MasterState) => ({
  frameworks: [...state.frameworks.values()].map((framework) => {
    const hosts = amountsOfFramework(state, framework).offers.map((offer) => ({
      offer,
      agent: state.agents.get(offer.agentId)!,
      unavailability: state.inverse.windows.get(offer.agentId) ?? null,
    }))
    return frameworkToWire(framework, { hosts, ...sharesOfFramework(state, framework) })
  }),
  completed_frameworks: [],
})
