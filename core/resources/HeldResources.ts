import { type PlainResources, plainToResources } from "./PlainForm.ts"
import type { Quantities } from "./Quantities.ts"
import { quantitiesToResources, type Resources, scalarQuantities } from "./Resources.ts"

// What somebody holds is stored in its plain form (rows, events and messages are plain JSON) and counted in its full one. Nearly all
// tasks hold plain amounts only, and are asked for them often: those are not read as the input of strangers is.

/** Everything that it holds, which was read once already: of what is not, the reading throws. */
export const heldResources = (held: PlainResources): Resources =>
  isAmounts(held) ? quantitiesToResources(held) : knownOf(held).resources

/** Its scalars by name, reserved ones and volumes too: what limits are made of. */
export const heldScalars = (held: PlainResources): Quantities =>
  isAmounts(held) ? held : knownOf(held).scalars

export const isAmounts = (held: PlainResources): held is Quantities => !Array.isArray(held)

interface Known {
  readonly resources: Resources
  readonly scalars: Quantities
}

const known = new WeakMap<object, Known>()

const knownOf = (held: PlainResources): Known => {
  let found = known.get(held)
  if (found === undefined) {
    const resources = plainToResources(held)
    found = { resources, scalars: scalarQuantities(resources) }
    known.set(held, found)
  }
  return found
}
