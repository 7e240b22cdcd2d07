import { enumOf, mapOf, message, of, optional, repeated, required } from "../ProtoMessage.ts"
import { id, labels, resource, scalarsByName } from "./Resource.ts"
import { killPolicy, operation } from "./Task.ts"

// The calls of frameworks (scheduler.proto) and what they describe themselves by (mesos.proto).

const minAllocatable = message(
  repeated("quantities", of(message(optional("quantities", scalarsByName, 1))), 1),
)

const capability = message(
  optional(
    "type",
    enumOf(
      ...["UNKNOWN", "REVOCABLE_RESOURCES", "TASK_KILLING_STATE", "GPU_RESOURCES", "SHARED_RESOURCES"],
      ...["PARTITION_AWARE", "MULTI_ROLE", "RESERVATION_REFINEMENT", "REGION_AWARE"],
    ),
    1,
  ),
)

const frameworkInfo = message(
  required("user", "text", 1),
  required("name", "text", 2),
  optional("id", of(id), 3),
  optional("failover_timeout", "number", 4),
  optional("checkpoint", "flag", 5),
  optional("role", "text", 6),
  repeated("roles", "text", 12),
  optional("hostname", "text", 7),
  optional("principal", "text", 8),
  optional("webui_url", "text", 9),
  repeated("capabilities", of(capability), 10),
  optional("labels", of(labels), 11),
  optional("offer_filters", mapOf(message(optional("min_allocatable_resources", of(minAllocatable), 1))), 13),
)

const ofText = of(message(optional("value", "text", 1)))
const ofRegex = of(message(optional("regex", "text", 1)))

const attributeConstraint = message(
  optional(
    "selector",
    of(
      message(
        optional("pseudoattribute_type", enumOf("UNKNOWN", "HOSTNAME", "REGION", "ZONE"), 1),
        optional("attribute_name", "text", 2),
      ),
    ),
    1,
  ),
  optional(
    "predicate",
    of(
      message(
        optional("exists", of(message()), 1),
        optional("not_exists", of(message()), 2),
        optional("text_equals", ofText, 3),
        optional("text_not_equals", ofText, 4),
        optional("text_matches", ofRegex, 5),
        optional("text_not_matches", ofRegex, 6),
      ),
    ),
    2,
  ),
)

const roleConstraints = message(
  repeated("groups", of(message(repeated("attribute_constraints", of(attributeConstraint), 1))), 1),
)

const subscribe = message(
  required("framework_info", of(frameworkInfo), 1),
  repeated("suppressed_roles", "text", 2),
  optional("offer_constraints", of(message(optional("role_constraints", mapOf(roleConstraints), 1))), 3),
)

const filters = message(optional("refuse_seconds", "number", 1))
const ofInverseOffers = of(
  message(repeated("inverse_offer_ids", of(id), 1), optional("filters", of(filters), 2)),
)
const ofRoles = of(message(repeated("roles", "text", 1)))
const reconciledTask = message(required("task_id", of(id), 1), optional("agent_id", of(id), 2))
const reconciledOperation = message(
  required("operation_id", of(id), 1),
  optional("agent_id", of(id), 2),
  optional("resource_provider_id", of(id), 3),
)
const request = message(optional("agent_id", of(id), 1), repeated("resources", of(resource), 2))

const type = enumOf(
  ...["UNKNOWN", "SUBSCRIBE", "TEARDOWN", "ACCEPT", "DECLINE", "ACCEPT_INVERSE_OFFERS"],
  ...["DECLINE_INVERSE_OFFERS", "REVIVE", "SUPPRESS", "KILL", "SHUTDOWN", "ACKNOWLEDGE"],
  ...["ACKNOWLEDGE_OPERATION_STATUS", "RECONCILE", "RECONCILE_OPERATIONS", "MESSAGE", "REQUEST"],
  "UPDATE_FRAMEWORK",
)

export const schedulerCall = message(
  optional("framework_id", of(id), 1),
  optional("type", type, 2),
  optional("subscribe", of(subscribe), 3),
  optional(
    "accept",
    of(
      message(
        repeated("offer_ids", of(id), 1),
        repeated("operations", of(operation), 2),
        optional("filters", of(filters), 3),
      ),
    ),
    4,
  ),
  optional("decline", of(message(repeated("offer_ids", of(id), 1), optional("filters", of(filters), 2))), 5),
  optional("accept_inverse_offers", ofInverseOffers, 13),
  optional("decline_inverse_offers", ofInverseOffers, 14),
  optional("revive", ofRoles, 15),
  optional(
    "kill",
    of(
      message(
        required("task_id", of(id), 1),
        optional("agent_id", of(id), 2),
        optional("kill_policy", of(killPolicy), 3),
      ),
    ),
    6,
  ),
  optional("shutdown", of(message(required("executor_id", of(id), 1), required("agent_id", of(id), 2))), 7),
  optional(
    "acknowledge",
    of(
      message(required("agent_id", of(id), 1), required("task_id", of(id), 2), required("uuid", "bytes", 3)),
    ),
    8,
  ),
  optional(
    "acknowledge_operation_status",
    of(
      message(
        optional("agent_id", of(id), 1),
        optional("resource_provider_id", of(id), 2),
        required("uuid", "bytes", 3),
        required("operation_id", of(id), 4),
      ),
    ),
    17,
  ),
  optional("reconcile", of(message(repeated("tasks", of(reconciledTask), 1))), 9),
  optional("reconcile_operations", of(message(repeated("operations", of(reconciledOperation), 1))), 18),
  optional(
    "message",
    of(
      message(
        required("agent_id", of(id), 1),
        required("executor_id", of(id), 2),
        required("data", "bytes", 3),
      ),
    ),
    10,
  ),
  optional("request", of(message(repeated("requests", of(request), 1))), 11),
  optional("suppress", ofRoles, 16),
  optional("update_framework", of(subscribe), 19),
)
