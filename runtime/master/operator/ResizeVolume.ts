import { agentText } from "../../../core/master/AgentText.ts"
import { badRequest } from "../../http/HttpMessage.ts"
import { change } from "./Change.ts"

/** GROW_VOLUME and SHRINK_VOLUME, which no agent here can do: refused as Mesos refuses them where an agent cannot. */
export const resizeVolume = (operation: "GROW_VOLUME" | "SHRINK_VOLUME", agentId: string, problem: string) =>
  change((state) => {
    const agent = state.agents.get(agentId)
    return agent === undefined || agent.condition === "unreachable"
      ? badRequest("No agent found with specified ID")
      : badRequest(`Invalid ${operation} operation on agent ${agentText(agent)}: ${problem}`)
  })
