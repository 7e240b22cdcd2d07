import { writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { pause } from "../Gleaner.ts"
import { startBorrower } from "./Borrower.ts"
import { startBusinessLoad } from "./BusinessLoad.ts"
import { LentHost } from "./LentHost.ts"
import { drawRun, type RunSample, samplesToCsv } from "./RunChart.ts"

// Records what a host lends while its business comes and goes, and draws it:
//
//   npx tsx test/support/load/Chart.ts --minutes 10 --out /tmp/run
//
// writes /tmp/run.csv and /tmp/run.svg. Needs root, cgroup v1 and a machine that has nothing else to do.

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, out: { type: "string", default: "gleaner-run" } },
})
const seconds = Math.round(Number(values.minutes) * 60)
if (!(seconds > 0)) throw new Error(`--minutes ${values.minutes}: a number above 0`)

/** A window that keeps what the business has just shown; long enough to be seen in a chart. */
const policy = {
  version: 1,
  policy: "window-max",
  parameters: { window: "20s", margin: 0.05 },
  intervalMs: 1_000,
  horizonMs: 10_000,
}

/**
 * A business day in ten minutes, by share of the run: quiet, a rise to a busy noon, quiet, a jump to all there is, a long
 * quiet evening, bursts, night. The quiet is longer than the minute that a ceiling waits after a raise that proved wrong.
 */
const businessShare = (progress: number): number => {
  const second = progress * seconds
  if (progress < 0.15) return 0.05
  if (progress < 0.3) return 0.05 + (0.5 * (progress - 0.15)) / 0.15
  if (progress < 0.4) return 0.5 + 0.1 * Math.sin(second / 6)
  if (progress < 0.55) return 0.1
  if (progress < 0.65) return 1
  if (progress < 0.85) return 0.1
  if (progress < 0.92) return Math.floor(second / 12) % 2 === 0 ? 0.1 : 0.75
  return 0.05
}

const cpusOf = (milli: number | null | undefined): number | null =>
  milli === null || milli === undefined ? null : milli / 1_000

const sampleRun = async (host: LentHost, setBusiness: (share: number) => void) => {
  const samples: Array<RunSample> = []
  const startMs = performance.now()
  for (let second = 0; second <= seconds; second++) {
    await pause(startMs + second * 1_000 - performance.now())
    const share = Math.round(businessShare(second / seconds) * 1_000) / 1_000
    setBusiness(share)
    const view = await host.view().catch(() => undefined)
    samples.push({
      second,
      business: share * availableParallelism(),
      capacity: cpusOf(view?.capacity?.cpuMilli),
      primary: cpusOf(view?.primary.cpuMilli),
      reserve: cpusOf(view?.reserve?.cpuMilli),
      ceiling: cpusOf(view?.ceiling.cpuMilli),
      harvest: cpusOf(view?.harvest.cpuMilli),
      lendable: cpusOf(view?.lendable.cpuMilli),
      tasks: view?.tasks ?? null,
    })
    if (second % 30 === 0) process.stderr.write(`${second} of ${seconds} s\n`)
  }
  return samples
}

const host = await LentHost.start(policy)
const business = startBusinessLoad(0)
const borrower = await startBorrower(host.cluster.url, host.cluster.secret)
try {
  const samples = await sampleRun(host, business.set)
  writeFileSync(`${values.out}.csv`, samplesToCsv(samples))
  writeFileSync(`${values.out}.svg`, drawRun(samples))
  process.stderr.write(`wrote ${values.out}.csv and ${values.out}.svg\n`)
} finally {
  await borrower.stop()
  await business.stop()
  await host.end()
}
