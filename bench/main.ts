import { renderTable } from "../runtime/cli/Table.ts"
import { runAllocation } from "./AllocationBench.ts"
import { type BenchArguments, readArguments, type SuiteName } from "./Arguments.ts"
import { planJobs } from "./allocation/Plan.ts"
import { environment, measure, outcomeOfMeasurements } from "./Bench.ts"
import { helpText } from "./Help.ts"
import { monitorSubjects } from "./MonitorBench.ts"
import type { Outcome } from "./Outcome.ts"
import { runPlacements } from "./PlacementBench.ts"
import { policySubjects } from "./PolicyBench.ts"
import { planPlacements } from "./placements/Job.ts"
import { writeReport } from "./Report.ts"
import { runRestart } from "./RestartBench.ts"
import { runWire } from "./WireBench.ts"
import { planWire } from "./wire/Job.ts"

// npm run bench [-- SUITE …] [OPTION …], see Help.ts.

const refuse = (problem: string): never => {
  process.stderr.write(`bench: ${problem}; see npm run bench -- --help\n`)
  process.exit(2)
}

const say = (text: string): void => {
  process.stderr.write(`bench: ${text}\n`)
}

/** A suite that verifies before it times throws what is wrong. */
const wrongOutcome = (name: string, error: unknown): Outcome => ({
  lines: [],
  tables: [],
  times: [],
  problems: [`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`],
})

const main = async (wishes: BenchArguments): Promise<void> => {
  const planned = planJobs(wishes.allocation)
  const jobs = typeof planned === "string" ? refuse(planned) : planned
  const { isCold, profileFolder } = wishes
  const suites: Readonly<Record<SuiteName, () => Promise<Outcome>>> = {
    policies: async () => outcomeOfMeasurements(await measure(policySubjects())),
    monitor: async () => outcomeOfMeasurements(await measure(monitorSubjects())),
    allocation: () => runAllocation({ jobs, isCold, profileFolder }, say),
    placements: () => runPlacements({ jobs: planPlacements(wishes.placements), isCold, profileFolder }, say),
    restart: () => runRestart(wishes.restart, say),
    wire: () => runWire({ jobs: planWire(wishes.wire), isCold, profileFolder }, say),
  }
  const here = environment()
  if (!wishes.isJson)
    console.log(`Node ${here.node}, ${here.cores} × ${here.cpu}, load ${here.load.toFixed(2)} at the start`)
  const outcomes: Array<Outcome> = []
  for (const name of wishes.suites) {
    say(name)
    const outcome = await suites[name]().catch((error: unknown) => wrongOutcome(name, error))
    outcomes.push(outcome)
    if (wishes.isJson) for (const line of outcome.lines) console.log(JSON.stringify(line))
    else
      for (const { title, note, columns, rows } of outcome.tables)
        console.log(`\n${title}: ${note}\n\n${renderTable(columns, rows)}`)
  }
  if (wishes.outFolder !== null) say(`wrote ${await writeReport(wishes.outFolder, here, outcomes)}`)
  const problems = outcomes.flatMap((outcome) => outcome.problems)
  for (const problem of problems) say(`WRONG: ${problem}`)
  if (problems.length > 0) process.exitCode = 1
}

const wishes = readArguments(process.argv.slice(2))
if (typeof wishes === "string") refuse(wishes)
else if (wishes.isHelp) process.stdout.write(helpText())
else await main(wishes)
