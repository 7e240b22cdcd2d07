import { Effect, Schema } from "effect"
import { readAccessFile } from "./AccessFile.ts"
import type { AccessFileError } from "./AccessFileError.ts"
import { type Action, actionObjects, actions, foreignActions } from "./Action.ts"
import type { Acls, Entity, Rule } from "./Authorizer.ts"

// Mesos's file for `--acls`: {"permissive": false, "run_tasks": [{"principals": {"values": ["a"]}, "users": {"type": "ANY"}}]}.

const PlainEntity = Schema.Struct({
  type: Schema.optionalWith(Schema.Literal("SOME", "ANY", "NONE"), { default: () => "SOME" as const }),
  values: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
})
type PlainEntity = typeof PlainEntity.Type

const entityProblem = ({ type, values }: PlainEntity): string | true => {
  if (type !== "SOME") return values.length === 0 ? true : `has values beside the type ${type}`
  if (values.length === 0) return "has neither values nor the type ANY or NONE"
  return values.indexOf("") === -1 ? true : "has an empty value"
}

/** `%` stands for all that lies below a role, and nowhere else. */
const patternProblem = ({ values }: PlainEntity): string | true => {
  const wrong = values.find((value) => /%/.test(value.replace(/([^/])\/%$/, "$1")))
  return wrong === undefined ? true : `has '${wrong}': % may only end a role, as in web/%`
}

const EntityOf = PlainEntity.pipe(Schema.filter(entityProblem))
const RolesEntity = EntityOf.pipe(Schema.filter(patternProblem))

const rulesFor = (action: Action) => {
  const name = actionObjects[action]
  return Schema.Array(
    Schema.Struct({ principals: EntityOf, [name]: name === "roles" ? RolesEntity : EntityOf }),
  )
}

const fields: { [name: string]: Schema.optional<Schema.Schema<unknown, unknown>> } = {}
for (const name of foreignActions) fields[name] = Schema.optional(Schema.Unknown)
for (const action of actions)
  fields[action] = Schema.optional(rulesFor(action) as unknown as Schema.Schema<unknown, unknown>)

const AclsJson = Schema.Struct({
  permissive: Schema.optionalWith(Schema.Boolean, { default: () => true }),
  ...fields,
})

const toEntity = ({ type, values }: PlainEntity): Entity => (type === "SOME" ? values : type)

/** Host names are the same in any case. */
const inLowerCase = ({ type, values }: PlainEntity): PlainEntity => ({
  type,
  values: values.map((value) => value.toLowerCase()),
})

const toAcls = (json: { readonly permissive: boolean; readonly [name: string]: unknown }): Acls => {
  const rules: { [A in Action]?: ReadonlyArray<Rule> } = {}
  for (const action of actions) {
    const wire = json[action] as ReadonlyArray<{ readonly [side: string]: PlainEntity }> | undefined
    if (wire === undefined) continue
    const name = actionObjects[action]
    rules[action] = wire.map((rule) => ({
      principals: toEntity(rule.principals!),
      objects: toEntity(name === "machines" ? inLowerCase(rule[name]!) : rule[name]!),
    }))
  }
  return { isPermissive: json.permissive, rules }
}

const remedy = `write rules as for Apache Mesos, like {"run_tasks": [{"principals": {"values": ["NAME"]}, "users": {"values": ["nobody"]}}]}`

/** Reads a file of rules. It is no secret, but others may not change it. */
export const readAcls = (path: string): Effect.Effect<Acls, AccessFileError> =>
  Effect.map(readAccessFile(path, AclsJson, { isPrivate: false, remedy }), toAcls)
