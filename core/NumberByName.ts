/** Numbers by a name that strangers choose: roles, resources. Plain data, so it can be stored as it is. */
export interface NumberByName {
  readonly [name: string]: number
}

const hasOwn = Object.prototype.hasOwnProperty

/** The number of a name, or the fallback. A name such as `constructor` does not find what every object inherits. */
export const numberOf = (numbers: NumberByName, name: string, fallback: number): number =>
  hasOwn.call(numbers, name) ? numbers[name]! : fallback

/** The value that stands under a name itself; undefined for what every object inherits, such as `constructor`. */
export const ownValue = <A>(values: { readonly [name: string]: A }, name: string): A | undefined =>
  hasOwn.call(values, name) ? values[name] : undefined
