/** What one pair of processes measures: a master, and whoever plays its agents and frameworks. */
export const wireModes = ["launches", "agents", "frameworks", "state"] as const
export type WireMode = (typeof wireModes)[number]

export interface WireJob {
  readonly mode: WireMode
  readonly agents: number
  readonly frameworks: number
  /** launches: in flight at most, which the hosts have room for; state: of the large state. */
  readonly tasks: number
  /** Of each timed round. */
  readonly seconds: number
  readonly rounds: number
}

/** What was asked for; null or an empty list = no wish. */
export interface WireWishes {
  readonly modes: ReadonlyArray<WireMode>
  readonly agents: number | null
  readonly frameworks: number | null
  readonly tasks: number | null
  readonly seconds: number | null
  readonly rounds: number | null
}

/** Sizes of the goals in issue 5; the whole suite takes some five minutes. */
const usual: { readonly [Mode in WireMode]: Omit<WireJob, "mode"> } = {
  launches: { agents: 200, frameworks: 5, tasks: 2_000, seconds: 4, rounds: 5 },
  agents: { agents: 10_000, frameworks: 0, tasks: 0, seconds: 15, rounds: 3 },
  frameworks: { agents: 1_000, frameworks: 1_000, tasks: 0, seconds: 20, rounds: 1 },
  state: { agents: 10_000, frameworks: 10, tasks: 100_000, seconds: 3, rounds: 3 },
}

export const planWire = (wishes: WireWishes): ReadonlyArray<WireJob> =>
  (wishes.modes.length === 0 ? wireModes : wishes.modes).map((mode) => ({
    mode,
    agents: wishes.agents ?? usual[mode].agents,
    frameworks: wishes.frameworks ?? usual[mode].frameworks,
    tasks: wishes.tasks ?? usual[mode].tasks,
    seconds: wishes.seconds ?? usual[mode].seconds,
    rounds: wishes.rounds ?? usual[mode].rounds,
  }))

/** A row of the table and an object of `--json`: figures by name, with the goals that are set for some of them. */
export interface WireFigure {
  readonly name: string
  readonly unit: string
  readonly median: number
  readonly min: number
  readonly max: number
  readonly goal: { readonly text: string; readonly isReached: boolean } | null
}

export interface WireResult {
  readonly figures: ReadonlyArray<WireFigure>
  /** What was verified, in words with numbers. */
  readonly verified: string
}
