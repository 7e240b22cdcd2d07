import { weightsOf } from "../../../core/master/RoleSettings.ts"
import type { MasterState } from "../../../core/master/State.ts"

/** `/weights`: the roles whose weight somebody has set. */
export const weightViews = (state: MasterState) => {
  const weights = weightsOf(state)
  return Object.keys(weights)
    .sort()
    .map((role) => ({ role, weight: weights[role]! }))
}

/** GET_WEIGHTS; without any there is nothing at all (mesos-transcripts README, 19). */
export const getWeights = (state: MasterState): object | undefined => {
  const weightInfos = weightViews(state).map(({ role, weight }) => ({ weight, role }))
  return weightInfos.length === 0 ? undefined : { weight_infos: weightInfos }
}
