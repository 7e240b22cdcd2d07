import type { Attribute } from "../resources/Attribute.ts"
import { compileRegex, type RegexBounds } from "./Regex.ts"

/** What a framework demands of a host's attribute (spec/mesos.md §1.12, offer constraints). */
export interface AttributeConstraint {
  readonly selector:
    | { readonly type: "attribute"; readonly name: string }
    | { readonly type: "hostname" | "region" | "zone" }
  readonly predicate:
    | { readonly type: "exists" | "notExists" }
    | { readonly type: "textEquals" | "textNotEquals"; readonly value: string }
    | { readonly type: "textMatches" | "textNotMatches"; readonly regex: string }
}

/** Some group must hold; a group holds when all of it does. */
export type OfferConstraints = ReadonlyArray<ReadonlyArray<AttributeConstraint>>

/** Whether a host satisfies the constraints of a client. */
export type HostPredicate = (host: ConstrainedHost) => boolean

export interface ConstrainedHost {
  readonly hostname: string
  readonly attributes: ReadonlyArray<Attribute>
  readonly region: string | null
  readonly zone: string | null
}

/** Mesos's defaults (`offer_constraints_re2_max_mem`, `…_max_program_size`). Its 4096 bytes bound what RE2 takes to hold the
 * expression; here they bound the expression itself. */
export const constraintRegexBounds: RegexBounds = { patternBytes: 4096, programSize: 100 }

/**
 * Makes constraints ready to be asked for each (client, host); or says what is wrong with them, and where.
 *
 * As Mesos does it (`offer_constraints_filter.cpp`, 1.11): a predicate on text passes for an attribute that is no text. Of an absent
 * attribute, and of the region and zone of a host without domain, the negative predicates and `notExists` hold. Of several
 * attributes of one name the first counts. No group at all, or an empty one, is refused.
 */
export const compileConstraints = (constraints: OfferConstraints): HostPredicate | string => {
  if (constraints.length === 0) return "there must be a group"
  const groups: Array<ReadonlyArray<HostPredicate>> = []
  for (let index = 0; index < constraints.length; index++) {
    const place = `group ${index + 1}`
    const group = compileGroup(constraints[index]!, place)
    if (typeof group === "string") return group
    groups.push(group)
  }
  return (host) => groups.some((group) => group.every((holds) => holds(host)))
}

const compileGroup = (
  group: ReadonlyArray<AttributeConstraint>,
  place: string,
): ReadonlyArray<HostPredicate> | string => {
  if (group.length === 0) return `${place}: there must be a constraint`
  const predicates: Array<HostPredicate> = []
  for (let index = 0; index < group.length; index++) {
    const { selector, predicate } = group[index]!
    const holds = compilePredicate(predicate)
    if (typeof holds === "string") return `${place}, constraint ${index + 1}: ${holds}`
    const select = selectorOf(selector)
    predicates.push((host) => holds(select(host)))
  }
  return predicates
}

/** Text, `notText` for an attribute of another type, undefined for none. */
type Selected = string | typeof notText | undefined
const notText = { type: "notText" } as const

const selectorOf = (selector: AttributeConstraint["selector"]): ((host: ConstrainedHost) => Selected) => {
  switch (selector.type) {
    case "attribute":
      return (host) => selectedOf(host.attributes.find((attribute) => attribute.name === selector.name))
    case "hostname":
      return (host) => host.hostname
    case "region":
      return (host) => (host.region === null ? undefined : host.region)
    case "zone":
      return (host) => (host.zone === null ? undefined : host.zone)
  }
}

const selectedOf = (attribute: Attribute | undefined): Selected =>
  attribute === undefined ? undefined : attribute.type === "text" ? attribute.value : notText

const compilePredicate = (
  predicate: AttributeConstraint["predicate"],
): ((selected: Selected) => boolean) | string => {
  switch (predicate.type) {
    case "exists":
      return (selected) => selected !== undefined
    case "notExists":
      return (selected) => selected === undefined
    case "textEquals":
      return onText((text) => text === predicate.value, false)
    case "textNotEquals":
      return onText((text) => text !== predicate.value, true)
    case "textMatches":
    case "textNotMatches": {
      const regex = compileRegex(predicate.regex, constraintRegexBounds)
      if (typeof regex === "string") return `regex ${JSON.stringify(shorten(predicate.regex))}: ${regex}`
      return predicate.type === "textMatches"
        ? onText((text) => regex.matches(text), false)
        : onText((text) => !regex.matches(text), true)
    }
  }
}

const onText =
  (holds: (text: string) => boolean, ofNone: boolean) =>
  (selected: Selected): boolean =>
    selected === undefined ? ofNone : selected === notText || holds(selected as string)

const shorten = (regex: string): string => (regex.length <= 80 ? regex : `${regex.slice(0, 79)}…`)
