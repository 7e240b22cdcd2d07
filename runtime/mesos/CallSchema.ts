import { Either, ParseResult, Schema, type SchemaAST } from "effect"

// The scheduler calls of the v1 API as JSON (spec/mesos.md §2.1, §2.3). Unknown fields are ignored and null means unset,
// as in Mesos; what gleaner does not offer is decoded as far as it must be recognised, so that it can be refused by name.

const Id = Schema.Struct({ value: Schema.String })

/** Mesos also takes numbers and booleans that come as text. */
const Double = Schema.Union(Schema.Number, Schema.NumberFromString)
const Bool = Schema.Union(
  Schema.Boolean,
  Schema.transform(Schema.Literal("true", "false"), Schema.Boolean, {
    decode: (text) => text === "true",
    encode: (value) => (value ? "true" : "false"),
  }),
)

const listOf = <A, I>(item: Schema.Schema<A, I>) =>
  Schema.optionalWith(Schema.Array(item), { default: () => [] })

const Filters = Schema.Struct({ refuse_seconds: Schema.optional(Double) })

const Duration = Schema.Struct({ nanoseconds: Double })

const KillPolicy = Schema.Struct({ grace_period: Schema.optional(Duration) })

const Labels = Schema.Struct({
  labels: Schema.optionalWith(
    Schema.Array(Schema.Struct({ key: Schema.String, value: Schema.optional(Schema.String) })),
    { default: () => [] },
  ),
})

const Resource = Schema.Struct({
  name: Schema.String,
  type: Schema.String,
  scalar: Schema.optional(Schema.Struct({ value: Double })),
  role: Schema.optional(Schema.String),
  reservation: Schema.optional(Schema.Unknown),
  reservations: Schema.optional(Schema.Array(Schema.Unknown)),
  disk: Schema.optional(Schema.Unknown),
  revocable: Schema.optional(Schema.Unknown),
  shared: Schema.optional(Schema.Unknown),
  allocation_info: Schema.optional(Schema.Struct({ role: Schema.optional(Schema.String) })),
})

const Command = Schema.Struct({
  shell: Schema.optionalWith(Bool, { default: () => true }),
  value: Schema.optional(Schema.String),
  arguments: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
  user: Schema.optional(Schema.String),
  uris: Schema.optionalWith(Schema.Array(Schema.Unknown), { default: () => [] }),
  environment: Schema.optional(
    Schema.Struct({
      variables: Schema.optionalWith(
        Schema.Array(
          Schema.Struct({
            name: Schema.String,
            value: Schema.optional(Schema.String),
            type: Schema.optional(Schema.String),
          }),
        ),
        { default: () => [] },
      ),
    }),
  ),
})

const Container = Schema.Struct({
  type: Schema.String,
  mesos: Schema.optional(Schema.Struct({ image: Schema.optional(Schema.Unknown) })),
  docker: Schema.optional(Schema.Unknown),
  hostname: Schema.optional(Schema.Unknown),
  linux_info: Schema.optional(Schema.Unknown),
  rlimit_info: Schema.optional(Schema.Unknown),
  tty_info: Schema.optional(Schema.Unknown),
  volumes: Schema.optionalWith(Schema.Array(Schema.Unknown), { default: () => [] }),
  network_infos: Schema.optionalWith(Schema.Array(Schema.Unknown), { default: () => [] }),
})

const TaskInfo = Schema.Struct({
  name: Schema.String,
  task_id: Id,
  agent_id: Id,
  resources: Schema.optionalWith(Schema.Array(Resource), { default: () => [] }),
  command: Schema.optional(Command),
  executor: Schema.optional(Schema.Unknown),
  container: Schema.optional(Container),
  health_check: Schema.optional(Schema.Unknown),
  check: Schema.optional(Schema.Unknown),
  max_completion_time: Schema.optional(Schema.Unknown),
  limits: Schema.optional(Schema.Unknown),
  kill_policy: Schema.optional(KillPolicy),
  labels: Schema.optional(Labels),
})
export type WireTask = typeof TaskInfo.Type

const Operation = Schema.Struct({
  type: Schema.optional(Schema.String),
  id: Schema.optional(Id),
  launch: Schema.optional(
    Schema.Struct({ task_infos: Schema.optionalWith(Schema.Array(TaskInfo), { default: () => [] }) }),
  ),
})
export type WireOperation = typeof Operation.Type

const OfferFilters = Schema.Struct({
  min_allocatable_resources: Schema.optional(
    Schema.Struct({
      quantities: listOf(
        Schema.Struct({
          quantities: Schema.optionalWith(
            Schema.Record({ key: Schema.String, value: Schema.Struct({ value: Double }) }),
            { default: () => ({}) },
          ),
        }),
      ),
    }),
  ),
})
export type WireOfferFilters = typeof OfferFilters.Type

const TextPredicate = Schema.optional(Schema.Struct({ value: Schema.optional(Schema.String) }))
const RegexPredicate = Schema.optional(Schema.Struct({ regex: Schema.optional(Schema.String) }))

const AttributeConstraint = Schema.Struct({
  selector: Schema.optional(
    Schema.Struct({
      pseudoattribute_type: Schema.optional(Schema.String),
      attribute_name: Schema.optional(Schema.String),
    }),
  ),
  predicate: Schema.optional(
    Schema.Struct({
      exists: Schema.optional(Schema.Unknown),
      not_exists: Schema.optional(Schema.Unknown),
      text_equals: TextPredicate,
      text_not_equals: TextPredicate,
      text_matches: RegexPredicate,
      text_not_matches: RegexPredicate,
    }),
  ),
})
export type WireAttributeConstraint = typeof AttributeConstraint.Type

const RoleConstraints = Schema.Struct({
  groups: listOf(Schema.Struct({ attribute_constraints: listOf(AttributeConstraint) })),
})
export type WireRoleConstraints = typeof RoleConstraints.Type

const FrameworkInfo = Schema.Struct({
  user: Schema.String,
  name: Schema.String,
  id: Schema.optional(Id),
  failover_timeout: Schema.optionalWith(Double, { default: () => 0 }),
  checkpoint: Schema.optionalWith(Bool, { default: () => false }),
  role: Schema.optional(Schema.String),
  roles: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
  hostname: Schema.optional(Schema.String),
  principal: Schema.optional(Schema.String),
  webui_url: Schema.optional(Schema.String),
  offer_filters: Schema.optional(Schema.Record({ key: Schema.String, value: OfferFilters })),
  capabilities: Schema.optionalWith(Schema.Array(Schema.Struct({ type: Schema.optional(Schema.String) })), {
    default: () => [],
  }),
})
export type WireFrameworkInfo = typeof FrameworkInfo.Type

const OfferIds = Schema.optionalWith(Schema.Array(Id), { default: () => [] })
const Roles = Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] })

const Subscribe = Schema.Struct({
  framework_info: FrameworkInfo,
  suppressed_roles: Roles,
  offer_constraints: Schema.optional(
    Schema.Struct({
      role_constraints: Schema.optional(Schema.Record({ key: Schema.String, value: RoleConstraints })),
    }),
  ),
})
export type WireSubscribe = typeof Subscribe.Type

const Call = Schema.Struct({
  type: Schema.optional(Schema.String),
  framework_id: Schema.optional(Id),
  subscribe: Schema.optional(Subscribe),
  accept: Schema.optional(
    Schema.Struct({
      offer_ids: OfferIds,
      operations: Schema.optionalWith(Schema.Array(Operation), { default: () => [] }),
      filters: Schema.optional(Filters),
    }),
  ),
  decline: Schema.optional(Schema.Struct({ offer_ids: OfferIds, filters: Schema.optional(Filters) })),
  revive: Schema.optional(Schema.Struct({ roles: Roles })),
  suppress: Schema.optional(Schema.Struct({ roles: Roles })),
  kill: Schema.optional(
    Schema.Struct({
      task_id: Id,
      agent_id: Schema.optional(Id),
      kill_policy: Schema.optional(KillPolicy),
    }),
  ),
  acknowledge: Schema.optional(Schema.Struct({ agent_id: Id, task_id: Id, uuid: Schema.String })),
  request: Schema.optional(Schema.Struct({})),
  reconcile: Schema.optional(
    Schema.Struct({
      tasks: Schema.optionalWith(
        Schema.Array(Schema.Struct({ task_id: Id, agent_id: Schema.optional(Id) })),
        { default: () => [] },
      ),
    }),
  ),
})
export type WireCall = typeof Call.Type

const decodeCall = ParseResult.decodeUnknownEither(Call)

/** Reads a JSON object as a call, or says what is wrong with it in Mesos's words (spec/mesos.md §2.2, row 6). */
export const jsonToCall = (json: object): Either.Either<WireCall, string> =>
  Either.mapLeft(decodeCall(withoutNulls(json)), describeIssue)

/** No field of a call lies deeper; what does is ignored, and must not exhaust the stack. */
const depthMax = 32

/** null means unset, at any depth that matters. What holds none is taken as it is: nearly every call. */
const withoutNulls = (value: unknown, depth = 0): unknown => {
  if (typeof value !== "object" || value === null || depth > depthMax) return value
  if (Array.isArray(value)) {
    let copy: Array<unknown> | undefined
    for (let index = 0; index < value.length; index++) {
      const item = withoutNulls(value[index], depth + 1)
      if (item !== value[index]) copy ??= [...value]
      if (copy !== undefined) copy[index] = item
    }
    return copy ?? value
  }
  const members = value as { readonly [name: string]: unknown }
  let kept: Array<readonly [string, unknown]> | undefined
  for (const name of Object.keys(members)) {
    const member = withoutNulls(members[name], depth + 1)
    if (member === members[name] && member !== null) continue
    kept ??= []
    kept.push([name, member])
  }
  if (kept === undefined) return value
  // Spread and fromEntries define members, also one called __proto__.
  const copy = { ...members, ...Object.fromEntries(kept) } as { [name: string]: unknown }
  for (const [name, member] of kept) if (member === null) delete copy[name]
  return copy
}

/** A sentence longer than this tells nobody more. */
const problemLengthMax = 500

/**
 * Only the first thing that is wrong, and never a whole value: a body of nothing but mistakes must cost no more than
 * one of none.
 */
const describeIssue = (issue: ParseResult.ParseIssue): string => {
  const { path, leaf } = firstLeaf(issue, [])
  const place = path.map(String).join(".")
  const text =
    leaf._tag === "Missing"
      ? `Missing required fields: ${place}`
      : `${place}: Expected ${"ast" in leaf ? expectedText(leaf.ast) : "nothing"}, actual ${actualText(leaf.actual)}`
  return `Failed to convert JSON into Call protobuf: ${text}`.slice(0, problemLengthMax)
}

type Leaf = Extract<ParseResult.ParseIssue, { _tag: "Missing" | "Type" | "Unexpected" | "Forbidden" }>

const firstLeaf = (
  issue: ParseResult.ParseIssue,
  path: ReadonlyArray<PropertyKey>,
): { readonly path: ReadonlyArray<PropertyKey>; readonly leaf: Leaf } => {
  switch (issue._tag) {
    case "Pointer":
      return firstLeaf(issue.issue, path.concat(issue.path))
    case "Composite":
      return firstLeaf("_tag" in issue.issues ? issue.issues : issue.issues[0], path)
    case "Refinement":
    case "Transformation":
      return firstLeaf(issue.issue, path)
    default:
      return { path, leaf: issue }
  }
}

const expectedText = (ast: SchemaAST.AST): string => {
  if (ast._tag === "TypeLiteral") return "an object"
  return ast._tag === "TupleType" ? "an array" : String(ast)
}

const actualText = (value: unknown): string => {
  if (Array.isArray(value)) return "an array"
  return typeof value === "object" && value !== null ? "an object" : JSON.stringify(value)
}
