import { parseArgs } from "node:util"
import fc from "fast-check"
import { type Checkpoint, churn, growthOf } from "./Churn.ts"
import { indexed } from "./Implementations.ts"
import { type AllocatorProperty, properties } from "./Properties.ts"

// The long sweep over random lives of clusters; `npm run sweep -- --help` tells the options. Progress goes to stderr, what came out to
// stdout. Ends with 1 and the one command that repeats it when something failed.

const usage = `npm run sweep -- [options]
  --runs N       scenarios of each property (10000)
  --seed S       the first seed (drawn)
  --minutes M    stop after this time whatever is left
  --property P   only this one of ${properties.map(({ name }) => name).join(", ")}
  --length L     commands of a scenario at most (40; every fourth batch is three times as long)
  --path P       the one scenario at this place of a seed, as a failure names it
  --events N     instead: the long churn of this many events (1000000 with --churn)
  --churn`

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "10000" },
    seed: { type: "string" },
    minutes: { type: "string" },
    property: { type: "string" },
    length: { type: "string" },
    path: { type: "string" },
    events: { type: "string" },
    churn: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
})

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
      const runs = Math.min(batchRuns, wanted - batch * batchRuns)
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
  const holds = fc.property(property.scenarios(length), (scenario) => property.check(indexed, scenario))
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
  const events = Number(values.events ?? 1_000_000)
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
    console.log(`${(error as Error).stack}\nrepeat with: npm run sweep -- --events ${events} --seed ${seed}`)
    return false
  }
  const growth = growthOf(checkpoints)
  console.log(
    growth.length === 0 ? "nothing grew, books as if rebuilt at all checkpoints" : growth.join("\n"),
  )
  return growth.length === 0
}

if (values.help) console.log(usage)
else if (!(values.churn || values.events !== undefined ? runChurn() : sweep())) process.exitCode = 1
