import { parseArgs } from "node:util"
import fc from "fast-check"
import { type Checkpoint, churn, growthOf } from "./Churn.ts"
import { indexed } from "./Implementations.ts"
import { type AllocatorProperty, properties } from "./Properties.ts"

// The long sweep over random lives of clusters, then the long churn; `npm run sweep -- --help` tells the options. Progress goes to stderr, what came out to
// stdout. Ends with 1 and the one command that repeats it when something failed.

const usage = `npm run sweep -- [options]
  --runs N       scenarios of each property (10000), of crowds a twentieth
  --events N     events of the long churn after them (1000000)
  --seed S       the first seed (drawn)
  --minutes M    stop the scenarios after this time whatever is left
  --property P   only this one of ${properties.map(({ name }) => name).join(", ")}, and no churn
  --length L     commands of a scenario at most (40; every fourth batch is three times as long)
  --path P       the one scenario at this place of a seed, as a failure names it
  --churn        only the churn
  --help`

const refuse = (problem: string): never => {
  console.error(`sweep: ${problem}; see npm run sweep -- --help`)
  process.exit(2)
}

const readOptions = () => {
  try {
    return parseArgs({
      options: {
        runs: { type: "string", default: "10000" },
        events: { type: "string", default: "1000000" },
        seed: { type: "string" },
        minutes: { type: "string" },
        property: { type: "string" },
        length: { type: "string" },
        path: { type: "string" },
        churn: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values
  } catch (error) {
    return refuse((error as Error).message)
  }
}

const values = readOptions()
// What is no number would sweep nothing, and find nothing wrong.
for (const name of ["runs", "events", "seed", "minutes", "length"] as const) {
  const text = values[name]
  if (text !== undefined && !/^[1-9]\d{0,9}$/.test(text) && !(name === "seed" && text === "0")) {
    refuse(`--${name} "${text}" is no whole number from 1`)
  }
}
if (values.property !== undefined && !properties.some(({ name }) => name === values.property)) {
  refuse(`no property "${values.property}"`)
}

const seed = values.seed === undefined ? Math.floor(Math.random() * 0x7fffffff) : Number(values.seed)
const batchRuns = 250

const sweep = (): boolean => {
  const chosen = properties.filter(({ name }) => values.property === undefined || name === values.property)
  const endMs = performance.now() + Number(values.minutes ?? Number.POSITIVE_INFINITY) * 60_000
  const wanted = Number(values.runs)
  const done = new Map(chosen.map(({ name }): [string, number] => [name, 0]))
  console.log(`seed ${seed}`)
  for (let batch = 0; batch * batchRuns < wanted && performance.now() < endMs; batch++) {
    for (const property of chosen) {
      // A crowd takes twenty times as long.
      const share = property.name === "crowd" ? 20 : 1
      const runs = Math.ceil(Math.min(batchRuns, wanted - batch * batchRuns) / share)
      const length = Number(values.length ?? (batch % 4 === 3 ? 120 : 40))
      if (!runBatch(property, seed + batch, runs, length)) return false
      done.set(property.name, done.get(property.name)! + runs)
      console.error(Array.from(done, ([name, count]) => `${name} ${count}`).join(", "))
    }
  }
  console.log(`held: ${Array.from(done, ([name, count]) => `${name} in ${count} scenarios`).join(", ")}`)
  return true
}

/** How long a failure is made smaller before it is told. */
const shrinkMs = 120_000

const runBatch = (property: AllocatorProperty, batchSeed: number, runs: number, length: number): boolean => {
  const holds = property.holdsFor(indexed, length)
  const start = values.path === undefined ? {} : { path: values.path }
  const found = fc.check(holds, { numRuns: runs, seed: batchSeed, ...start, endOnFailure: true })
  if (!found.failed) return true
  const repeat = (path: string | null) =>
    `npm run sweep -- --property ${property.name} --seed ${batchSeed} --length ${length} --runs ${runs} --path ${path}`
  console.error(`failed, looking for a shorter story; this one: ${repeat(found.counterexamplePath)}`)
  const shrunk = fc.check(holds, {
    numRuns: runs,
    seed: batchSeed,
    path: found.counterexamplePath!,
    interruptAfterTimeLimit: shrinkMs,
  })
  const told = shrunk.failed && shrunk.errorInstance ? shrunk : found
  console.log(`${property.name} failed: ${(told.errorInstance as Error).message}`)
  console.log(`repeat with: ${repeat(told.counterexamplePath)}`)
  return false
}

const runChurn = (): boolean => {
  const events = Number(values.events)
  const checkpoints: Array<Checkpoint> = []
  console.log(`churn of ${events} events, seed ${seed}`)
  try {
    churn(indexed.make, seed, events, (checkpoint) => {
      checkpoints.push(checkpoint)
      const { live, heapBytes } = checkpoint
      console.error(
        `${checkpoint.events} events, ${checkpoint.offers} offers; with everybody gone ${live.objects} objects, ${live.entries} entries, ${live.bytes} bytes of typed arrays, heap ${heapBytes === null ? "unknown" : `${(heapBytes / 1e6).toFixed(1)} MB`}`,
      )
    })
  } catch (error) {
    console.log(
      `${(error as Error).stack}\nrepeat with: npm run sweep -- --churn --events ${events} --seed ${seed}`,
    )
    return false
  }
  const growth = growthOf(checkpoints)
  console.log(
    growth.length === 0 ? "nothing grew, books as if rebuilt at all checkpoints" : growth.join("\n"),
  )
  return growth.length === 0
}

const isOneProperty = values.property !== undefined || values.path !== undefined

if (values.help) console.log(usage)
else if (!((values.churn || sweep()) && (isOneProperty || runChurn()))) process.exitCode = 1
