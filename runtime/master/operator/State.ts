import type { MasterState } from "../../../core/master/State.ts"
import { build, buildView } from "../../Build.ts"
import { hostAndPort } from "../../http/HttpUrl.ts"
import { isActive } from "../../mesos/OperatorViews.ts"
import { masterCapabilities } from "../../mesos/SchedulerEvent.ts"
import { agentSummary, agentsByStanding, agentViews, getAgents } from "./Agents.ts"
import type { OperatorFacts } from "./Facts.ts"
import { frameworkViews, getFrameworks } from "./Frameworks.ts"
import { flagsView } from "./Info.ts"
import { getExecutors, getTasks, orphanTasks, taskView } from "./Tasks.ts"
import type { ViewForm } from "./ViewForm.ts"

// Everything at once.

/** GET_STATE. */
export const getState = (state: MasterState) => ({
  get_tasks: getTasks(state),
  get_executors: getExecutors(state),
  get_frameworks: getFrameworks(state),
  get_agents: getAgents(state),
})

/** What `/state` says besides its lists. */
export const stateHead = ({ state, identity, startedWallMs, flags }: OperatorFacts) => {
  const { registered, unreachable } = agentsByStanding(state)
  const { address, masterId, version } = identity
  const pid = `master@${hostAndPort(address.ip, address.port)}`
  return {
    version,
    ...buildView(build),
    start_time: startedWallMs / 1000,
    elected_time: startedWallMs / 1000,
    id: masterId,
    pid,
    hostname: address.hostname,
    capabilities: masterCapabilities,
    activated_slaves: registered.filter(isActive).length,
    deactivated_slaves: registered.filter((agent) => !isActive(agent)).length,
    unreachable_slaves: unreachable.length,
    leader: pid,
    leader_info: { id: masterId, pid, port: address.port, hostname: address.hostname },
    // Left out for those who may not see them (transcript auth/state_bob).
    ...(flags === null ? {} : { flags: flagsView(flags) }),
  }
}

/** `/state` in the v0 naming that existing tools read (spec/mesos.md §6.3). `StateText.ts` writes the same from what it has kept. */
export const stateView = (facts: OperatorFacts, form: ViewForm) => ({
  ...stateHead(facts),
  ...agentViews(facts.state, null, (agent, amounts) => agentSummary(agent, amounts, form), form),
  ...frameworkViews(facts.state, null, form),
  orphan_tasks: orphanTasks(facts.state).map((task) => taskView(task, form)),
})
