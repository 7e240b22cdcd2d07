import { enumOf, type Message, message, of, optional, repeated, required } from "../ProtoMessage.ts"
import { duration, id, resource } from "./Resource.ts"

// The calls of an agent's operators (agent.proto).

/** Containers lie in each other no deeper than what is read of a call at all. */
const nestingMax = 32

const containerIdWithin = (depth: number): Message =>
  depth === nestingMax
    ? message(required("value", "text", 1))
    : message(required("value", "text", 1), optional("parent", of(containerIdWithin(depth + 1)), 2))

const containerId = containerIdWithin(0)

const ofContainer = of(message(required("container_id", of(containerId), 1)))

export const agentCallNames = [
  ...["UNKNOWN", "GET_HEALTH", "GET_FLAGS", "GET_VERSION", "GET_METRICS", "GET_LOGGING_LEVEL"],
  ...["SET_LOGGING_LEVEL", "LIST_FILES", "READ_FILE", "GET_STATE", "GET_CONTAINERS", "GET_FRAMEWORKS"],
  ...["GET_EXECUTORS", "GET_OPERATIONS", "GET_TASKS", "GET_AGENT", "GET_RESOURCE_PROVIDERS"],
  ...["LAUNCH_NESTED_CONTAINER", "WAIT_NESTED_CONTAINER", "KILL_NESTED_CONTAINER"],
  ...["REMOVE_NESTED_CONTAINER", "LAUNCH_NESTED_CONTAINER_SESSION", "ATTACH_CONTAINER_INPUT"],
  ...["ATTACH_CONTAINER_OUTPUT", "LAUNCH_CONTAINER", "WAIT_CONTAINER", "KILL_CONTAINER", "REMOVE_CONTAINER"],
  ...["ADD_RESOURCE_PROVIDER_CONFIG", "UPDATE_RESOURCE_PROVIDER_CONFIG", "REMOVE_RESOURCE_PROVIDER_CONFIG"],
  ...["MARK_RESOURCE_PROVIDER_GONE", "PRUNE_IMAGES"],
]

const ofInfo = of(message(required("info", "any", 1)))

export const agentCall = message(
  optional("type", enumOf(...agentCallNames), 1),
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
  optional("launch_nested_container", ofContainer, 6),
  optional("wait_nested_container", ofContainer, 7),
  optional("kill_nested_container", ofContainer, 8),
  optional("launch_nested_container_session", ofContainer, 9),
  optional(
    "attach_container_input",
    of(
      message(
        optional("type", enumOf("UNKNOWN", "CONTAINER_ID", "PROCESS_IO"), 1),
        optional("container_id", of(containerId), 2),
      ),
    ),
    10,
  ),
  optional("attach_container_output", ofContainer, 11),
  optional("remove_nested_container", ofContainer, 12),
  optional(
    "launch_container",
    of(message(required("container_id", of(containerId), 1), repeated("resources", of(resource), 3))),
    14,
  ),
  optional("wait_container", ofContainer, 15),
  optional("kill_container", ofContainer, 16),
  optional("remove_container", ofContainer, 17),
  optional("add_resource_provider_config", ofInfo, 18),
  optional("update_resource_provider_config", ofInfo, 19),
  optional(
    "get_containers",
    of(message(optional("show_nested", "flag", 1), optional("show_standalone", "flag", 2))),
    20,
  ),
  optional(
    "remove_resource_provider_config",
    of(message(required("type", "text", 1), required("name", "text", 2))),
    21,
  ),
  optional("mark_resource_provider_gone", of(message(required("resource_provider_id", of(id), 1))), 23),
)
