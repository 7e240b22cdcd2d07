import { enumOf, mapOf, message, of, optional, repeated, required } from "../ProtoMessage.ts"

// Values, resources and what they are made of (mesos.proto).

/** Ids are all alike. */
export const id = message(required("value", "text", 1))

export const duration = message(required("nanoseconds", "number", 1))

/** google.protobuf.Duration. */
export const span = message(optional("seconds", "number", 1), optional("nanos", "number", 2))

export const labels = message(
  repeated("labels", of(message(required("key", "text", 1), optional("value", "text", 2))), 1),
)

export const scalar = message(required("value", "number", 1))
export const scalarsByName = mapOf(scalar)

const range = message(required("begin", "number", 1), required("end", "number", 2))

const reservation = message(
  optional("type", enumOf("UNKNOWN", "STATIC", "DYNAMIC"), 4),
  optional("role", "text", 3),
  optional("principal", "text", 1),
  optional("labels", of(labels), 2),
)

export const volume = message(
  required("mode", enumOf("RW", "RO"), 3),
  required("container_path", "text", 1),
  optional("host_path", "text", 2),
  optional("image", "any", 4),
  optional("source", "any", 5),
)

const root = message(optional("root", "text", 1))

const source = message(
  required("type", enumOf("UNKNOWN", "PATH", "MOUNT", "BLOCK", "RAW"), 1),
  optional("path", of(root), 2),
  optional("mount", of(root), 3),
  optional("vendor", "text", 7),
  optional("id", "text", 4),
  optional("metadata", of(labels), 5),
  optional("profile", "text", 6),
)

const disk = message(
  optional("persistence", of(message(required("id", "text", 1), optional("principal", "text", 2))), 1),
  optional("volume", of(volume), 2),
  optional("source", of(source), 3),
)

export const resource = message(
  optional("provider_id", of(id), 12),
  required("name", "text", 1),
  required("type", enumOf("SCALAR", "RANGES", "SET", "TEXT"), 2),
  optional("scalar", of(scalar), 3),
  optional("ranges", of(message(repeated("range", of(range), 1))), 4),
  optional("set", of(message(repeated("item", "text", 1))), 5),
  optional("role", "text", 6),
  optional("allocation_info", of(message(optional("role", "text", 1))), 11),
  optional("reservation", of(reservation), 8),
  repeated("reservations", of(reservation), 13),
  optional("disk", of(disk), 7),
  optional("revocable", of(message()), 9),
  optional("shared", of(message()), 10),
)
