import { weightsOf } from "../../../core/master/RoleSettings.ts"
import type { MasterState } from "../../../core/master/State.ts"
import { badRequest } from "../../http/HttpMessage.ts"
import { roleProblem } from "../../mesos/FrameworkInfo.ts"
import { numberToMesosText } from "../../mesos/NumberText.ts"
import type { WireWeightInfo } from "../../mesos/OperatorCall.ts"
import { change } from "./Change.ts"

/** `/weights`: the roles whose weight somebody has set. */
export const weightViews = (state: MasterState) => {
  const weights = weightsOf(state)
  return [...weights.keys()].sort().map((role) => ({ role, weight: weights.get(role)! }))
}

/** GET_WEIGHTS; without any there is nothing at all (mesos-transcripts README, 19). */
export const getWeights = (state: MasterState): object | undefined => {
  const weightInfos = weightViews(state).map(({ role, weight }) => ({ weight, role }))
  return weightInfos.length === 0 ? undefined : { weight_infos: weightInfos }
}

/** As in the configuration: a share over its weight must stay a number that can be compared. */
const [weightMin, weightMax] = [0.001, 1_000_000]

const weightProblem = ({ role, weight }: WireWeightInfo): string | undefined => {
  const problem = roleProblem(role)
  if (problem !== undefined) return `: Invalid role '${role}': ${problem}`
  const ofRole = ` for role '${role}': Invalid weight '${numberToMesosText(weight)}': `
  if (!(weight > 0)) return `${ofRole}Weights must be positive`
  if (weight < weightMin || weight > weightMax)
    return `${ofRole}Weights must be from ${weightMin} to ${weightMax}`
  return undefined
}

/** UPDATE_WEIGHTS and PUT `/weights`. All or none; of several weights of a role the last counts, as in Mesos. */
export const updateWeights = (wanted: ReadonlyArray<WireWeightInfo>) =>
  change(() => {
    // Mesos reads over white space around a role's name, here alone.
    const weights = wanted.map(({ role, weight }) => ({ role: role.trim(), weight }))
    for (const info of weights) {
      const problem = weightProblem(info)
      if (problem !== undefined) return badRequest(`Failed to validate update weights request JSON${problem}`)
    }
    return { type: "WeightsUpdated", weights }
  })
