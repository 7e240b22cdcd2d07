const share = Number(process.env.GLEANER_RUN_SHARE ?? 1)

/** How many runs of a property to do: so many, or where every second counts (vitest.mutants.config.ts) a share of them. */
export const shareOfRuns = (count: number): number => Math.ceil(share * count)
