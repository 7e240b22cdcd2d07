import { renderTable } from "../runtime/cli/Table.ts"
import { allocationSubjects } from "./AllocationBench.ts"
import { environment, measure } from "./Bench.ts"
import { monitorSubjects } from "./MonitorBench.ts"
import { policySubjects } from "./PolicyBench.ts"

// npm run bench [-- policies|allocation|monitor …] [--json]

const suites: Readonly<Record<string, () => ReturnType<typeof policySubjects>>> = {
  policies: policySubjects,
  allocation: allocationSubjects,
  monitor: monitorSubjects,
}

const words = process.argv.slice(2)
const wanted = words.filter((word) => !word.startsWith("-"))
const unknown = wanted.find((name) => suites[name] === undefined)
if (unknown !== undefined) {
  process.stderr.write(`bench: no suite "${unknown}"; there are ${Object.keys(suites).join(", ")}\n`)
  process.exit(2)
}

const round = (value: number, digits: number) => value.toFixed(digits)
const grouped = (value: number) => Math.round(value).toLocaleString("en-US")

const measurements = []
for (const name of wanted.length === 0 ? Object.keys(suites) : wanted) {
  process.stderr.write(`bench: ${name}\n`)
  measurements.push(...(await measure(suites[name]!())))
}

if (words.includes("--json")) {
  for (const measurement of measurements)
    console.log(JSON.stringify({ ...measurement, environment: environment() }))
} else {
  const { node, cpu, cores } = environment()
  console.log(`Node ${node}, ${cores} × ${cpu}\n`)
  console.log(
    renderTable(
      [
        { title: "suite", align: "left" },
        { title: "shape", align: "left" },
        { title: "runs", align: "right" },
        { title: "median ms", align: "right" },
        { title: "min ms", align: "right" },
        { title: "max ms", align: "right" },
        { title: "per second", align: "right" },
        { title: "of", align: "left" },
      ],
      measurements.map((one) => [
        one.suite,
        one.shape,
        String(one.runs),
        round(one.medianMs, 2),
        round(one.minMs, 2),
        round(one.maxMs, 2),
        grouped(one.unitsPerSecond),
        one.unit,
      ]),
    ),
  )
}
