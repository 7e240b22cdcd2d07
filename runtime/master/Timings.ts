/** How many times are remembered (Mesos: of the last hour, 1000 at most). */
const timesMax = 1_000

const percentiles: ReadonlyArray<readonly [name: string, share: number]> = [
  ["p50", 0.5],
  ["p90", 0.9],
  ["p95", 0.95],
  ["p99", 0.99],
  ["p999", 0.999],
  ["p9999", 0.9999],
]

/** Between the two ranks next to it, in proportion, as Mesos does it. */
const atShare = (sorted: Float64Array, share: number): number => {
  const place = share * (sorted.length - 1)
  const below = Math.floor(place)
  const low = sorted[below]!
  return low + (place - below) * ((sorted[below + 1] ?? low) - low)
}

/** The last times that something took, and what Mesos says of such a series: the newest under its name, statistics below it. */
export class Timings {
  private readonly times = new Float64Array(timesMax)
  private count = 0

  add(ms: number): void {
    this.times[this.count++ % timesMax] = ms
  }

  /** Nothing before the first time; Mesos says nothing either. */
  figures(name: string): { readonly [name: string]: number } {
    if (this.count === 0) return {}
    const sorted = this.times.slice(0, this.count).sort()
    const figures: { [name: string]: number } = {
      [name]: this.times[(this.count - 1) % timesMax]!,
      [`${name}/count`]: sorted.length,
      [`${name}/min`]: sorted[0]!,
      [`${name}/max`]: sorted[sorted.length - 1]!,
    }
    for (const [percentile, share] of percentiles) figures[`${name}/${percentile}`] = atShare(sorted, share)
    return figures
  }
}
