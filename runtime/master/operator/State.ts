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

/** `/state` in the v0 naming that existing tools read (spec/mesos.md §6.3). */
export const stateView = ({ state, identity, startedWallMs, flags }: OperatorFacts) => {
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
    ...agentViews(state, null),
    ...frameworkViews(state, null),
    orphan_tasks: orphanTasks(state).map(taskView),
  }
}
