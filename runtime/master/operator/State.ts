import type { MasterState } from "../../../core/master/State.ts"
import { hostAndPort } from "../../http/HttpUrl.ts"
import { isActive } from "../../mesos/OperatorViews.ts"
import { agentsByStanding, agentViews, getAgents } from "./Agents.ts"
import type { OperatorFacts } from "./Facts.ts"
import { frameworkViews, getFrameworks } from "./Frameworks.ts"
import { flagsView } from "./Info.ts"
import { getExecutors, getTasks, orphanTasks, taskView } from "./Tasks.ts"

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
    id: masterId,
    pid,
    hostname: address.hostname,
    start_time: startedWallMs / 1000,
    elected_time: startedWallMs / 1000,
    leader: pid,
    leader_info: { id: masterId, pid, port: address.port, hostname: address.hostname },
    // Left out for those who may not see them (transcript auth/state_bob).
    ...(flags === null ? {} : { flags: flagsView(flags) }),
    activated_slaves: registered.filter(isActive).length,
    deactivated_slaves: registered.filter((agent) => !isActive(agent)).length,
    unreachable_slaves: unreachable.length,
  }
}

/** `/state` in the v0 naming that existing tools read (spec/mesos.md §6.3). `StateText.ts` writes the same from what it has kept. */
export const stateView = (facts: OperatorFacts) => ({
  ...stateHead(facts),
  ...agentViews(facts.state, null),
  ...frameworkViews(facts.state, null),
  orphan_tasks: orphanTasks(facts.state).map(taskView),
})
