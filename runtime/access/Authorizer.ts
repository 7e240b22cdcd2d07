import { type Action, actionObjects } from "./Action.ts"

/** One side of a rule: everybody or everything, nobody and nothing, or these. */
export type Entity = "ANY" | "NONE" | ReadonlyArray<string>

export interface Rule {
  readonly principals: Entity
  readonly objects: Entity
}

export interface Acls {
  /** What happens where no rule matches. */
  readonly isPermissive: boolean
  readonly rules: { readonly [A in Action]?: ReadonlyArray<Rule> }
}

/** Says what a principal may do. `object` null = any of them. */
export interface Authorizer {
  readonly isAllowed: (principal: string, action: Action, object: string | null) => boolean
}

/** Without rules everybody whose name is proven may do what Mesos lets them do then: everything. */
export const noAcls: Acls = { isPermissive: true, rules: {} }

/**
 * Never open because nothing is said: whoever registers an agent is sent other people's tasks, with their commands and
 * environments.
 */
const explicitOnly: ReadonlyArray<Action> = ["register_agents"]

/** `web/%` is everything below web, not web itself. */
const covers = (pattern: string, value: string, isRole: boolean): boolean =>
  pattern === value || (isRole && pattern.endsWith("/%") && value.startsWith(pattern.slice(0, -1)))

const includes = (values: ReadonlyArray<string>, value: string, isRole: boolean): boolean =>
  values.some((pattern) => covers(pattern, value, isRole))

/** Whether a side of a rule is about this. NONE is about everything, which it forbids. */
const isAbout = (entity: Entity, value: string, isRole: boolean): boolean =>
  typeof entity === "string" || includes(entity, value, isRole)

/** Any of them is what is said of ANY or NONE; and of some, when that is that nobody may: then not all of them are allowed. */
const isAboutAny = ({ principals, objects }: Rule): boolean =>
  typeof objects === "string" || principals === "NONE"

/**
 * Mesos's local authorizer: of the rules for an action the first that matches principal and object decides; it forbids
 * if one of its sides is NONE. Where none matches, `permissive` decides.
 */
export const makeAuthorizer = ({ isPermissive, rules }: Acls): Authorizer => ({
  isAllowed: (principal, action, object) => {
    const isRole = actionObjects[action] === "roles"
    const rule = (rules[action] ?? []).find(
      (candidate) =>
        isAbout(candidate.principals, principal, false) &&
        (object === null ? isAboutAny(candidate) : isAbout(candidate.objects, object, isRole)),
    )
    if (rule !== undefined) return rule.principals !== "NONE" && rule.objects !== "NONE"
    return isPermissive && explicitOnly.indexOf(action) === -1
  },
})
