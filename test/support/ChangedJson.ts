import * as fc from "fast-check"

// JSON that is nearly right: what a reader by hand and a Schema must judge alike.

/** Values that stand where another kind is expected, or that a reader might take for one. */
const strange = fc.oneof(
  fc.constantFrom<unknown>(null, "", "x", "7", "true", "NaN", 0, -1, 0.5, 2 ** 53, true, false),
  fc.constant([]),
  fc.constant({}),
  fc.constant([null]),
  fc.constant({ value: "v" }),
  fc.jsonValue({ maxDepth: 2 }),
)

const names = fc.oneof(
  fc.constantFrom("value", "type", "role", "executor", "uris", "uuid", "id", "labels", "scalar", "__proto__"),
  fc.string({ maxLength: 5 }),
)

/** What happens to a value at one place of it: replaced, left out, another member added. */
type Change = {
  readonly at: number
  readonly how: "replace" | "drop" | "add"
  readonly name: string
  readonly value: unknown
}

const changes: fc.Arbitrary<ReadonlyArray<Change>> = fc.array(
  fc.record({
    at: fc.nat(200),
    how: fc.constantFrom("replace" as const, "drop" as const, "add" as const),
    name: names,
    value: strange,
  }),
  { maxLength: 3 },
)

const placesOf = (value: unknown): ReadonlyArray<readonly [holder: object, name: string]> => {
  if (typeof value !== "object" || value === null) return []
  return Object.keys(value).flatMap((name) => {
    const place = [value, name] as const
    return [place, ...placesOf((value as Record<string, unknown>)[name])]
  })
}

const apply = (json: object, { at, how, name, value }: Change): void => {
  const places = placesOf(json)
  if (places.length === 0) return
  const [holder, member] = places[at % places.length]!
  const target = holder as Record<string, unknown>
  // A copy: the same value in two places of one tree would be a circle.
  const own = JSON.parse(JSON.stringify(value)) as unknown
  const put = (key: string) =>
    Object.defineProperty(target, key, { value: own, enumerable: true, configurable: true, writable: true })
  if (how === "replace") put(member)
  else if (how === "add" && !Array.isArray(holder)) put(name)
  else if (Array.isArray(holder)) holder.splice(Number(member), 1)
  else delete target[member]
}

/** A right value with up to three changes anywhere in it, as it comes out of JSON. */
export const nearly = (right: fc.Arbitrary<object>): fc.Arbitrary<object> =>
  fc.tuple(right, changes).map(([json, all]) => {
    const copy = JSON.parse(JSON.stringify(json)) as object
    for (const change of all) apply(copy, change)
    return JSON.parse(JSON.stringify(copy)) as object
  })
