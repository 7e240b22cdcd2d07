import { Schema } from "effect"
import { Double, Id, listOf } from "./ProtoJson.ts"

// A resource as the v1 APIs write it, of either format of reservations (spec/mesos.md §1.7, "Old format"). Only its shape: what it means
// is read by Resources.ts.

export const Labels = Schema.Struct({
  labels: listOf(Schema.Struct({ key: Schema.String, value: Schema.optional(Schema.String) })),
})

const owner = { principal: Schema.optional(Schema.String), labels: Schema.optional(Labels) }

const Disk = Schema.Struct({
  persistence: Schema.optional(
    Schema.Struct({ id: Schema.String, principal: Schema.optional(Schema.String) }),
  ),
  volume: Schema.optional(
    Schema.Struct({ container_path: Schema.String, mode: Schema.optional(Schema.String) }),
  ),
  /** Told apart from none, and refused by name where it is not known. */
  source: Schema.optional(Schema.Unknown),
})

export const Resource = Schema.Struct({
  provider_id: Schema.optional(Id),
  name: Schema.String,
  type: Schema.String,
  scalar: Schema.optional(Schema.Struct({ value: Double })),
  ranges: Schema.optional(
    Schema.Struct({ range: listOf(Schema.Struct({ begin: Schema.Unknown, end: Schema.Unknown })) }),
  ),
  set: Schema.optional(Schema.Struct({ item: listOf(Schema.String) })),
  role: Schema.optional(Schema.String),
  allocation_info: Schema.optional(Schema.Struct({ role: Schema.optional(Schema.String) })),
  reservation: Schema.optional(Schema.Struct(owner)),
  reservations: Schema.optional(
    Schema.Array(
      Schema.Struct({ type: Schema.optional(Schema.String), role: Schema.optional(Schema.String), ...owner }),
    ),
  ),
  disk: Schema.optional(Disk),
  revocable: Schema.optional(Schema.Struct({})),
  shared: Schema.optional(Schema.Struct({})),
})
export type WireResource = typeof Resource.Type
