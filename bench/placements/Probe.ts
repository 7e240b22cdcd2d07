import type { Allocator } from "../../core/allocation/Allocator.ts"
import { agentIdOf } from "../allocation/Workload.ts"
import { wrongResult } from "../allocation/WrongResult.ts"
import type { Ledger } from "./Ledger.ts"
import type { PlacementWorkload } from "./Workload.ts"
import { type Amounts, toPlacementAgent } from "./Workload.ts"

/** Asks for one more task of the measured group: the agent's id, or why it was refused. */
export type Ask = (amounts: Amounts) => string

/**
 * Some rules say nothing in the workload that goes with them: with enough idle hosts the least used one is never a host that the rule
 * excludes, and where all hosts are in one zone none is. So that nobody is fast by not looking at the rule, it is made to matter
 * once, after the time was taken.
 */
export const probeRule = (
  workload: PlacementWorkload,
  allocator: Allocator,
  ledger: Ledger,
  ask: Ask,
): void => {
  if (workload.name === "pod-anti-affinity") fillUp(workload, ledger, ask)
  if (workload.name === "node-affinity" || workload.name === "pod-affinity") {
    addIdleHostElsewhere(workload, allocator)
    const { amounts } = workload.measured[0]!
    const answer = ask(amounts)
    if (answer === elsewhereId) wrongResult("a task went to an idle host that is not in its zone")
    ledger.take("measured", answer, amounts)
  }
}

/** Until each host has one, and then none has a place. */
const fillUp = (workload: PlacementWorkload, ledger: Ledger, ask: Ask): void => {
  const { amounts } = workload.measured[0]!
  const taken = workload.before.length + workload.measured.length
  for (let host = taken; host < workload.hosts.length; host++) ledger.take("measured", ask(amounts), amounts)
  const answer = ask(amounts)
  if (answer !== "refused: rules")
    wrongResult(
      `each host has a task that keeps apart, and one more should be refused by the rules: ${answer}`,
    )
}

const elsewhereId = agentIdOf(9_999_999)

const addIdleHostElsewhere = (workload: PlacementWorkload, allocator: Allocator): void => {
  const hostname = "elsewhere.example.org"
  allocator.putAgent({ ...toPlacementAgent(workload, 0), agentId: elsewhereId, hostname, zone: "elsewhere" })
}
