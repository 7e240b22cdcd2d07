import {
  type AttributeConstraint,
  compileConstraints,
  type OfferConstraints,
} from "../../core/allocation/Constraints.ts"
import { isResourceName, type Quantities, toQuantities } from "../../core/resources/Quantities.ts"
import type { WireAttributeConstraint, WireOfferFilters, WireRoleConstraints } from "./CallSchema.ts"
import { unitsToMilli } from "./Resources.ts"

// What a framework demands of its offers, by role (spec/mesos.md §1.12): the least that must be in one, and of which hosts it
// wants none. Each reader answers with what it read or with a sentence on what is wrong.

/** Sets of amounts for one role, resources in all of a framework's sets, and constraints of one role: looked at for every host. */
const minimaMax = 64
const namesMax = 32
const constraintsMax = 256

type ByRole<A> = { readonly [role: string]: A }

interface Texts {
  readonly what: string
  /** Of a role that is not among the framework's. */
  readonly stranger: (role: string) => string
}

const readByRole = <A, B>(
  { what, stranger }: Texts,
  wire: ByRole<A>,
  roles: ReadonlyArray<string>,
  read: (value: A) => B | string,
): ByRole<B> | string => {
  const own = new Set(roles)
  const unknown = Object.keys(wire).find((role) => !own.has(role))
  if (unknown !== undefined) return stranger(unknown)
  const found: Array<readonly [string, B]> = []
  for (const role of Object.keys(wire)) {
    const value = read(wire[role]!)
    if (typeof value === "string") return `${what} for role '${role}': ${value}`
    found.push([role, value])
  }
  return Object.fromEntries(found)
}

/** `FrameworkInfo.offer_filters`. An empty list takes any offer; a role without one has the master's minimum. */
export const wireToMinAllocatable = (
  wire: ByRole<WireOfferFilters>,
  roles: ReadonlyArray<string>,
): ByRole<ReadonlyArray<Quantities>> | string => {
  const saying = Object.keys(wire).filter((role) => wire[role]!.min_allocatable_resources !== undefined)
  const names = new Set<string>()
  return readByRole(
    {
      what: "'FrameworkInfo.offer_filters'",
      stranger: (role) =>
        `'FrameworkInfo.offer_filters' name a role '${role}' not contained in the set of roles`,
    },
    Object.fromEntries(saying.map((role) => [role, wire[role]!.min_allocatable_resources!])),
    roles,
    ({ quantities }) => {
      if (quantities.length > minimaMax) return `${quantities.length} sets: at most ${minimaMax} are taken`
      const sets: Array<Quantities> = []
      for (const set of quantities) {
        for (const name of Object.keys(set.quantities)) names.add(name)
        if (names.size > namesMax) return `more than the ${namesMax} resource names that a framework may use`
        const read = readQuantities(set.quantities)
        if (typeof read === "string") return read
        sets.push(read)
      }
      return sets
    },
  )
}

const readQuantities = (wire: ByRole<{ readonly value: number }>): Quantities | string => {
  const amounts: Array<readonly [string, number]> = []
  for (const name of Object.keys(wire)) {
    const milli = unitsToMilli(wire[name]!.value)
    if (milli === undefined || !isResourceName(name)) return `invalid quantity of '${name}'`
    amounts.push([name, milli])
  }
  return toQuantities(amounts)
}

const constraintTexts: Texts = {
  what: "'offer_constraints'",
  // Letter by letter (transcript scheduler/misc_constraints_bad_stream).
  stranger: (role) =>
    `Offer constraints specify \`role_constraints\` for a role '${role}'not contained in the set of roles`,
}

/** `offer_constraints.role_constraints`. */
export const wireToConstraints = (
  wire: ByRole<WireRoleConstraints>,
  roles: ReadonlyArray<string>,
): ByRole<OfferConstraints> | string =>
  readByRole(constraintTexts, wire, roles, ({ groups }) => {
    const count = groups.reduce((sum, group) => sum + group.attribute_constraints.length, 0)
    if (count > constraintsMax) return `${count} constraints: at most ${constraintsMax} are taken`
    const read: Array<ReadonlyArray<AttributeConstraint>> = []
    for (const { attribute_constraints: constraints } of groups) {
      const group: Array<AttributeConstraint> = []
      for (const constraint of constraints) {
        const one = readConstraint(constraint)
        if (typeof one === "string") return one
        group.push(one)
      }
      read.push(group)
    }
    const compiled = compileConstraints(read)
    return typeof compiled === "string" ? compiled : read
  })

const pseudoattributes: ByRole<"hostname" | "region" | "zone"> = {
  HOSTNAME: "hostname",
  REGION: "region",
  ZONE: "zone",
}

const readConstraint = ({ selector, predicate }: WireAttributeConstraint): AttributeConstraint | string => {
  const name = selector?.attribute_name
  const type = selector?.pseudoattribute_type
  if ((name === undefined) === (type === undefined)) return "a constraint must have one selector"
  const isKnown = type === undefined || Object.hasOwn(pseudoattributes, type)
  if (!isKnown) return `unknown pseudoattribute '${type}'`
  const read = readPredicate(predicate ?? {})
  if (typeof read === "string") return read
  return {
    selector: name === undefined ? { type: pseudoattributes[type!]! } : { type: "attribute", name },
    predicate: read,
  }
}

const readPredicate = (
  wire: NonNullable<WireAttributeConstraint["predicate"]>,
): AttributeConstraint["predicate"] | string => {
  const found: Array<AttributeConstraint["predicate"]> = []
  if (wire.exists !== undefined) found.push({ type: "exists" })
  if (wire.not_exists !== undefined) found.push({ type: "notExists" })
  if (wire.text_equals !== undefined) found.push({ type: "textEquals", value: wire.text_equals.value ?? "" })
  if (wire.text_not_equals !== undefined) {
    found.push({ type: "textNotEquals", value: wire.text_not_equals.value ?? "" })
  }
  if (wire.text_matches !== undefined) {
    found.push({ type: "textMatches", regex: wire.text_matches.regex ?? "" })
  }
  if (wire.text_not_matches !== undefined) {
    found.push({ type: "textNotMatches", regex: wire.text_not_matches.regex ?? "" })
  }
  return found.length === 1 ? found[0]! : "a constraint must have one predicate that this master knows"
}

const quantitiesToWire = (quantities: Quantities) => ({
  quantities: Object.fromEntries(
    Object.entries(quantities).map(([name, milli]) => [name, { value: milli / 1000 }]),
  ),
})

/** The reverse of {@link wireToMinAllocatable}. */
export const minAllocatableToWire = (minima: ByRole<ReadonlyArray<Quantities>>): ByRole<object> =>
  Object.fromEntries(
    Object.entries(minima).map(([role, sets]) => [
      role,
      { min_allocatable_resources: { quantities: sets.map(quantitiesToWire) } },
    ]),
  )

const constraintToWire = ({ selector, predicate }: AttributeConstraint) => ({
  selector:
    selector.type === "attribute"
      ? { attribute_name: selector.name }
      : { pseudoattribute_type: selector.type.toUpperCase() },
  predicate: predicateToWire(predicate),
})

const predicateToWire = (predicate: AttributeConstraint["predicate"]): object => {
  switch (predicate.type) {
    case "exists":
      return { exists: {} }
    case "notExists":
      return { not_exists: {} }
    case "textEquals":
      return { text_equals: { value: predicate.value } }
    case "textNotEquals":
      return { text_not_equals: { value: predicate.value } }
    case "textMatches":
      return { text_matches: { regex: predicate.regex } }
    case "textNotMatches":
      return { text_not_matches: { regex: predicate.regex } }
  }
}

/** The reverse of {@link wireToConstraints}: `OfferConstraints`, empty when there are none. */
export const constraintsToWire = (constraints: ByRole<OfferConstraints>): object => {
  const roles = Object.entries(constraints)
  if (roles.length === 0) return {}
  const wire = roles.map(([role, groups]) => [
    role,
    { groups: groups.map((group) => ({ attribute_constraints: group.map(constraintToWire) })) },
  ])
  return { role_constraints: Object.fromEntries(wire) }
}
