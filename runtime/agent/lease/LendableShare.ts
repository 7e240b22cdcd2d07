import { amountOf, type Quantities, toQuantities } from "../../../core/resources/Quantities.ts"
import type { Ceiling } from "../../cgroups/Cgroups.ts"
import { cpuMilliToQuotaMicros, memMilliToBytes, minCpuQuotaMicros } from "../../cgroups/ControlFiles.ts"
import type { CeilingInForce, HostAmounts } from "../../protocol/MonitorProtocol.ts"

// How much of what an agent lends is lent right now. Only cpus and mem follow the primary; disk never does.

export const toHostAmounts = (resources: Quantities): HostAmounts => ({
  cpuMilli: amountOf(resources, "cpus"),
  memMilli: amountOf(resources, "mem"),
})

const keptOf = (lentMilli: number, capacityMilli: number, reserveMilli: number): number =>
  lentMilli - Math.min(lentMilli, Math.max(0, capacityMilli - reserveMilli))

/**
 * The part of `total` that is kept for the primary: total − min(total, capacity − reserve), name by name; of memory also what
 * lies above `memCeilingMilli`. Reserve and capacity are of the whole host; without either, everything that follows the
 * primary is kept.
 */
export const keptForPrimary = (
  total: Quantities,
  capacity: HostAmounts | null,
  reserve: HostAmounts | null,
  memCeilingMilli: number,
): Quantities => {
  const lent = toHostAmounts(total)
  if (capacity === null || reserve === null) return amountsToResources(lent)
  return amountsToResources({
    cpuMilli: keptOf(lent.cpuMilli, capacity.cpuMilli, reserve.cpuMilli),
    memMilli: Math.max(
      keptOf(lent.memMilli, capacity.memMilli, reserve.memMilli),
      aboveCeiling(lent.memMilli, memCeilingMilli),
    ),
  })
}

/** The kernel counts pages, 64 KiB at most: a ceiling as high as what is lent may read so much lower. */
const pageMilliMost = 63

const aboveCeiling = (lentMilli: number, ceilingMilli: number): number =>
  lentMilli - ceilingMilli > pageMilliMost ? lentMilli - Math.min(lentMilli, ceilingMilli) : 0

const amountsToResources = ({ cpuMilli, memMilli }: HostAmounts): Quantities =>
  toQuantities([
    ["cpus", cpuMilli],
    ["mem", memMilli],
  ])

/** min(lent, capacity − reserve) = lent − kept. */
export const lendableOf = (lent: HostAmounts, kept: Quantities): HostAmounts => ({
  cpuMilli: lent.cpuMilli - amountOf(kept, "cpus"),
  memMilli: lent.memMilli - amountOf(kept, "mem"),
})

/** The ceiling at which everything lent may be used. */
export const lentCeiling = (lent: HostAmounts): Ceiling => ({
  cpuQuotaMicros: cpuMilliToQuotaMicros(lent.cpuMilli),
  memBytes: memMilliToBytes(lent.memMilli),
})

/** What tasks may use of a cpu while nobody watches the primary: a hundredth, so that they still move. */
const floorCpuDivisor = 100
/** Room above what is used, as a part of what is lent. */
const floorMemDivisor = 16
const mebibyte = 1_048_576

/**
 * The ceiling while nobody watches the primary: 1 % of a cpu for each cpu that is lent, at least the kernel's minimum.
 * Memory stays a sixteenth of what is lent above what is used, so that the loss of a monitor kills no task (law L6) and
 * yet what is used cannot grow far; whole MiB, which every page size divides.
 */
export const floorCeiling = (lent: HostAmounts, usedMemBytes: number) => {
  const lentBytes = memMilliToBytes(lent.memMilli)
  const memBytes = Math.min(lentBytes, usedMemBytes + Math.floor(lentBytes / floorMemDivisor))
  return {
    cpuQuotaMicros: Math.max(
      minCpuQuotaMicros,
      Math.floor(cpuMilliToQuotaMicros(lent.cpuMilli) / floorCpuDivisor),
    ),
    // Not below what is used, also when more is used than is lent.
    memBytes: Math.max(Math.ceil(usedMemBytes / mebibyte), Math.floor(memBytes / mebibyte), 1) * mebibyte,
  }
}

/** As people and the monitor count: thousandths of a cpu and of MiB; null = no limit. */
export const ceilingToInForce = ({ cpuQuotaMicros, memBytes }: Ceiling): CeilingInForce => ({
  cpuMilli: cpuQuotaMicros === "unlimited" ? null : Math.floor(cpuQuotaMicros / 100),
  memMilli: memBytes === "unlimited" ? null : Math.floor((memBytes * 1_000) / mebibyte),
})
