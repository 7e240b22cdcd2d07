import type { Demand, Yield } from "./Demand.ts"

/** Something that can be given up. */
export interface Piece {
  /** A whole number, not negative. */
  readonly cost: number
  readonly gives: Yield
}

export interface Cover {
  /** Indexes of the pieces, ascending. */
  readonly chosen: ReadonlyArray<number>
  /** Whether no other choice can be better; otherwise it is only small: none of it can be left out. */
  readonly isBest: boolean
}

/** Steps of the search before it is content with the best cover so far. A search over n pieces takes less than 2^(n+1), so
 * up to 13 pieces the result is always the best; with more it nearly always is, because most branches are cut. */
const maxSteps = 16_384
/** The search goes as deep as there are pieces; with more than this the greedy cover has to do. */
const maxPieces = 1_000

/**
 * The cheapest pieces with which a demand fits; of equally cheap choices one of fewest pieces, and of those the one
 * that comes first in the order of the pieces. Undefined when it does not even fit with all of them.
 */
export const findCheapestCover = (demand: Demand, pieces: ReadonlyArray<Piece>): Cover | undefined => {
  const greedy = greedyCover(demand, pieces)
  if (greedy === undefined) return undefined
  if (pieces.length > maxPieces) return { chosen: greedy, isBest: greedy.length === 0 }
  const search = new Search(demand, pieces, greedy)
  search.visit(0, 0, nothing(demand))
  if (search.isComplete) return { chosen: search.best, isBest: true }
  return { chosen: withoutNeedless(demand, pieces, search.best), isBest: false }
}

/** What the pieces from one on can do at most. */
interface Rest {
  /** All of them together. */
  readonly gives: Yield
  /** By want: the least cost of a milli-unit, and the most that one piece gives. */
  readonly leastPrice: ReadonlyArray<number>
  readonly mostGiven: ReadonlyArray<number>
}

/**
 * Branch and bound: each piece in turn is taken or left; a branch ends when all that follows could not make it fit, or not
 * for less than the best cover so far. That is at first a greedy one.
 */
class Search {
  private bestCost: number
  /** A greedy cover gives way to an equally good one, which stands earlier in the order; a found one does not. */
  private isFound = false
  private steps = 0
  private readonly chosen: Array<number> = []
  private readonly rests: ReadonlyArray<Rest>
  /** By want: whether everything pays the reserve first, so that nothing is left for the want before. */
  private readonly isAllPlain: ReadonlyArray<boolean>

  constructor(
    private readonly demand: Demand,
    private readonly pieces: ReadonlyArray<Piece>,
    public best: ReadonlyArray<number>,
  ) {
    this.bestCost = costOf(pieces, best)
    this.rests = restsOf(demand, pieces)
    this.isAllPlain = wantsOf(demand).map((want) => pieces.every(({ gives }) => gives[2 * want + 1] === 0))
  }

  get isComplete(): boolean {
    return this.steps <= maxSteps
  }

  visit(next: number, cost: number, given: Yield): void {
    if (++this.steps > maxSteps) return
    const rest = this.rests[next]!
    if (!this.demand.fits(sum(given, rest.gives)) || this.isNoBetter(cost, given, rest)) return
    if (this.demand.fits(given)) {
      this.best = this.chosen.slice()
      this.bestCost = cost
      this.isFound = true
      return
    }
    const { cost: own, gives } = this.pieces[next]!
    this.chosen.push(next)
    this.visit(next + 1, cost + own, sum(given, gives))
    this.chosen.pop()
    this.visit(next + 1, cost, given)
  }

  /** Each want for itself must still be met, at the best price of all that follow, in the largest helpings. */
  private isNoBetter(cost: number, given: Yield, rest: Rest): boolean {
    let moreCost = 0
    let morePieces = 0
    for (let want = 0; want < rest.leastPrice.length; want++) {
      const missing = this.demand.missing(want, given)
      if (missing === 0) continue
      const needed = missing + (this.isAllPlain[want]! ? this.demand.owed(want, given) : 0)
      moreCost = Math.max(moreCost, needed * rest.leastPrice[want]!)
      morePieces = Math.max(morePieces, needed / rest.mostGiven[want]!)
    }
    // Costs and counts are whole numbers, so a fraction more means one more; the margin is for rounding.
    const least = cost + Math.ceil(moreCost * (1 - 1e-9))
    if (least !== this.bestCost) return least > this.bestCost
    const more = this.chosen.length + Math.ceil(morePieces * (1 - 1e-9)) - this.best.length
    return more > 0 || (more === 0 && this.isFound)
  }
}

/** By piece, and one more: what is left after the last. */
const restsOf = (demand: Demand, pieces: ReadonlyArray<Piece>): ReadonlyArray<Rest> => {
  const wants = wantsOf(demand)
  let rest: Rest = {
    gives: nothing(demand),
    leastPrice: wants.map(() => Number.POSITIVE_INFINITY),
    mostGiven: wants.map(() => 0),
  }
  const rests = [rest]
  for (const { cost, gives } of pieces.slice().reverse()) {
    const given = wants.map((want) => gives[2 * want]! + gives[2 * want + 1]!)
    const { leastPrice, mostGiven } = rest
    rest = {
      gives: sum(rest.gives, gives),
      leastPrice: given.map((milli, want) =>
        milli === 0 ? leastPrice[want]! : Math.min(leastPrice[want]!, cost / milli),
      ),
      mostGiven: given.map((milli, want) => Math.max(mostGiven[want]!, milli)),
    }
    rests.push(rest)
  }
  return rests.reverse()
}

const wantsOf = (demand: Demand): ReadonlyArray<number> =>
  Array.from({ length: demand.width / 2 }, (_, want) => want)

const nothing = (demand: Demand): Yield => new Array<number>(demand.width).fill(0)

/** Again and again the piece that costs least for how much nearer it brings; then without those that turned out needless. */
const greedyCover = (demand: Demand, pieces: ReadonlyArray<Piece>): ReadonlyArray<number> | undefined => {
  const chosen: Array<number> = []
  let given = nothing(demand)
  while (!demand.fits(given)) {
    const next = mostUseful(demand, pieces, chosen, given)
    if (next < 0) return undefined
    chosen.push(next)
    given = sum(given, pieces[next]!.gives)
  }
  return withoutNeedless(demand, pieces, chosen)
}

const mostUseful = (
  demand: Demand,
  pieces: ReadonlyArray<Piece>,
  chosen: ReadonlyArray<number>,
  given: Yield,
): number => {
  const distance = demand.distance(given)
  let best = -1
  let bestPrice = Number.POSITIVE_INFINITY
  pieces.forEach(({ cost, gives }, index) => {
    if (chosen.indexOf(index) >= 0) return
    const nearer = distance - demand.distance(sum(given, gives))
    // What only pays the reserve brings nothing nearer yet and may be needed all the same: it comes last.
    const price = nearer > 0 ? cost / nearer : Number.MAX_VALUE
    if (price < bestPrice && gives.some((milli) => milli > 0)) {
      best = index
      bestPrice = price
    }
  })
  return best
}

/** The dearest first. */
const withoutNeedless = (
  demand: Demand,
  pieces: ReadonlyArray<Piece>,
  chosen: ReadonlyArray<number>,
): ReadonlyArray<number> => {
  const byCost = chosen
    .slice()
    .sort((left, right) => pieces[right]!.cost - pieces[left]!.cost || right - left)
  let kept = chosen
  for (const index of byCost) {
    const others = kept.filter((other) => other !== index)
    const given = others.reduce((all, other) => sum(all, pieces[other]!.gives), nothing(demand))
    if (demand.fits(given)) kept = others
  }
  return kept.slice().sort((left, right) => left - right)
}

const costOf = (pieces: ReadonlyArray<Piece>, chosen: ReadonlyArray<number>): number =>
  chosen.reduce((cost, index) => cost + pieces[index]!.cost, 0)

const sum = (left: Yield, right: Yield): Yield => left.map((milli, index) => milli + right[index]!)
