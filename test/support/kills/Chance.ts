/** Seeded chance for the storm and its framework, which share nothing with gleaner (mulberry32). */
export interface Chance {
  /** 0 ≤ x < 1. */
  readonly fraction: () => number
  /** Whole, both ends included. */
  readonly between: (least: number, most: number) => number
  readonly pick: <A>(items: ReadonlyArray<A>) => A
  /** By weight. */
  readonly choose: <A extends string>(weights: Readonly<Record<A, number>>) => A
}

export const makeChance = (seed: number): Chance => {
  let state = seed >>> 0
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (least: number, most: number) => least + Math.floor(fraction() * (most - least + 1))
  const pick = <A>(items: ReadonlyArray<A>): A => items[between(0, items.length - 1)]!
  const choose = <A extends string>(weights: Readonly<Record<A, number>>): A => {
    const names = Object.keys(weights) as Array<A>
    let left = fraction() * names.reduce((sum, name) => sum + weights[name], 0)
    for (const name of names) {
      left -= weights[name]
      if (left < 0) return name
    }
    return names[names.length - 1]!
  }
  return { fraction, between, pick, choose }
}
