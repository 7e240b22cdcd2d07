import { tickMs } from "./CpuTimes.ts"

/** Use of a host's cpus between two readings, from two counters that each lack something. */
export interface HostCpuUse {
  /**
   * Thousandths of a cpu since the reading before; NaN when that cannot be told. `busyTicks` is /proc/stat's, `rootNanos` the
   * root group's cpuacct.usage, NaN where there is none; `elapsedMs` NaN = no measurement, begin anew.
   */
  readonly take: (busyTicks: number, rootNanos: number, elapsedMs: number) => number
}

interface Span {
  readonly elapsedMs: number
  readonly ticksMs: number
  readonly rootMs: number
}

/** A tick more or less is a hundredth of a cpu over this time. */
const windowMs = 1_000

/**
 * Ticks of 10 ms say all that keeps cpus busy, but in a sample of 100 ms each cpu strays by a tenth, and all of them together,
 * because they tick together: the harvest's own work would look like the primary's. The root group's counter is exact and lacks
 * interrupts, steal, and in a container the rest of the host. So the exact one is believed for the moment, plus what the ticks
 * of the last second found beyond it.
 */
export const createHostCpuUse = (): HostCpuUse => {
  let spans: Array<Span> = []
  let ticksBefore = Number.NaN
  let rootBefore = Number.NaN

  const hiddenShare = (next: Span): number => {
    spans.push(next)
    let [elapsedMs, beyondMs] = [0, 0]
    let first = spans.length
    while (first > 0 && elapsedMs < windowMs) {
      first -= 1
      elapsedMs += spans[first]!.elapsedMs
      beyondMs += spans[first]!.ticksMs - spans[first]!.rootMs
    }
    if (first > 0) spans = spans.slice(first)
    return Math.max(0, beyondMs) / elapsedMs
  }

  return {
    take: (busyTicks, rootNanos, elapsedMs) => {
      const ticksMs = (busyTicks - ticksBefore) * tickMs
      const rootMs = (rootNanos - rootBefore) / 1e6
      ticksBefore = busyTicks
      rootBefore = rootNanos
      if (ticksMs >= 0 && rootMs >= 0 && elapsedMs > 0)
        return Math.round(1_000 * (rootMs / elapsedMs + hiddenShare({ elapsedMs, ticksMs, rootMs })))
      spans = []
      return ticksMs >= 0 ? Math.round((ticksMs * 1_000) / elapsedMs) : Number.NaN
    },
  }
}
