import type { OperationRecord } from "../../../core/master/Operation.ts"
import type { MasterState } from "../../../core/master/State.ts"
import { heldResources } from "../../../core/resources/HeldResources.ts"
import { resourcesToWire } from "../../mesos/Resources.ts"
import { operationStatusToWire } from "../../mesos/SchedulerEvent.ts"
import { uuidToWire } from "../../mesos/Uuid.ts"

// GET_OPERATIONS: those that a framework follows by an id, until it has acknowledged how they ended. All others are done when they are
// answered, and nothing is left of them to show.

const operationToWire = (record: OperationRecord) => {
  const { frameworkId, operationId, agentId, type, resources, uuid } = record
  const list = resourcesToWire(heldResources(resources), { withRole: false, allocatedTo: null })
  const isOfVolumes = type === "CREATE" || type === "DESTROY"
  const status = operationStatusToWire(record)
  return {
    framework_id: { value: frameworkId },
    agent_id: { value: agentId },
    info: {
      type,
      id: { value: operationId },
      [type.toLowerCase()]: isOfVolumes ? { volumes: list } : { resources: list },
    },
    latest_status: status,
    statuses: [status],
    ...(uuid === null ? {} : { uuid: { value: uuidToWire(uuid) } }),
  }
}

/** Empty lists are left out (transcript operator/RESERVE_ok_then_GET_OPERATIONS). */
export const getOperations = (state: MasterState) =>
  state.operations.size === 0
    ? {}
    : {
        operations: [...state.operations.values()]
          .filter(({ frameworkId }) => state.frameworks.has(frameworkId))
          .map(operationToWire),
      }
