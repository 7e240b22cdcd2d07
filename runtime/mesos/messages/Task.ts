import { enumOf, message, of, optional, repeated, required } from "../ProtoMessage.ts"
import { duration, id, labels, resource, scalar, scalarsByName, volume } from "./Resource.ts"

// Tasks, executors and the operations of an ACCEPT (mesos.proto).

const uri = message(
  required("value", "text", 1),
  optional("executable", "flag", 2),
  optional("extract", "flag", 3),
  optional("cache", "flag", 5),
  optional("output_file", "text", 4),
)

const variable = message(
  required("name", "text", 1),
  optional("type", enumOf("UNKNOWN", "VALUE", "SECRET"), 3),
  optional("value", "text", 2),
  optional("secret", "any", 4),
)

const command = message(
  repeated("uris", of(uri), 1),
  optional("environment", of(message(repeated("variables", of(variable), 1))), 2),
  optional("shell", "flag", 6),
  optional("value", "text", 3),
  repeated("arguments", "text", 7),
  optional("user", "text", 5),
)

const container = message(
  required("type", enumOf("DOCKER", "MESOS"), 1),
  repeated("volumes", of(volume), 2),
  optional("hostname", "text", 4),
  optional("docker", "any", 3),
  optional("mesos", of(message(optional("image", "any", 1))), 5),
  repeated("network_infos", "any", 7),
  optional("linux_info", "any", 8),
  optional("rlimit_info", "any", 9),
  optional("tty_info", "any", 10),
)

export const killPolicy = message(optional("grace_period", of(duration), 1))

const executor = message(
  optional("type", enumOf("UNKNOWN", "DEFAULT", "CUSTOM"), 15),
  required("executor_id", of(id), 1),
  optional("framework_id", of(id), 8),
  optional("command", of(command), 7),
  optional("container", of(container), 11),
  repeated("resources", of(resource), 5),
  optional("name", "text", 9),
  optional("source", "text", 10),
  optional("data", "bytes", 4),
  optional("discovery", "any", 12),
  optional("shutdown_grace_period", of(duration), 13),
  optional("labels", of(labels), 14),
)

const task = message(
  required("name", "text", 1),
  required("task_id", of(id), 2),
  required("agent_id", of(id), 3),
  repeated("resources", of(resource), 4),
  optional("executor", of(executor), 5),
  optional("command", of(command), 7),
  optional("container", of(container), 9),
  optional("health_check", "any", 8),
  optional("check", "any", 13),
  optional("kill_policy", of(killPolicy), 12),
  optional("data", "bytes", 6),
  optional("labels", of(labels), 10),
  optional("discovery", "any", 11),
  optional("max_completion_time", of(duration), 14),
  optional("limits", scalarsByName, 15),
)

const launchGroup = message(
  required("executor", of(executor), 1),
  required("task_group", of(message(repeated("tasks", of(task), 1))), 2),
)

const ofVolumes = of(message(repeated("volumes", of(resource), 1)))

const createDisk = message(
  required("source", of(resource), 1),
  required("target_type", enumOf("UNKNOWN", "PATH", "MOUNT", "BLOCK", "RAW"), 2),
  optional("target_profile", "text", 3),
)

export const operation = message(
  optional(
    "type",
    enumOf(
      ...["UNKNOWN", "LAUNCH", "LAUNCH_GROUP", "RESERVE", "UNRESERVE", "CREATE", "DESTROY"],
      ...["GROW_VOLUME", "SHRINK_VOLUME", "CREATE_DISK", "DESTROY_DISK"],
    ),
    1,
  ),
  optional("id", of(id), 12),
  optional("launch", of(message(repeated("task_infos", of(task), 1))), 2),
  optional("launch_group", of(launchGroup), 7),
  optional(
    "reserve",
    of(message(repeated("source", of(resource), 3), repeated("resources", of(resource), 2))),
    3,
  ),
  optional("unreserve", of(message(repeated("resources", of(resource), 1))), 4),
  optional("create", ofVolumes, 5),
  optional("destroy", ofVolumes, 6),
  optional(
    "grow_volume",
    of(message(required("volume", of(resource), 1), required("addition", of(resource), 2))),
    13,
  ),
  optional(
    "shrink_volume",
    of(message(required("volume", of(resource), 1), required("subtract", of(scalar), 2))),
    14,
  ),
  optional("create_disk", of(createDisk), 15),
  optional("destroy_disk", of(message(required("source", of(resource), 1))), 16),
)
