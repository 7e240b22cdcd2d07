/**
 * The samples of one host while its file is read: sums per slot of the grid, growing with the file, because where the grid
 * of the whole trace begins is known only when every file has been read.
 */
export interface HostSeries {
  /** Adds one sample; returns true when the slot already had one. */
  readonly add: (slot: number, cpuShare: number, memShare: number) => boolean
  /** Means per slot, clipped to 1; empty series give undefined. */
  readonly finish: () => FinishedSeries | undefined
}

export interface FinishedSeries {
  /** Slot of the first element, counted from 1970. */
  readonly firstSlot: number
  readonly cpu: Float32Array
  readonly mem: Float32Array
}

export const createHostSeries = (slotsExpected: number): HostSeries => {
  let firstSlot = 0
  let lastSlot = -1
  /** Slot of the arrays' first element. */
  let base = 0
  let cpuSums = new Float64Array(0)
  let memSums = new Float64Array(0)
  let counts = new Uint32Array(0)

  const grow = (slot: number) => {
    if (lastSlot < 0) {
      base = slot
      firstSlot = slot
      lastSlot = slot
    }
    const newBase = Math.min(base, slot)
    const span = Math.max(lastSlot, slot) - newBase + 1
    if (newBase === base && span <= counts.length) return
    const length = Math.max(slotsExpected, Math.ceil(span * 1.5))
    cpuSums = moved(cpuSums, new Float64Array(length), base - newBase)
    memSums = moved(memSums, new Float64Array(length), base - newBase)
    counts = moved(counts, new Uint32Array(length), base - newBase)
    base = newBase
  }

  return {
    add: (slot, cpuShare, memShare) => {
      if (lastSlot < 0 || slot < base || slot - base >= counts.length) grow(slot)
      firstSlot = Math.min(firstSlot, slot)
      lastSlot = Math.max(lastSlot, slot)
      const index = slot - base
      cpuSums[index]! += cpuShare
      memSums[index]! += memShare
      counts[index]! += 1
      return counts[index]! > 1
    },
    finish: () => {
      if (lastSlot < 0) return undefined
      const length = lastSlot - firstSlot + 1
      const cpu = new Float32Array(length)
      const mem = new Float32Array(length)
      for (let step = 0; step < length; step++) {
        const index = firstSlot - base + step
        const count = counts[index]!
        cpu[step] = count === 0 ? Number.NaN : Math.min(1, cpuSums[index]! / count)
        mem[step] = count === 0 ? Number.NaN : Math.min(1, memSums[index]! / count)
      }
      return { firstSlot, cpu, mem }
    },
  }
}

/** Copies what `from` holds into the larger `to`, `offset` elements further on. */
const moved = <A extends Float64Array | Uint32Array>(from: A, to: A, offset: number): A => {
  to.set(from.length + offset <= to.length ? from : from.subarray(0, to.length - offset), offset)
  return to
}
