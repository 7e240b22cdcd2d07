/** Numbers by a name that strangers choose: roles, resources. Plain data, so it can be stored as it is. */
export interface NumberByName {
  readonly [name: string]: number
}

const hasOwn = Object.prototype.hasOwnProperty

/** The number of a name, or the fallback. A name such as `constructor` does not find what every object inherits. */
export const numberOf = (numbers: NumberByName, name: string, fallback: number): number =>
  hasOwn.call(numbers, name) ? numbers[name]! : fallback
