import { enumOf, message, of, optional, repeated, required } from "../ProtoMessage.ts"
import { duration, id, resource, scalar, scalarsByName, span } from "./Resource.ts"

// The calls of operators (master.proto), with the bodies of the older endpoints.

export const weightInfo = message(required("weight", "number", 1), optional("role", "text", 2))

export const machineId = message(optional("hostname", "text", 1), optional("ip", "text", 2))

const window = message(
  repeated("machine_ids", of(machineId), 1),
  required(
    "unavailability",
    of(message(required("start", of(duration), 1), optional("duration", of(duration), 2))),
    2,
  ),
)
export const schedule = message(repeated("windows", of(window), 1))

const quotaConfig = message(
  required("role", "text", 1),
  optional("guarantees", scalarsByName, 2),
  optional("limits", scalarsByName, 3),
)

export const quotaRequest = message(
  optional("force", "flag", 1),
  optional("role", "text", 2),
  repeated("guarantee", of(resource), 3),
)

const ofAgent = of(message(required("agent_id", of(id), 1)))
const ofMachines = of(message(repeated("machines", of(machineId), 1)))
const ofVolumes = of(message(required("agent_id", of(id), 1), repeated("volumes", of(resource), 2)))

const types = [
  ...["UNKNOWN", "GET_HEALTH", "GET_FLAGS", "GET_VERSION", "GET_METRICS", "GET_LOGGING_LEVEL"],
  ...["SET_LOGGING_LEVEL", "LIST_FILES", "READ_FILE", "GET_STATE", "GET_AGENTS", "GET_FRAMEWORKS"],
  ...["GET_EXECUTORS", "GET_OPERATIONS", "GET_TASKS", "GET_ROLES", "GET_WEIGHTS", "UPDATE_WEIGHTS"],
  ...["GET_MASTER", "SUBSCRIBE", "RESERVE_RESOURCES", "UNRESERVE_RESOURCES", "CREATE_VOLUMES"],
  ...["DESTROY_VOLUMES", "GROW_VOLUME", "SHRINK_VOLUME", "GET_MAINTENANCE_STATUS"],
  ...["GET_MAINTENANCE_SCHEDULE", "UPDATE_MAINTENANCE_SCHEDULE", "START_MAINTENANCE", "STOP_MAINTENANCE"],
  ...["DRAIN_AGENT", "DEACTIVATE_AGENT", "REACTIVATE_AGENT", "GET_QUOTA", "UPDATE_QUOTA", "SET_QUOTA"],
  ...["REMOVE_QUOTA", "TEARDOWN", "MARK_AGENT_GONE"],
]

export const operatorCall = message(
  optional("type", enumOf(...types), 1),
  optional("get_metrics", of(message(optional("timeout", of(duration), 1))), 2),
  optional(
    "set_logging_level",
    of(message(required("level", "number", 1), required("duration", of(duration), 2))),
    3,
  ),
  optional("list_files", of(message(required("path", "text", 1))), 4),
  optional(
    "read_file",
    of(
      message(required("path", "text", 1), required("offset", "number", 2), optional("length", "number", 3)),
    ),
    5,
  ),
  optional("update_weights", of(message(repeated("weight_infos", of(weightInfo), 1))), 6),
  optional(
    "reserve_resources",
    of(
      message(
        required("agent_id", of(id), 1),
        repeated("source", of(resource), 3),
        repeated("resources", of(resource), 2),
      ),
    ),
    7,
  ),
  optional(
    "unreserve_resources",
    of(message(required("agent_id", of(id), 1), repeated("resources", of(resource), 2))),
    8,
  ),
  optional("create_volumes", ofVolumes, 9),
  optional("destroy_volumes", ofVolumes, 10),
  optional(
    "grow_volume",
    of(
      message(
        optional("agent_id", of(id), 1),
        required("volume", of(resource), 2),
        required("addition", of(resource), 3),
      ),
    ),
    18,
  ),
  optional(
    "shrink_volume",
    of(
      message(
        optional("agent_id", of(id), 1),
        required("volume", of(resource), 2),
        required("subtract", of(scalar), 3),
      ),
    ),
    19,
  ),
  optional("update_maintenance_schedule", of(message(required("schedule", of(schedule), 1))), 11),
  optional("start_maintenance", ofMachines, 12),
  optional("stop_maintenance", ofMachines, 13),
  optional(
    "drain_agent",
    of(
      message(
        required("agent_id", of(id), 1),
        optional("max_grace_period", of(span), 2),
        optional("mark_gone", "flag", 3),
      ),
    ),
    20,
  ),
  optional("deactivate_agent", ofAgent, 21),
  optional("reactivate_agent", ofAgent, 22),
  optional(
    "update_quota",
    of(message(optional("force", "flag", 1), repeated("quota_configs", of(quotaConfig), 2))),
    23,
  ),
  optional("set_quota", of(message(required("quota_request", of(quotaRequest), 1))), 14),
  optional("remove_quota", of(message(required("role", "text", 1))), 15),
  optional("teardown", of(message(required("framework_id", of(id), 1))), 16),
  optional("mark_agent_gone", ofAgent, 17),
)
