import type { HostSample } from "../host/HostSampler.ts"

/** Measurements of one recording interval on their way to one row: mean and highest of what was known. */
export interface SampleFold {
  readonly add: (sample: HostSample) => void
  /** How many were added since the last row. */
  readonly count: () => number
  /** The values of a row of kind "s" without its time; begins anew. */
  readonly take: () => ReadonlyArray<number>
}

export const createSampleFold = (): SampleFold => {
  const amounts = [createAmount(), createAmount(), createAmount(), createAmount()] as const
  let samples = 0
  return {
    add: (sample) => {
      samples += 1
      amounts[0].add(sample.primaryCpuMilli)
      amounts[1].add(sample.primaryMemMilli)
      amounts[2].add(sample.harvestCpuMilli)
      amounts[3].add(sample.harvestMemMilli)
    },
    count: () => samples,
    take: () => {
      const row = [samples]
      for (const amount of amounts) amount.takeInto(row)
      samples = 0
      return row
    },
  }
}

const createAmount = () => {
  let sum = 0
  let count = 0
  let highest = Number.NaN
  return {
    add: (value: number) => {
      if (!(value >= 0)) return
      sum += value
      count += 1
      if (!(highest >= value)) highest = value
    },
    takeInto: (row: Array<number>) => {
      row.push(count === 0 ? Number.NaN : Math.round(sum / count), highest)
      sum = 0
      count = 0
      highest = Number.NaN
    },
  }
}
